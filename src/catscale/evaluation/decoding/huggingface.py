"""Beam search by Hugging Face `generate`."""

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from transformers import GenerationConfig, LogitsProcessorList

from catscale.data.direction import Direction
from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.decoding.batches import SHORTEST, TAG_AND_EOS
from catscale.evaluation.decoding.contract import Hypothesis, Wanted
from catscale.model.contract import TranslationModel
from catscale.vocabulary.contract import Vocabulary


def search_settings(settings: EvaluationConfig, n_best: int = 1) -> dict[str, Any]:
    """Return the arguments of `generate` under which it searches as CTranslate2 does.

    CTranslate2 ends a sentence at `beam` finished hypotheses, which is `early_stopping=True`; without a length
    penalty, and where one hypothesis is wanted, it ends when nothing unfinished is better, which is
    `early_stopping=False`. It forbids the end right after the tag (its minimum length, too, counts the tag) before it
    normalises the probabilities.
    """
    search: dict[str, Any] = {"num_beams": settings.beam, "do_sample": False}
    if settings.draw_temperature is not None:
        drawn = {"do_sample": True, "temperature": settings.draw_temperature, "top_k": 0, "top_p": 1.0}
        search = {"num_beams": 1, **drawn}
    elif settings.beam > 1:
        early = settings.length_penalty > 0 or n_best > 1
        search |= {"length_penalty": settings.length_penalty, "early_stopping": early}
    return search | {"min_new_tokens": SHORTEST, "renormalize_logits": True}


def saved_search(settings: EvaluationConfig, vocabulary: Vocabulary) -> dict[str, Any]:
    """Give what is saved with a model, so that `generate` outside catscale searches as `catscale translate` does.

    The length limit is `max_length` alone; the one that follows the source's length is the caller's.

    Returns:
        Arguments of `transformers.GenerationConfig`.
    """
    return {
        "pad_token_id": vocabulary.pad_id,
        "eos_token_id": vocabulary.eos_id,
        "bos_token_id": vocabulary.bos_id,
        "decoder_start_token_id": vocabulary.eos_id,
        "max_length": settings.max_length + TAG_AND_EOS,
        **search_settings(settings.model_copy(update={"draw_temperature": None})),
    }


class HuggingFaceBackend:
    """Runs `generate`, with the tag forced as first token, so that it counts in a hypothesis' length.

    Args:
        model: In evaluation mode, on its device.
        settings: The search.
        threads: CPU threads; None leaves PyTorch's number.
    """

    name = "huggingface"

    def __init__(self, model: TranslationModel, settings: EvaluationConfig, threads: int | None = None) -> None:
        self._model, self._settings, self._threads = model, settings, threads
        self.positions = model.positions

    def run(
        self, batches: Sequence[tuple[list[list[int]], int]], direction: Direction, tag: int, wanted: Wanted
    ) -> Iterator[list[list[Hypothesis]]]:
        """Decode batches one after the other, as `Backend` describes."""
        network = self._model.generator(direction)
        end = network.config.eos_token_id
        for sources, max_tokens in batches:
            with _torch_threads(self._threads), torch.inference_mode(), _own_search(network), self._drawing(sources):
                padded = self._pad(sources, network.config.pad_token_id)
                output = network.generate(
                    **padded,
                    logits_processor=self._processors(padded, direction),
                    forced_bos_token_id=tag,
                    max_new_tokens=max_tokens,
                    num_return_sequences=wanted.n_best,
                    return_dict_in_generate=True,
                    output_scores=wanted.scores,
                    **search_settings(self._settings, wanted.n_best),
                )
            totals = self._log_probabilities(output, end) if wanted.scores else [None] * len(output.sequences)
            found = [_read(ids, end, total) for ids, total in zip(output.sequences.tolist(), totals, strict=True)]
            yield [found[i : i + wanted.n_best] for i in range(0, len(found), wanted.n_best)]

    @contextmanager
    def _drawing(self, sources: list[list[int]]) -> Iterator[None]:
        """Draw, for the block, by a seed that follows from the sources alone, where translations are drawn."""
        if self._settings.draw_temperature is None:
            yield
            return
        devices = [self._model.device] if self._model.device.type == "cuda" else []
        with torch.random.fork_rng(devices):
            torch.manual_seed(zlib.crc32(repr(sources).encode()))
            yield

    def _processors(self, padded: dict[str, torch.Tensor], direction: Direction) -> LogitsProcessorList:
        """Return what changes the next token's probabilities after the tag and the end are forced and forbidden."""
        return LogitsProcessorList()

    def _log_probabilities(self, output: Any, end: int) -> list[float]:
        """Return Σ ln p of each hypothesis: from the beam's scores, which are over length^length_penalty, or of the
        greedy choices'."""
        generated = output.sequences[:, 1:]  # (B, T) without the decoder's start
        ends = generated == end
        lengths = torch.where(ends.any(1), ends.int().argmax(1) + 1, generated.shape[1])
        if self._settings.beam > 1:
            totals = output.sequences_scores.double() * lengths**self._settings.length_penalty
        else:
            each = torch.stack(output.scores, 1).double().log_softmax(-1)  # (B, T, V)
            chosen = each.gather(2, generated[..., None])[..., 0]
            kept = torch.arange(generated.shape[1], device=generated.device) < lengths[:, None]
            totals = torch.where(kept, chosen, 0.0).sum(1)
        found: list[float] = totals.tolist()
        return found

    def _pad(self, sources: list[list[int]], pad: int) -> dict[str, torch.Tensor]:
        """Return ids and mask, (B, S), on the model's device."""
        width = max(map(len, sources))
        ids = [source + [pad] * (width - len(source)) for source in sources]
        mask = [[1] * len(source) + [0] * (width - len(source)) for source in sources]
        return {
            "input_ids": torch.tensor(ids, device=self._model.device),
            "attention_mask": torch.tensor(mask, device=self._model.device),
        }


def _read(ids: list[int], end: int, total: float | None) -> Hypothesis:
    """Return one hypothesis of what `generate` gave."""
    generated = ids[2:]  # the first two are the decoder's start and the tag
    if end in generated:
        return Hypothesis(generated[: generated.index(end)], total)
    return Hypothesis(generated, total, finished=False)


@contextmanager
def _own_search(network: Any) -> Iterator[None]:
    """Put aside, for the block, the settings of the search that are saved with a model: all are given here."""
    saved, ids = network.generation_config, network.config
    network.generation_config = GenerationConfig(
        pad_token_id=ids.pad_token_id, eos_token_id=ids.eos_token_id, decoder_start_token_id=ids.decoder_start_token_id
    )
    try:
        yield
    finally:
        network.generation_config = saved


@contextmanager
def _torch_threads(threads: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
