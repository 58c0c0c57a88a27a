"""The use of an exported model by other programs: lines for its card, and the same as functions, which the check calls.

Neither goes through catscale's own vocabulary and decoding: what they give is what a server will give.
"""

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.decoding.batches import SHORTEST, TAG_AND_EOS, length_limit
from catscale.evaluation.translate import one_line
from catscale.model.quiet import be_quiet, no_progress_bars
from catscale.run.exporting.form import ExportFormat
from catscale.run.exporting.formats import TOKENIZER

END = "</s>"
SNIPPETS = {
    "hf": """from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained({folder}, src_lang={source})
model = AutoModelForSeq2SeqLM.from_pretrained({folder})
inputs = tokenizer(["A sentence."], return_tensors="pt", padding=True)
outputs = model.generate(**inputs, forced_bos_token_id=tokenizer.convert_tokens_to_ids({target}))
print(tokenizer.batch_decode(outputs, skip_special_tokens=True)[0])
""",
    "ctranslate2": """import ctranslate2, tokenizers

translator = ctranslate2.Translator({folder})
tokenizer = tokenizers.Tokenizer.from_file({tokenizer})
source = [{source}, *tokenizer.encode("A sentence.", add_special_tokens=False).tokens, "</s>"]
result = translator.translate_batch([source], target_prefix=[[{target}]], beam_size={beam}, min_decoding_length=2)[0]
print(tokenizer.decode([tokenizer.token_to_id(token) for token in result.hypotheses[0][1:]]))
""",
}
"""By format, the lines that translate a sentence."""
TranslateExported = Callable[[tuple[str, str], Sequence[str]], list[str]]
"""Translates lines: the tokens of source and target, and sources without line breaks, none empty, none longer than the
model's positions."""


def show_use(form: ExportFormat, folder: str, tags: tuple[str, str], settings: EvaluationConfig) -> str:
    """Return the lines of Python that translate a sentence with an exported model.

    Args:
        form: The format of the model.
        folder: Its place.
        tags: The tokens of source and target.
        settings: The search.
    """
    texts = {"folder": folder, "tokenizer": f"{folder}/{TOKENIZER}", "source": tags[0], "target": tags[1]}
    quoted = {name: json.dumps(text, ensure_ascii=False) for name, text in texts.items()}
    return SNIPPETS[form.name].format(beam=settings.beam, **quoted)


def load_exported(form: ExportFormat, folder: Path, settings: EvaluationConfig, positions: int) -> TranslateExported:
    """Load a model that translates lines one by one, as a program does that knows nothing of catscale.

    Args:
        form: The format of the model.
        folder: Its place.
        settings: The search, and the limits of the length.
        positions: Positions that the model has, on either side.
    """
    load = {"hf": _load_transformers, "ctranslate2": _load_ctranslate2}[form.name]
    translate = load(folder, settings, positions)
    return lambda tags, lines: [one_line(line) for line in translate(tags, lines)]


def _load_transformers(folder: Path, settings: EvaluationConfig, positions: int) -> TranslateExported:
    be_quiet()
    with no_progress_bars():
        model = AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True).eval()

    def translate(tags: tuple[str, str], lines: Sequence[str]) -> list[str]:
        with no_progress_bars():
            tokenizer = AutoTokenizer.from_pretrained(folder, src_lang=tags[0], local_files_only=True)
        found: list[str] = []
        tag = tokenizer.convert_tokens_to_ids(tags[1])
        for line in lines:
            inputs = tokenizer([line], return_tensors="pt")
            limit = length_limit(inputs.input_ids.shape[1] - TAG_AND_EOS, settings, positions)
            with torch.inference_mode():
                outputs = model.generate(**inputs, forced_bos_token_id=tag, max_new_tokens=limit)
            found += tokenizer.batch_decode(outputs, skip_special_tokens=True)
        return found

    return translate


def _load_ctranslate2(folder: Path, settings: EvaluationConfig, positions: int) -> TranslateExported:
    import ctranslate2

    level = ctranslate2.get_log_level()
    ctranslate2.set_log_level(logging.ERROR)  # it says of each kind of weights what the processor computes them in
    try:
        translator = ctranslate2.Translator(str(folder), inter_threads=1, intra_threads=torch.get_num_threads())
    finally:
        ctranslate2.set_log_level(level)
    tokenizer: Any = Tokenizer.from_file(str(folder / TOKENIZER))

    def translate(tags: tuple[str, str], lines: Sequence[str]) -> list[str]:
        found = []
        for line in lines:
            pieces = tokenizer.encode(line, add_special_tokens=False).tokens
            limit = length_limit(len(pieces), settings, positions)
            result = translator.translate_batch(
                [[tags[0], *pieces, END]],
                target_prefix=[[tags[1]]],
                beam_size=settings.beam,
                length_penalty=settings.length_penalty,
                min_decoding_length=SHORTEST,
                max_decoding_length=limit,
                max_input_length=0,
            )[0]
            found.append(tokenizer.decode([tokenizer.token_to_id(token) for token in result.hypotheses[0][1:]]))
        return found

    return translate
