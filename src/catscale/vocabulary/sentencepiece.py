"""The kind `sentencepiece`: a SentencePiece BPE model, a mask and one tag a language.

Embedding ids: 0 `<s>`, 1 `<pad>`, 2 `</s>`, 3 `<unk>`, 4 … pieces, then `<mask>`, then the tags `__xx__` in the
order of `languages`, then the tags of corpora, such as `<bt>`. SentencePiece's own ids are the same numbers, so nothing
has to be translated.

A model that is trained with `normalisation: identity` gives text back as it was, white space at its ends aside. Four
characters mean something to SentencePiece itself, and stand-ins, which Unicode keeps free for uses within a program,
are cut in their place.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from catscale.errors import DataError
from catscale.system.console.messages import Say
from catscale.system.reading.json_file import load_json
from catscale.system.reading.regular_file import MEBIBYTE, read_regular
from catscale.system.writing.files import user_errors, write_bytes
from catscale.vocabulary.agreement import compare_tokenizers
from catscale.vocabulary.contract import FIRST_KIND, Vocabulary
from catscale.vocabulary.huggingface import build_tokenizer, corpus_tag_of, corpus_token, language_of
from catscale.vocabulary.piece_model import PieceModel, read_model, rebuild_model

MODEL = "sentencepiece.bpe.model"  # the name that Hugging Face gives it too
TOKENIZER = "tokenizer_config.json"
FAST_TOKENIZER = "tokenizer.json"
LARGEST = 256 * MEBIBYTE  # of a SentencePiece model; one of a million pieces has 20
STAND_INS = (
    ("\u2581", "\ufdd0"),  # the lower one eighth block ▁, which SentencePiece writes for a space
    ("\u2585", "\ufdd1"),  # the lower five eighths block ▅, at which its trainer leaves a line out
    ("\0", "\ufdd2"),  # at which it leaves a line out too; no piece can hold it
    ("\x1f", "\ufdd3"),  # the unit separator, with which the trainer divides text and which it gives no piece
)


class SentencePieceVocabulary(Vocabulary):
    """Text to pieces of a SentencePiece model, and back.

    Args:
        model: The serialised SentencePiece model.
        languages: Codes of the languages that have a tag.
        corpus_tags: Tags of corpora.

    Raises:
        ValueError: If the model is none.
    """

    kind = FIRST_KIND
    files = (MODEL, FAST_TOKENIZER, TOKENIZER)
    has_tokenizer = True
    bos_id, pad_id, eos_id, unk_id = 0, 1, 2, 3

    def __init__(self, model: bytes, languages: Sequence[str], corpus_tags: Sequence[str] = ()) -> None:
        from sentencepiece import SentencePieceProcessor  # 0.1 s, and `catscale --help` needs none

        if not model:
            raise ValueError("it is empty")  # SentencePiece would take it for a model without pieces
        self.model = model
        try:
            self._processor: Any = SentencePieceProcessor(model_proto=model)
        except RuntimeError as error:  # its words are those of its source
            raise ValueError("it is none, or damaged") from error
        self.pieces: int = self._processor.get_piece_size()
        self._is_unchanging = self.about.is_unchanging
        self.rule = "" if self._is_unchanging else self.about.rule
        self._tags = {language: self.pieces + 1 + n for n, language in enumerate(languages)}
        first = self.pieces + 1 + len(self._tags)
        self._corpus_tags = {tag: first + n for n, tag in enumerate(corpus_tags)}

    @cached_property
    def about(self) -> PieceModel:
        """The model's description of itself."""
        return read_model(self.model)

    @property
    def size(self) -> int:
        """Number of embeddings: pieces, `<mask>` and tags."""
        return self.pieces + 1 + len(self.languages) + len(self.corpus_tags)

    @property
    def tags(self) -> Mapping[str, int]:
        """Language → id of its tag, behind `<mask>`, whose id is `pieces`."""
        return self._tags

    @property
    def corpus_tags(self) -> Mapping[str, int]:
        """Tag of a corpus → id of its token, behind the tags of languages."""
        return self._corpus_tags

    def with_corpus_tags(self, names: Sequence[str]) -> "SentencePieceVocabulary":
        """Return the same vocabulary with tags of corpora.

        Raises:
            DataError: If a piece of the model is written as one.
        """
        if taken := sorted(set(self.about.pieces) & set(map(corpus_token, names))):
            raise DataError(
                f"the vocabulary has a piece {taken[0]}, which the tag of a corpus would be written as; choose another "
                "tag in data.corpora"
            )
        return SentencePieceVocabulary(self.model, self.languages, names)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the pieces, the rule, the languages and the tags of corpora, where there are some."""
        about = self.about
        how = [about.kind, about.charsmap.hex(), about.keeps_spaces, about.marks_starts]
        tags = [list(self.corpus_tags)] if self.corpus_tags else []
        content = [self.kind, how, list(about.pieces), list(self.languages), *tags]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    @property
    def control_ids(self) -> tuple[int, int, int, int]:
        """The model's own ids of `<s>`, `<pad>`, `</s>` and `<unk>`; -1 for one that it lacks."""
        p = self._processor
        return p.bos_id(), p.pad_id(), p.eos_id(), p.unk_id()

    def is_same(self, other: Vocabulary) -> bool:
        """Return whether another vocabulary gives the same ids, by its pieces, its rule and its languages.

        Two models that say the same may differ in their bytes: one may be made from a `tokenizer.json`, which does not
        tell whether runs of spaces stay.
        """
        if not isinstance(other, SentencePieceVocabulary) or self.languages != other.languages:
            return False
        if tuple(self.corpus_tags) != tuple(other.corpus_tags):
            return False
        ours, theirs = self.about, other.about
        keep_alike = ours.keeps_spaces == theirs.keeps_spaces or ours.is_rebuilt or theirs.is_rebuilt
        return self.model == other.model or (
            keep_alike and (ours.kind, ours.pieces, ours.charsmap) == (theirs.kind, theirs.pieces, theirs.charsmap)
        )

    def encode(self, lines: Sequence[str]) -> list[list[int]]:
        """Return the ids of the pieces of each line, without tag and `</s>`; a tag in the text is ordinary text."""
        shown = hide_all(lines) if self._is_unchanging else list(lines)
        ids: list[list[int]] = self._processor.encode(shown)
        return ids

    def decode(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """Return the text of each sequence of ids; tags and control ids are left out, `<unk>` becomes ` ⁇ `."""
        pieces = [self._without_controls(list(ids)) for ids in sequences]
        texts: list[str] = self._processor.decode(pieces) if pieces else []
        return show_all(texts) if self._is_unchanging else texts

    def _without_controls(self, ids: list[int]) -> list[int]:
        """Return the ids that are pieces, as Python's own numbers."""
        if ids and self.unk_id <= min(ids) and max(ids) < self.pieces and type(ids[0]) is int:
            return ids  # as `encode` returns them: nothing is looked at one by one
        return [int(i) for i in ids if self.unk_id <= i < self.pieces]

    def check(self, lines: Sequence[str], say: Say) -> None:
        """Compare the Hugging Face tokenizer with SentencePiece, as `compare_tokenizers` describes."""
        compared = drop_reserved(lines) if self._is_unchanging else list(lines)
        compare_tokenizers(self.encode, self.hugging_face(), compared, self.rule, say)

    def hugging_face(self) -> Any:
        """Return the `NllbTokenizer` with the same ids, built on the first call (which imports transformers)."""
        return self._hugging_face

    @cached_property
    def _hugging_face(self) -> Any:
        return build_tokenizer(self.model, self.languages, tuple(self.corpus_tags))

    def write(self, folder: Path) -> None:
        """Write what `load` and what `AutoTokenizer.from_pretrained` need into a folder."""
        write_bytes(folder / MODEL, self.model)
        with user_errors("write the vocabulary", folder):
            self.hugging_face().save_pretrained(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a vocabulary that `write` wrote, or that transformers saved again.

        transformers leaves the SentencePiece model out; it is then made from `tokenizer.json`.

        Raises:
            DataError: If the files are not there or not readable.
        """
        try:
            settings = load_json(folder / TOKENIZER, follow=True)
            tags = settings.get("extra_special_tokens") or settings["additional_special_tokens"]
            languages = [language_of(tag) for tag in tags if corpus_tag_of(tag) is None]
            return cls(read_model_of(folder), languages, [name for name in map(corpus_tag_of, tags) if name])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"{folder} holds no usable vocabulary ({type(error).__name__}: {error}); "
                f"it needs {MODEL} or {FAST_TOKENIZER}, and {TOKENIZER}: prepare again or choose another folder"
            ) from error


def read_model_of(folder: Path) -> bytes:
    """Return the SentencePiece model of a folder: its own file, or what its `tokenizer.json` says.

    Raises:
        OSError: If neither is there.
        ValueError: If `tokenizer.json` is not of our kind.
    """
    if (folder / MODEL).exists() or not (folder / FAST_TOKENIZER).exists():
        return read_model_file(folder / MODEL)
    return rebuild_model(load_json(folder / FAST_TOKENIZER, follow=True))


def read_model_file(path: Path) -> bytes:
    """Return the bytes of a SentencePiece model.

    Raises:
        OSError: If it is not there, or no regular file of a model's size.
    """
    return read_regular(path, LARGEST, follow=True)


def hide(line: str) -> str:
    """Return a line as a model that changes nothing sees it: without white space at its ends, with stand-ins.

    >>> hide(" a\u2581b ") == "a\ufdd0b"
    True
    """
    line = line.strip()
    for character, stand_in in STAND_INS:
        line = line.replace(character, stand_in)
    return line


def hide_all(lines: Sequence[str]) -> list[str]:
    """Return what `hide` makes of each line; characters with stand-ins, which are rare, are looked for in all at once.

    >>> hide_all([" a ", "b"])
    ['a', 'b']
    """
    text = "".join(lines)
    if any(character in text for character, _ in STAND_INS):
        return [hide(line) for line in lines]
    return [line.strip() for line in lines]


def drop_reserved(lines: Iterable[str]) -> list[str]:
    """Return the lines that hold no character that `STAND_INS` lists."""
    return [line for line in lines if not any(character in line for character, _ in STAND_INS)]


def show(text: str) -> str:
    """Return a decoded text with the characters that the stand-ins stand for."""
    for character, stand_in in STAND_INS:
        text = text.replace(stand_in, character)
    return text


def show_all(texts: list[str]) -> list[str]:
    """Return what `show` makes of each text; stand-ins, which are rare, are looked for in all at once."""
    joined = "".join(texts)
    return [show(text) for text in texts] if any(stand_in in joined for _, stand_in in STAND_INS) else texts
