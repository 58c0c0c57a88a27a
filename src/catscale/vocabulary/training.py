"""Training the SentencePiece BPE model on a balanced sample, or taking one that exists."""

import re
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field

from catscale.errors import DataError
from catscale.settings.location import Location
from catscale.system.console.messages import Say
from catscale.vocabulary.contract import FIRST_KIND, VocabularySettings
from catscale.vocabulary.existing_model import load_piece_model
from catscale.vocabulary.piece_model import CONTROLS
from catscale.vocabulary.sentencepiece import FAST_TOKENIZER, MODEL, SentencePieceVocabulary, hide

LONGEST_LINE = 1 << 30  # bytes; SentencePiece silently leaves out longer lines, and the reading cuts none so long
LARGEST = 1_000_000  # pieces; what is larger than that is a slip
FIRST_NORMALISATION = "nmt_nfkc"  # what every vocabulary of version 0.1 was trained with
IN_FIRST_VERSION = {"kind": FIRST_KIND, "normalisation": FIRST_NORMALISATION}
"""The defaults of the section `vocabulary` in version 0.1."""

Normalisation = Literal["identity", "nfkc", "nmt_nfkc", "nfkc_cf", "nmt_nfkc_cf"]


class SentencePieceSettings(VocabularySettings):
    """Pieces of SentencePiece's BPE, trained on the sample, or of a model that exists.

    Attributes:
        size: Pieces, the four control tokens included; a mask and the language tags come on top.
        character_coverage: Share of the characters that get a piece; 1 leaves no character of train unknown.
        normalisation: The rule by which SentencePiece changes text before it cuts it. `identity` gives text back as it
            was; the others are its rules (`nmt_nfkc` is its own default), which change what a model can write.
        path: An existing BPE model (or a folder with one) with `<s>`, `<pad>`, `</s>`, `<unk>` as 0 to 3, which has
            its own normalisation.
    """

    kind: Literal["sentencepiece"] = "sentencepiece"
    size: int = Field(default=8000, ge=5, le=LARGEST)
    character_coverage: float = Field(default=1.0, ge=0.98, le=1)
    normalisation: Normalisation = "identity"
    path: Location | None = None

    @property
    def model_file(self) -> Path | None:
        """The existing model's file, if one was given; of a folder that transformers saved, its `tokenizer.json`."""
        if self.path is None or not self.path.is_dir():
            return self.path
        is_saved_again = not (self.path / MODEL).exists() and (self.path / FAST_TOKENIZER).exists()
        return self.path / (FAST_TOKENIZER if is_saved_again else MODEL)

    @property
    def expected_size(self) -> int:
        """The pieces; the mask and the tags are few."""
        return self.size

    @property
    def existing(self) -> Path | None:
        """The existing model's file."""
        return self.model_file

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The existing model's file, if one was given."""
        return () if self.model_file is None else (self.model_file,)

    def check(self) -> None:
        """Refuse a model that is none, or of a kind that transformers cuts otherwise."""
        if self.model_file is not None:
            load_piece_model(self.model_file, ())

    def build(self, lines: Iterable[str], languages: Sequence[str], say: Say) -> SentencePieceVocabulary:
        """Train a model on the lines, or take the existing one."""
        if self.model_file is not None:
            return load_piece_model(self.model_file, languages)
        say(f"vocabulary: training {self.size:,} pieces on {len(languages)} languages")
        return train_vocabulary(self, lines, languages)

    def relevant(self) -> dict[str, Any]:
        """Return the settings that change a store, for its fingerprint; where the rule is 0.1's, as 0.1 had them."""
        settings = self.model_dump(mode="json", exclude={"kind", "path", "max_unknown"})
        if self.path is not None or self.normalisation == FIRST_NORMALISATION:
            del settings["normalisation"]
        return settings

    def with_absolute_path(self) -> Self:
        """Return the same settings with an absolute path of the existing model."""
        return self if self.path is None else self.model_copy(update={"path": self.path.absolute()})

    def as_in_first_version(self) -> Self:
        """Return the settings with the rule of version 0.1, where they name none."""
        if "normalisation" in self.model_fields_set:
            return self
        return self.model_copy(update={"normalisation": FIRST_NORMALISATION})


def train_vocabulary(
    config: SentencePieceSettings, lines: Iterable[str], languages: Sequence[str]
) -> SentencePieceVocabulary:
    """Train a BPE model; the same lines give the same model.

    Raises:
        DataError: If the text allows only a smaller vocabulary or its characters need a larger one.
    """
    from sentencepiece import SentencePieceTrainer

    model, rule = BytesIO(), dict[str, Any]()
    if config.normalisation == "identity":
        lines, rule = map(_show_trainer, lines), {"remove_extra_whitespaces": False}
    try:
        SentencePieceTrainer.train(
            sentence_iterator=iter(lines),
            model_writer=model,
            model_type="bpe",
            vocab_size=config.size,
            character_coverage=config.character_coverage,
            max_sentence_length=LONGEST_LINE,
            normalization_rule_name=config.normalisation,
            bos_id=SentencePieceVocabulary.bos_id,
            pad_id=SentencePieceVocabulary.pad_id,
            eos_id=SentencePieceVocabulary.eos_id,
            unk_id=SentencePieceVocabulary.unk_id,
            minloglevel=2,
            **rule,
        )
    except RuntimeError as error:
        raise _explain(str(error), config.size) from error
    return SentencePieceVocabulary(model.getvalue(), languages)


def _show_trainer(line: str) -> str:
    """Return a line as `encode` cuts it; tokens written in it, which the trainer leaves out, letter by letter."""
    line = hide(line)
    for token in CONTROLS if "<" in line else ():
        line = line.replace(token, " ".join(token))
    return line


def _explain(message: str, size: int) -> DataError:
    if match := re.search(r"size too high.*<= (\d+)", message):
        return DataError(
            f"vocabulary.size {size:,} is larger than the training text allows, which is {int(match.group(1)):,}; "
            f"lower vocabulary.size to {match.group(1)} or less, or add text"
        )
    if match := re.search(r"smaller than required_chars. \d+ vs (\d+)", message):
        return DataError(
            f"vocabulary.size {size:,} is smaller than the {int(match.group(1)):,} characters of the training text; "
            "raise vocabulary.size or lower vocabulary.character_coverage (0.9995 drops rare characters)"
        )
    return DataError(f"SentencePiece could not train a vocabulary of {size:,}: {message}; check the training text")
