"""Training the SentencePiece BPE model on a balanced sample, or taking one that exists."""

import re
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path

from pydantic import Field

from catscale.data.corpus_config import Location
from catscale.data.vocabulary import MODEL, Vocabulary
from catscale.errors import DataError
from catscale.settings import Settings

LONGEST_LINE = 100_000  # bytes; SentencePiece silently leaves out longer lines


class VocabularyConfig(Settings):
    """The shared vocabulary.

    Attributes:
        size: Pieces, the four control tokens included; a mask and the language tags come on top.
        temperature: Of the languages' shares in the sample, p ∝ lines^(1/T).
        sample_lines: Most lines to train on.
        character_coverage: Share of the characters that get a piece; 1 leaves no character of train unknown.
        path: An existing BPE model (or a folder with one) with `<s>`, `<pad>`, `</s>`, `<unk>` as 0 to 3.
    """

    size: int = Field(default=8000, ge=5)
    temperature: float = Field(default=5.0, gt=0)
    sample_lines: int = Field(default=1_000_000, ge=1)
    character_coverage: float = Field(default=1.0, gt=0.9, le=1)
    path: Location | None = None

    @property
    def model_file(self) -> Path | None:
        """The existing model's file, if one was given."""
        return self.path / MODEL if self.path is not None and self.path.is_dir() else self.path


def train_vocabulary(config: VocabularyConfig, lines: Iterable[str], languages: Sequence[str]) -> Vocabulary:
    """Train a BPE model; the same lines give the same model.

    Raises:
        DataError: If the text allows only a smaller vocabulary or its characters need a larger one.
    """
    from sentencepiece import SentencePieceTrainer

    model = BytesIO()
    try:
        SentencePieceTrainer.train(
            sentence_iterator=iter(lines),
            model_writer=model,
            model_type="bpe",
            vocab_size=config.size,
            character_coverage=config.character_coverage,
            max_sentence_length=LONGEST_LINE,
            bos_id=Vocabulary.bos_id,
            pad_id=Vocabulary.pad_id,
            eos_id=Vocabulary.eos_id,
            unk_id=Vocabulary.unk_id,
            minloglevel=2,
        )
    except RuntimeError as error:
        raise _explain(str(error), config.size) from error
    return Vocabulary(model.getvalue(), languages)


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


def load_model(path: Path, languages: Sequence[str]) -> Vocabulary:
    """Take an existing SentencePiece model.

    Raises:
        DataError: If it is no BPE model with the four control tokens in our order.
    """
    try:
        vocabulary = Vocabulary(path.read_bytes(), languages)
    except (OSError, RuntimeError) as error:
        raise DataError(f"vocabulary.path {path} is no readable SentencePiece model: {error}") from error
    found = vocabulary.control_ids
    if found != (Vocabulary.bos_id, Vocabulary.pad_id, Vocabulary.eos_id, Vocabulary.unk_id):
        raise DataError(
            f"vocabulary.path {path} has <s>, <pad>, </s>, <unk> at {found}, needed are (0, 1, 2, 3); train it with "
            "--bos_id=0 --pad_id=1 --eos_id=2 --unk_id=3, or leave vocabulary.path out"
        )
    return vocabulary
