"""COMET: a score for each sentence by a trained model, which reads source, translation and reference."""

import hashlib
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import PrivateAttr

from catscale.errors import ConfigError
from catscale.evaluation.metrics.comet_process import CHECKPOINT, MODEL, PYTHON, find_missing, start
from catscale.evaluation.metrics.contract import Floats, Metric, Segments

SHIFT = 10.0
"""Added to each sentence's score, for statistics are not negative; no model gives less than −10."""


class Comet(Metric):
    """The mean of the sentences' scores, of most models about 0 to 1. Source: Rei et al., 2020 and 2022.

    The library unbabel-comet computes it, in an interpreter of its own that `CATSCALE_COMET_PYTHON` names, with the
    model in the folder `CATSCALE_COMET_MODEL`; nothing is downloaded. Of several references the first one is read.
    """

    label: ClassVar[str] = "COMET"
    digits: ClassVar[int] = 3
    bounds: ClassVar[tuple[float, float]] = (-SHIFT, SHIFT)
    kept: ClassVar[tuple[str, ...]] = ("score_plus_10", "sentences")

    method: Literal["comet"] = "comet"
    _signed: str = PrivateAttr("")

    @property
    def missing(self) -> str:
        """The missing part: interpreter or model."""
        return find_missing()

    def choose(self, language: str, section: Mapping[str, Any]) -> Self:
        """Check that interpreter and model are at hand."""
        if self.missing:
            raise ConfigError(self.missing)
        return self

    def recall(self, evaluation: Mapping[str, Any], direction: str, signature: str = "") -> Self:
        """Return the metric with the signature on record: scores by sentence are kept, so that no model is needed."""
        found = self.model_copy()
        found._signed = signature or "unknown"
        return found

    def count(self, segments: Segments) -> Floats:
        """Return the score of each sentence, shifted, and 1."""
        if self.missing:
            raise ConfigError(self.missing)
        if len(segments.sources) != len(segments.hypotheses):
            raise ConfigError(
                "COMET reads sources, and there are none beside the translations; leave comet out of the metrics"
            )
        texts = zip(segments.sources, segments.hypotheses, segments.references, strict=True)
        sentences = [{"src": source, "mt": ours, "ref": theirs} for source, ours, theirs in texts]
        scores = start(os.environ[PYTHON], os.environ[MODEL]).score(sentences) if sentences else []
        shifted = np.clip(np.array(scores, dtype=np.float64) + SHIFT, 0, 2 * SHIFT)
        return np.stack([shifted, np.ones(len(scores))], 1)

    def from_sums(self, sums: Floats) -> Floats:
        """Return the mean score."""
        scores: Floats = sums[..., 0] / np.maximum(sums[..., 1], 1) - SHIFT
        return scores

    def sign(self, segments: Segments) -> str:
        """Return the model's name, the beginning of its SHA-256, and the library's version."""
        if self._signed:
            return self._signed
        model = Path(os.environ[MODEL])
        version = start(os.environ[PYTHON], os.environ[MODEL]).version
        return f"model:{model.resolve().name}|sha256:{_checksum(model / CHECKPOINT)}|refs:1|version:{version}"


@lru_cache(maxsize=2)
def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:8]
