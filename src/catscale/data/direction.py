"""A translation direction, the task of multilingual training."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Direction:
    """From one language to another, written `en-az`.

    Attributes:
        source: Code of the source language.
        target: Code of the target language.
    """

    source: str
    target: str

    @classmethod
    def parse(cls, text: str) -> "Direction":
        """Read `en-az`.

        Raises:
            ValueError: If the text is not two different codes joined by one hyphen.
        """
        source, _, target = text.partition("-")
        if not source or not target or "-" in target or source == target:
            raise ValueError(f"a direction is two language codes joined by a hyphen, as in en-az; found {text!r}")
        return cls(source, target)

    def __str__(self) -> str:
        return f"{self.source}-{self.target}"
