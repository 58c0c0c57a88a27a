"""Beam search by CTranslate2, after a conversion of the Hugging Face folder."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import ctranslate2
import torch
from ctranslate2.converters import TransformersConverter
from transformers import AutoConfig

from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.planning import SHORTEST
from catscale.evaluation.quiet import no_progress_bars
from catscale.system.files import scratch_folder


def convert_model(folder: Path, target: Path, precision: str = "float32") -> None:
    """Write a Hugging Face model folder in CTranslate2's format.

    Args:
        folder: Model and tokenizer, as `from_pretrained` reads them.
        target: Folder to write; replaced if it exists.
        precision: `float32`, `int8` or another of CTranslate2's quantizations.
    """
    with no_progress_bars():
        TransformersConverter(str(folder)).convert(str(target), quantization=precision, force=True)


class CTranslate2Backend:
    """Converts a model folder on the way in; batches run in parallel, one to a thread."""

    name = "ctranslate2"

    def __init__(self, folder: Path, settings: EvaluationConfig, device: str = "cpu", threads: int | None = None):
        self._settings = settings
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        self.positions: int = config.max_position_embeddings
        kind, _, index = device.partition(":")
        with scratch_folder() as temporary:
            converted = temporary / "model"
            convert_model(folder, converted, settings.precision)
            self._tokens: list[str] = json.loads((converted / "shared_vocabulary.json").read_text(encoding="utf-8"))
            self._translator = ctranslate2.Translator(
                str(converted),
                device=kind,
                device_index=int(index or 0),
                compute_type=settings.precision,
                inter_threads=1 if kind == "cuda" else threads or torch.get_num_threads(),
                intra_threads=1,
            )
        self._ids = {token: i for i, token in enumerate(self._tokens)}

    def run(self, batches: Sequence[tuple[list[list[int]], int]], tag: int) -> Iterator[list[list[int]]]:
        """Decode batches in parallel, as `Backend` describes."""
        pending = [self._submit(sources, tag, max_tokens) for sources, max_tokens in batches]
        for results in pending:
            hypotheses = (result.result().hypotheses[0] for result in results)
            yield [[self._ids[token] for token in tokens[1:]] for tokens in hypotheses]

    def _submit(
        self, sources: list[list[int]], tag: int, max_tokens: int
    ) -> list["ctranslate2.AsyncTranslationResult"]:
        return self._translator.translate_batch(  # type: ignore[no-any-return]
            [[self._tokens[i] for i in source] for source in sources],
            target_prefix=[[self._tokens[tag]]] * len(sources),
            beam_size=self._settings.beam,
            length_penalty=self._settings.length_penalty,
            max_decoding_length=max_tokens,
            min_decoding_length=SHORTEST,
            max_input_length=0,
            asynchronous=True,
        )
