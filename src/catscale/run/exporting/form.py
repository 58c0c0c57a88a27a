"""The forms that a model is exported in: a format, and for CTranslate2 the numbers that its weights are kept in."""

from dataclasses import dataclass
from importlib.util import find_spec

from catscale.errors import ConfigError

FORMATS = ("hf", "ctranslate2")
QUANTIZATIONS = (
    "float32", "float16", "bfloat16", "int16", "int8", "int8_float32", "int8_float16", "int8_bfloat16",
)  # fmt: skip
"""CTranslate2's, the exact one first."""
CHECKED = 20
"""Sentences whose translations are compared where the user does not say how many."""


@dataclass(frozen=True)
class ExportFormat:
    """The requested form of an exported model.

    Attributes:
        name: One of `FORMATS`.
        quantization: One of `QUANTIZATIONS`; `float32` where the format has no other.
    """

    name: str
    quantization: str = QUANTIZATIONS[0]

    @property
    def is_exact(self) -> bool:
        """Whether the weights are those of the run, to the bit."""
        return self.quantization == QUANTIZATIONS[0]

    @property
    def label(self) -> str:
        """The format in words."""
        if self.name == "hf":
            return "Hugging Face (transformers)"
        return f"CTranslate2, {self.quantization}"

    def check(self) -> None:
        """Refuse a format that cannot be written here, and a quantization that it does not have.

        Raises:
            ConfigError: If it is one.
        """
        if self.name == "ctranslate2" and find_spec("ctranslate2") is None:
            raise ConfigError(
                "--format ctranslate2 needs CTranslate2, which is not installed; install catscale[fast], or give "
                "--format hf"
            )
        if self.name != "ctranslate2" and not self.is_exact:
            raise ConfigError(
                f"--quantization is one of CTranslate2's, found {self.quantization} with --format {self.name}, whose "
                "weights stay as they are; give --format ctranslate2, or leave it out"
            )
