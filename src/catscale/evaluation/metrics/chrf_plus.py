"""chrF++: chrF with 1- and 2-grams of words beside those of characters."""

from typing import ClassVar, Literal

from catscale.evaluation.metrics.chrf import CharacterF


class ChrfPlus(CharacterF):
    """chrF++, of 6-grams of characters and 2-grams of words. Source: Popović, 2017."""

    label: ClassVar[str] = "chrF++"

    method: Literal["chrf++"] = "chrf++"

    @property
    def words(self) -> int:
        """Largest order of the n-grams of words."""
        return 2
