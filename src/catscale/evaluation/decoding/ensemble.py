"""Several models that decode together: at each step the mean of their log-probabilities, normalised again.

    ln p(y | …) = Σ_i ln p_i(y | …) / M − ln Z,   i = 1 … M models, Z such that the probabilities sum to 1

The first model runs `generate`; the others are asked at each step for the whole prefix, without a cache, so that the
cost of a step grows with its number.

Legend: B sentences, b the beam, S source positions, T target positions, V vocabulary.
"""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import LogitsProcessorList

from catscale.data.direction import Direction
from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.decoding.huggingface import HuggingFaceBackend
from catscale.model.contract import TranslationModel


class EnsembleBackend(HuggingFaceBackend):
    """Runs `generate` with the first model, and averages over all.

    Args:
        models: In evaluation mode, on one device; they share their vocabulary.
        settings: The search.
        threads: CPU threads.
    """

    name = "huggingface ensemble"

    def __init__(
        self, models: Sequence[TranslationModel], settings: EvaluationConfig, threads: int | None = None
    ) -> None:
        super().__init__(models[0], settings, threads)
        self._others = models[1:]
        self.positions = min(model.positions for model in models)

    def _processors(self, padded: dict[str, torch.Tensor], direction: Direction) -> LogitsProcessorList:
        return LogitsProcessorList([_Mean([model.generator(direction) for model in self._others], padded)])


class _Mean:
    """Replaces the first model's log-probabilities by the mean over all models.

    Args:
        others: The models but the first, as transformers knows them.
        padded: Ids and mask of the sources, (B, S).
    """

    def __init__(self, others: Sequence[Any], padded: dict[str, torch.Tensor]) -> None:
        self._others, self._mask = others, padded["attention_mask"]
        self._encoded = [model.get_encoder()(**padded).last_hidden_state for model in others]  # each (B, S, width)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Average.

        Args:
            input_ids: (B · b, T) prefixes, the decoder's start first.
            scores: (B · b, V) of the first model, −∞ where a token is forbidden.
        """
        beam = len(input_ids) // len(self._mask)
        mask, total = self._mask.repeat_interleave(beam, 0), scores.log_softmax(-1)
        for model, encoded in zip(self._others, self._encoded, strict=True):
            said = model(
                encoder_outputs=(encoded.repeat_interleave(beam, 0),),
                attention_mask=mask,
                decoder_input_ids=input_ids,
                use_cache=False,
            )
            total = total + said.logits[:, -1].float().log_softmax(-1)
        return (total / (1 + len(self._others))).log_softmax(-1)
