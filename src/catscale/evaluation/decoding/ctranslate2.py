"""Beam search by CTranslate2, over a conversion of the Hugging Face folder.

Neither PyTorch nor transformers is needed, nor imported, but for the conversion.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ctranslate2

from catscale.data.direction import Direction
from catscale.errors import CatscaleError, ConfigError
from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.decoding.batches import SHORTEST
from catscale.evaluation.decoding.contract import Hypothesis, Wanted
from catscale.model.saved_config import read_saved_config
from catscale.system.environment import is_out_of_memory
from catscale.system.processors import share_threads
from catscale.system.reading.json_file import load_json
from catscale.system.writing.files import move_file, scratch_folder
from catscale.system.writing.folders import remove_empty_folder
from catscale.vocabulary.contract import Vocabulary
from catscale.vocabulary.table import load_vocabulary

SEED = 2018
"""The seed of drawn translations: with one thread the same command writes the same."""


def convert_model(folder: Path, target: Path, precision: str = "float32", vocabulary: Vocabulary | None = None) -> None:
    """Write a Hugging Face model folder in CTranslate2's format.

    Args:
        folder: Model and tokenizer, as `from_pretrained` reads them.
        target: Folder to write; replaced if it exists.
        precision: `float32`, `int8` or another of CTranslate2's quantizations.
        vocabulary: The folder's vocabulary; None to read it.

    Raises:
        ConfigError: If the folder's vocabulary has no tokenizer that the converter reads.
    """
    vocabulary = load_vocabulary(folder) if vocabulary is None else vocabulary
    if not vocabulary.has_tokenizer:
        raise ConfigError(
            f"CTranslate2 converts a model with its Hugging Face tokenizer, and the vocabulary of {folder}, kind "
            f"{vocabulary.kind}, has none; decode with --set evaluation.backend=huggingface"
        )
    from ctranslate2.converters import TransformersConverter

    from catscale.model.plain_folder import write_clean
    from catscale.model.quiet import no_progress_bars

    with no_progress_bars(), scratch_folder() as clean:  # the converter would take all that the folder names
        write_clean(folder, clean)
        vocabulary.save(clean)
        TransformersConverter(str(clean)).convert(str(target), quantization=precision, force=True)


def convert_into(folder: Path, target: Path, precision: str, vocabulary: Vocabulary | None = None) -> None:
    """Convert a model folder into an empty folder that is there, as `convert_model` does into a new one."""
    made = target / "model"
    convert_model(folder, made, precision, vocabulary)
    for path in sorted(made.iterdir()):
        move_file(path, target / path.name)
    remove_empty_folder(made)


def count_positions(folder: Path) -> int:
    """Read how many positions the model of a Hugging Face folder has, on either side.

    Raises:
        CheckpointError: If `config.json` does not tell.
    """
    return read_saved_config(folder).max_position_embeddings


@contextmanager
def converted_for_a_while(folder: Path, precision: str, vocabulary: Vocabulary | None = None) -> Iterator[Path]:
    """Convert a model folder into a temporary one, for the time of the block, as `convert_model` does."""
    with scratch_folder() as temporary:
        target = temporary / "model"
        convert_model(folder, target, precision, vocabulary)
        yield target


@contextmanager
def _told() -> Iterator[None]:
    """Turn an error of the library, as of a variable that it reads, into one for the user; refused memory stays one.

    Raises:
        CatscaleError: If the library fails, with what it said.
    """
    try:
        yield
    except (RuntimeError, ValueError) as error:
        if is_out_of_memory(error):
            raise
        raise CatscaleError(
            f"CTranslate2 cannot decode here ({error}); unset the environment variable that it complains of, if it "
            "does (CT2_…), or decode with --set evaluation.backend=huggingface"
        ) from error


def _search(settings: EvaluationConfig) -> dict[str, Any]:
    """Return the arguments of `translate_batch` that choose between a search and draws."""
    if settings.draw_temperature is None:
        return {"beam_size": settings.beam}
    return {"beam_size": 1, "sampling_topk": 0, "sampling_temperature": settings.draw_temperature}


class CTranslate2Backend:
    """Batches run in parallel, one to a thread."""

    name = "ctranslate2"

    def __init__(
        self,
        folder: Path,
        positions: int,
        settings: EvaluationConfig,
        device: str = "cpu",
        threads: int | None = None,
    ) -> None:
        self._settings = settings
        self.positions = positions
        kind, _, index = device.partition(":")
        self._tokens: list[str] = load_json(folder / "shared_vocabulary.json")
        if settings.draw_temperature is not None:
            ctranslate2.set_random_seed(SEED)  # of the threads that are started now
        with _told():
            self._translator = ctranslate2.Translator(
                str(folder),
                device=kind,
                device_index=int(index or 0),
                compute_type=settings.precision,
                inter_threads=1 if kind == "cuda" else threads or share_threads(1),
                intra_threads=1,
            )
        self._ids = {token: i for i, token in enumerate(self._tokens)}
        self._end: str = load_json(folder / "config.json")["eos_token"]

    def run(
        self, batches: Sequence[tuple[list[list[int]], int]], direction: Direction, tag: int, wanted: Wanted
    ) -> Iterator[list[list[Hypothesis]]]:
        """Decode batches in parallel, as `Backend` describes."""
        pending = [self._submit(sources, tag, max_tokens, wanted) for sources, max_tokens in batches]
        for results in pending:
            with _told():
                finished = [result.result() for result in results]
            yield [self._read(result, wanted) for result in finished]

    def _submit(
        self, sources: list[list[int]], tag: int, max_tokens: int, wanted: Wanted
    ) -> list["ctranslate2.AsyncTranslationResult"]:
        # Without a penalty it would end at `n_best` hypotheses; asked for all of them, at `beam`, as with a penalty.
        count = wanted.n_best if self._settings.length_penalty or wanted.n_best == 1 else self._settings.beam
        pending: list[ctranslate2.AsyncTranslationResult] = self._translator.translate_batch(
            [[self._tokens[i] for i in source] for source in sources],
            target_prefix=[[self._tokens[tag]]] * len(sources),
            **_search(self._settings),
            num_hypotheses=count,
            length_penalty=self._settings.length_penalty,
            max_decoding_length=max_tokens,
            min_decoding_length=SHORTEST,
            max_input_length=0,
            return_end_token=True,
            return_scores=wanted.scores,
            asynchronous=True,
        )
        return pending

    def _read(self, result: "ctranslate2.TranslationResult", wanted: Wanted) -> list[Hypothesis]:
        """Return the hypotheses of one source; their scores are log-probabilities over length^length_penalty."""
        scores = result.scores if wanted.scores else [None] * len(result.hypotheses)
        found = []
        for tokens, score in list(zip(result.hypotheses, scores, strict=True))[: wanted.n_best]:
            finished = tokens[-1] == self._end
            ids = [self._ids[token] for token in tokens[1 : len(tokens) - finished]]
            total = None if score is None else score * len(tokens) ** self._settings.length_penalty
            found.append(Hypothesis(ids, total, finished))
        return found
