"""Training the SentencePiece BPE model on a balanced sample, or taking one that exists."""

import re
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from catscale.errors import DataError
from catscale.settings import LARGE, Settings
from catscale.settings.location import Location
from catscale.system.reading.regular_file import reason_of
from catscale.vocabulary.huggingface import MASK, tag_of
from catscale.vocabulary.piece_model import CONTROLS
from catscale.vocabulary.sentencepiece import FAST_TOKENIZER, MODEL, Vocabulary, hide, read_model_file, read_model_of

LONGEST_LINE = 1 << 30  # bytes; SentencePiece silently leaves out longer lines, and the reading cuts none so long
LARGEST = 1_000_000  # pieces; what is larger than that is a slip
FIRST_NORMALISATION = "nmt_nfkc"  # what every vocabulary of version 0.1 was trained with

Normalisation = Literal["identity", "nfkc", "nmt_nfkc", "nfkc_cf", "nmt_nfkc_cf"]


class VocabularyConfig(Settings):
    """The shared vocabulary.

    Attributes:
        size: Pieces, the four control tokens included; a mask and the language tags come on top.
        temperature: Of the languages' shares in the sample, p ∝ lines^(1/T).
        sample_lines: Most lines to train on.
        character_coverage: Share of the characters that get a piece; 1 leaves no character of train unknown.
        normalisation: What SentencePiece does to text before it cuts it. `identity` gives text back as it was; the
            others are its rules (`nmt_nfkc` is its own default), which change what a model can write.
        max_unknown: Largest share of `<unk>` among the pieces of a side; above it a preparation is refused, above a
            hundredth it is warned of. 1 refuses nothing.
        path: An existing BPE model (or a folder with one) with `<s>`, `<pad>`, `</s>`, `<unk>` as 0 to 3, which has
            its own normalisation.
    """

    size: int = Field(default=8000, ge=5, le=LARGEST)
    temperature: float = Field(default=5.0, ge=0.1, le=LARGE)
    sample_lines: int = Field(default=1_000_000, ge=1, le=1_000_000_000)
    character_coverage: float = Field(default=1.0, ge=0.98, le=1)
    normalisation: Normalisation = "identity"
    max_unknown: float = Field(default=0.1, ge=0, le=1)
    path: Location | None = None

    @property
    def model_file(self) -> Path | None:
        """The existing model's file, if one was given; of a folder that transformers saved, its `tokenizer.json`."""
        if self.path is None or not self.path.is_dir():
            return self.path
        is_saved_again = not (self.path / MODEL).exists() and (self.path / FAST_TOKENIZER).exists()
        return self.path / (FAST_TOKENIZER if is_saved_again else MODEL)

    def relevant(self) -> dict[str, Any]:
        """The settings that change a store, for its fingerprint; where the rule is 0.1's, as 0.1 had them."""
        settings = self.model_dump(mode="json", exclude={"path", "max_unknown"})
        if self.path is not None or self.normalisation == FIRST_NORMALISATION:
            del settings["normalisation"]
        return settings


def train_vocabulary(config: VocabularyConfig, lines: Iterable[str], languages: Sequence[str]) -> Vocabulary:
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
            bos_id=Vocabulary.bos_id,
            pad_id=Vocabulary.pad_id,
            eos_id=Vocabulary.eos_id,
            unk_id=Vocabulary.unk_id,
            minloglevel=2,
            **rule,
        )
    except RuntimeError as error:
        raise _explain(str(error), config.size) from error
    return Vocabulary(model.getvalue(), languages)


def _show_trainer(line: str) -> str:
    """A line as `Vocabulary.encode` cuts it; tokens written in it, which the trainer leaves out, letter by letter."""
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


def load_model(path: Path, languages: Sequence[str]) -> Vocabulary:
    """Take an existing SentencePiece model.

    Args:
        path: Its file, or a `tokenizer.json` that `Vocabulary.save` wrote, from which it is made.
        languages: Codes of the languages that get a tag.

    Raises:
        DataError: If it is no BPE model with the four control tokens in our order, or transformers could not cut
            text as it does.
    """
    try:
        model = read_model_of(path.parent) if path.name == FAST_TOKENIZER else read_model_file(path)
        vocabulary = Vocabulary(model, languages)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"vocabulary.path {path} is no readable SentencePiece model: {reason_of(error)}; give the file of one, or "
            f"a folder with {MODEL} or a run's {FAST_TOKENIZER}"
        ) from error
    about = vocabulary.about
    if about.kind != "bpe":
        raise DataError(
            f"vocabulary.path {path} is a {about.kind} model, needed is a BPE model, the one kind that the Hugging "
            "Face tokenizer of a run cuts alike; train it with --model_type=bpe, or leave vocabulary.path out"
        )
    found = vocabulary.control_ids
    if found != (Vocabulary.bos_id, Vocabulary.pad_id, Vocabulary.eos_id, Vocabulary.unk_id):
        raise DataError(
            f"vocabulary.path {path} has <s>, <pad>, </s>, <unk> at {found}, needed are (0, 1, 2, 3); train it with "
            "--bos_id=0 --pad_id=1 --eos_id=2 --unk_id=3, or leave vocabulary.path out"
        )
    _check_pieces(path, vocabulary)
    return vocabulary


def _check_pieces(path: Path, vocabulary: Vocabulary) -> None:
    """Refuse pieces that transformers would cut otherwise, or take for one of the tokens that catscale adds."""
    about = vocabulary.about
    if about.pieces[: len(CONTROLS)] != CONTROLS:
        raise DataError(
            f"vocabulary.path {path} calls its first pieces {', '.join(about.pieces[:4])}, needed are "
            f"{', '.join(CONTROLS)}; train it without --bos_piece, --pad_piece, --eos_piece and --unk_piece"
        )
    if about.has_bytes or about.user_defined:
        what = "byte pieces" if about.has_bytes else f"user-defined symbols such as {about.user_defined[0]!r}"
        option = "--byte_fallback" if about.has_bytes else "--user_defined_symbols"
        raise DataError(
            f"vocabulary.path {path} has {what}, which the Hugging Face tokenizer of a run cannot cut; train it "
            f"without {option}, or leave vocabulary.path out"
        )
    taken = set(about.pieces) & {MASK, *map(tag_of, vocabulary.languages)}
    if taken:
        raise DataError(
            f"vocabulary.path {path} has the pieces {', '.join(sorted(taken))}, which catscale adds itself; train it "
            "without them, or leave vocabulary.path out"
        )
    if not about.marks_starts:
        raise DataError(
            f"vocabulary.path {path} writes spaces otherwise than before each word, which the Hugging Face tokenizer "
            "of a run cannot do; train it without --add_dummy_prefix=false and --treat_whitespace_as_suffix, or leave "
            "vocabulary.path out"
        )
