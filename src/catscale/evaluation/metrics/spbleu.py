"""spBLEU: BLEU over the pieces of the FLORES-200 SentencePiece model, which treats all languages alike."""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator
from sentencepiece import SentencePieceProcessor

from catscale.errors import ConfigError
from catscale.evaluation.metrics.bleu import bleu_scores, count_words
from catscale.evaluation.metrics.contract import Floats, Metric, Segments
from catscale.evaluation.metrics.sacrebleu_api import make, sign
from catscale.settings.location import Location
from catscale.system.reading.regular_file import MEBIBYTE, read_regular, reason_of

FILE = "flores200sacrebleuspm"
"""The name of the model in sacreBLEU's cache."""
LARGEST = 64 * MEBIBYTE
"""Bytes of a model; that of FLORES-200 has 4.9 million."""


class SpBleu(Metric):
    """BLEU over SentencePiece pieces, 0 to 100. Source: Goyal et al., 2022; NLLB Team, 2022.

    The model is never downloaded here: sacreBLEU does it, when `sacrebleu --tokenize flores200` is first run.

    Attributes:
        model: The SentencePiece model; null for the one in sacreBLEU's cache (`$SACREBLEU`, or `~/.sacrebleu`). The
            signature has `tok:flores200` for that one, and the beginning of its SHA-256 for another.
    """

    label: ClassVar[str] = "spBLEU"

    method: Literal["spbleu"] = "spbleu"
    model: Annotated[Location, AfterValidator(Path.absolute)] | None = None

    @property
    def path(self) -> Path:
        """The model's file."""
        cache = Path(os.environ.get("SACREBLEU") or Path.home() / ".sacrebleu")
        return cache / "models" / FILE if self.model is None else self.model

    @property
    def missing(self) -> str:
        """The missing part: the model."""
        if self.path.is_file():
            return ""
        return (
            f"spBLEU needs the FLORES-200 SentencePiece model, and {self.path} is no file; run `sacrebleu --tokenize "
            "flores200` once on a machine with a network, or give evaluation.metrics: [{method: spbleu, model: PATH}]"
        )

    def choose(self, language: str, section: Mapping[str, Any]) -> Self:
        """Check that the model is at hand and can be read."""
        if self.missing:
            raise ConfigError(self.missing)
        _load(self.path)
        return self

    def count(self, segments: Segments) -> Floats:
        """Return the lengths in pieces, and the matches and numbers of 1- to 4-grams of pieces of each sentence."""
        counts: Floats = self.count_all([segments])[0]
        return counts

    def count_all(self, systems: Sequence[Segments]) -> Floats:
        """Count all systems at once."""
        return count_words(systems, self._split)

    def from_sums(self, sums: Floats) -> Floats:
        """Return BLEU from 0 to 100."""
        return bleu_scores(sums)

    def sign(self, segments: Segments) -> str:
        """Return sacreBLEU's signature, with the model in it."""
        name = "flores200" if self.model is None else f"spm-{_load(self.path)[1]}"
        return sign(self._make(), segments).replace("|tok:none|", f"|tok:{name}|")

    def _make(self) -> Any:
        return make("BLEU", tokenize="none", force=True)

    @property
    def _split(self) -> Callable[[str], list[str]]:
        processor = _load(self.path)[0]
        return lambda text: " ".join(processor.encode(text.rstrip(), out_type=str)).split()


@lru_cache(maxsize=2)
def _load(path: Path) -> tuple[Any, str]:
    """Read a model; returns it with the beginning of its SHA-256.

    Raises:
        ConfigError: If it cannot be read, or is no SentencePiece model.
    """
    try:
        content = read_regular(path, LARGEST)
        return SentencePieceProcessor(model_proto=content), hashlib.sha256(content).hexdigest()[:8]
    except (OSError, RuntimeError, ValueError) as error:
        raise ConfigError(
            f"{path} cannot be read as a SentencePiece model ({reason_of(error)}); restore it, or give another in "
            "evaluation.metrics: [{method: spbleu, model: PATH}]"
        ) from error
