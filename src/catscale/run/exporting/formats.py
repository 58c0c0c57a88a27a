"""The files of an exported model, in each format, made from a plain model's folder."""

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.decoding.huggingface import saved_search
from catscale.model.plain_folder import write_clean
from catscale.run.exporting.form import ExportFormat
from catscale.system.writing.files import copy_file, write_json
from catscale.vocabulary.contract import Vocabulary

SEARCH, TOKENIZER = "generation_config.json", "tokenizer.json"


def write_model(
    form: ExportFormat, plain: Path, vocabulary: Vocabulary, settings: EvaluationConfig, target: Path
) -> None:
    """Write a model and what cuts text for it.

    Args:
        form: The requested form.
        plain: The folder of a plain model.
        vocabulary: Its vocabulary, which has a Hugging Face tokenizer.
        settings: The search, which a Hugging Face folder tells `generate`.
        target: An empty folder.

    Raises:
        CatscaleError: If the model is damaged, or the folder cannot be written to.
    """
    if form.name == "hf":
        write_clean(plain, target, copy_file)
        write_json(target / SEARCH, saved_search(settings, vocabulary))
    else:
        from catscale.evaluation.decoding.ctranslate2 import convert_into

        convert_into(plain, target, form.quantization, vocabulary)
    vocabulary.save(target)


def name_tags(folder: Path, vocabulary: Vocabulary, languages: Sequence[str]) -> dict[str, str]:
    """Return the token that stands for each language, as the tokenizer of a written model has it.

    Args:
        folder: The written model.
        vocabulary: Its vocabulary.
        languages: Codes of the data.
    """
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    return {language: str(tokenizer.id_to_token(vocabulary.tag(language))) for language in languages}
