"""The kind `pretrained`: the pieces, ids and tags of a model that exists.

What is saved is a `tokenizer.json` and a `tokenizer_config.json`, from which transformers makes an `NllbTokenizer` with
the same ids, and a table of what `__en__` or `eng_Latn` is in the codes of the data.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field

from catscale.errors import DataError
from catscale.system.console.messages import Say
from catscale.system.reading.json_file import load_json
from catscale.system.reading.regular_file import reason_of
from catscale.system.reading.schema import FileSchema, Text
from catscale.system.writing.files import scratch_folder, write_bytes, write_json
from catscale.vocabulary.contract import Vocabulary
from catscale.vocabulary.extension import Content, RowOrigins, extend
from catscale.vocabulary.huggingface import MASK, corpus_token
from catscale.vocabulary.pretrained.agreement import say_agreement
from catscale.vocabulary.pretrained.content import IS_SPARE, list_tags, special_of
from catscale.vocabulary.pretrained.panics import panics_told
from catscale.vocabulary.pretrained.tokenizer_file import Token, TokenId, find_charsmap, read_tokenizer_file
from catscale.vocabulary.sentencepiece import FAST_TOKENIZER, TOKENIZER, hide_all, show_all

TABLE = "pretrained_vocabulary.json"
RULE = "of the pre-trained model"
"""The word for the name of a rule, which a `tokenizer.json` does not tell."""
UNKNOWN = "▁⁇▁"
"""The token that is decoded in the place of `<unk>`."""


class _RowTable(FileSchema):
    """The origins of the rows of a table of embeddings, as `RowOrigins` writes them."""

    runs: list[Annotated[list[TokenId], Field(min_length=3, max_length=3)]]
    others: dict[Annotated[str, Field(pattern="^[0-9]{1,7}$")], list[TokenId]]
    noisy: list[TokenId]


class _TagTable(FileSchema):
    """The content of `TABLE`."""

    languages: dict[str, Token]
    corpus_tags: list[Text] = Field(default_factory=list)
    rows: _RowTable | None = None
    notes: list[Text] = Field(default_factory=list)


class PretrainedVocabulary(Vocabulary):
    """Text to the ids of a pre-trained model, and back.

    Args:
        content: The content of a `tokenizer.json`, as `make_content` makes it.
        languages: Code of ours → tag.
        rows: The origins of the rows of the model's table; None where it is the pre-trained model's own.
        notes: The findings and changes of its making, in lines.
        corpus_tags: Tags of corpora, whose tokens are special ones of the content.

    Raises:
        ValueError: If the content is no tokenizer, or lacks a tag.
    """

    kind = "pretrained"
    files = (FAST_TOKENIZER, TOKENIZER, TABLE)
    has_tokenizer = True

    def __init__(
        self,
        content: Content,
        languages: Mapping[str, str],
        rows: RowOrigins | None = None,
        notes: Sequence[str] = (),
        corpus_tags: Sequence[str] = (),
    ) -> None:
        from tokenizers import Tokenizer, decoders  # slow, and `catscale --help` needs none

        self.content, self._languages = content, dict(languages)
        self.rows, self.notes = rows, tuple(notes)
        ids: dict[str, int] = content["model"]["vocab"]
        missing = [tag for tag in (*languages.values(), *map(corpus_token, corpus_tags)) if tag not in ids]
        if rows is not None and len(rows.bases) != len(ids):
            raise ValueError(f"it has {len(ids):,} tokens, and origins of {len(rows.bases):,}")
        if missing or not languages:
            raise ValueError(f"it has no token {missing[0]!r}" if missing else "it names no languages")
        try:
            with panics_told():
                self._tokenizer: Any = Tokenizer.from_str(self._text)
        except Exception as error:  # the library raises no other class
            raise ValueError(f"it is no tokenizer: {error}") from error
        self._tokenizer.encode_special_tokens = True  # a tag or </s> that a user types stays text
        self._decoder: Any = decoders.Metaspace()
        self.rule = RULE if find_charsmap(content["normalizer"]) else ""
        self._tags = {language: ids[tag] for language, tag in languages.items()}
        self._corpus_tags = {tag: ids[corpus_token(tag)] for tag in corpus_tags}
        self.bos_id, self.pad_id, self.eos_id, self.unk_id = (ids[t] for t in ("<s>", "<pad>", "</s>", "<unk>"))
        special = set(special_of(content))
        self._texts = {
            number: UNKNOWN if number == self.unk_id else token
            for token, number in ids.items()
            if number == self.unk_id or not (token in special or IS_SPARE.fullmatch(token))
        }

    @cached_property
    def _text(self) -> str:
        return json.dumps(self.content, ensure_ascii=False)

    @property
    def size(self) -> int:
        """Number of embeddings: the rows of the model's table."""
        return len(self.content["model"]["vocab"])

    @property
    def tags(self) -> Mapping[str, int]:
        """Language → id of its tag."""
        return self._tags

    @property
    def corpus_tags(self) -> Mapping[str, int]:
        """Tag of a corpus → id of its token."""
        return self._corpus_tags

    def with_corpus_tags(self, names: Sequence[str]) -> "PretrainedVocabulary":
        """Return the same vocabulary with tags of corpora, which start from the mean of all rows and a little noise.

        A tag that the pre-trained model was trained with keeps its id.

        Raises:
            DataError: If a piece of the tokenizer is written as one.
        """
        special = special_of(self.content)
        new = [token for name in names if (token := corpus_token(name)) not in special]
        if taken := next((token for token in new if token in self.content["model"]["vocab"]), None):
            raise DataError(
                f"the pre-trained model has a piece {taken}, which the tag of a corpus would be written as; choose "
                "another tag in data.corpora"
            )
        rows = RowOrigins.unchanged(self.size) if self.rows is None else self.rows
        added = range(self.size, self.size + len(new))
        content = extend(self.content, tags=dict.fromkeys(new)).content if new else self.content
        origins = RowOrigins((*rows.bases, *(() for _ in new)), rows.noisy | {*added})
        notes = [*self.notes, *([f"added: {', '.join(new)}, for tags of corpora"] if new else [])]
        return PretrainedVocabulary(content, self._languages, origins if new else self.rows, notes, names)

    @property
    def new_rows(self) -> int:
        """The number of its last ids whose rows are not those of the pre-trained model: means, or with noise."""
        rows = RowOrigins(()) if self.rows is None else self.rows
        is_new = (len(bases) != 1 or number in rows.noisy for number, bases in enumerate(rows.bases))
        return sum(is_new)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the pieces, the merges, the rule, the special tokens and the languages."""
        languages = json.dumps(list(self._languages.items()), ensure_ascii=False)
        tags = f"\0{json.dumps(list(self._corpus_tags))}" if self._corpus_tags else ""
        return hashlib.sha256(f"{self._text}\0{languages}{tags}".encode()).hexdigest()

    def encode(self, lines: Sequence[str]) -> list[list[int]]:
        """Return the ids of the pieces of each line, without tag and `</s>`; a tag in the text is ordinary text."""
        shown = [line.strip() for line in lines] if self.rule else hide_all(lines)
        try:
            with panics_told():
                found = self._tokenizer.encode_batch_fast(shown, add_special_tokens=False)
        except ValueError as error:
            raise DataError(f"the vocabulary cannot cut text: {error}; restore it, or prepare again") from error
        return [encoding.ids for encoding in found]

    def decode(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """Return the text of each sequence of ids; tags and control ids are left out, `<unk>` becomes ` ⁇ `."""
        texts = [
            self._decoder.decode([self._texts[i] for n in ids if (i := int(n)) in self._texts]) for ids in sequences
        ]
        return texts if self.rule else show_all(texts)

    def check(self, lines: Sequence[str], say: Say) -> None:
        """Compare the tokenizer that transformers reads with this one, as `say_agreement` describes."""
        say_agreement(self.encode, self.hugging_face(), lines, self.rule, say)

    def hugging_face(self) -> Any:
        """Return the `NllbTokenizer` that transformers makes of what `write` writes."""
        from transformers import NllbTokenizer

        with scratch_folder() as folder:
            self.write(folder)
            return NllbTokenizer.from_pretrained(folder, local_files_only=True)

    def write(self, folder: Path) -> None:
        """Write what `load` and what `AutoTokenizer.from_pretrained` need into a folder."""
        write_bytes(folder / FAST_TOKENIZER, self._text.encode("utf-8"))
        write_json(folder / TOKENIZER, self._describe())
        rows = None if self.rows is None else self.rows.to_json()
        table = {
            "languages": self._languages,
            "corpus_tags": list(self._corpus_tags),
            "rows": rows,
            "notes": self.notes,
        }
        write_json(folder / TABLE, table)

    def _describe(self) -> dict[str, Any]:
        """Return the content of `tokenizer_config.json`."""
        control = {"bos": "<s>", "cls": "<s>", "eos": "</s>", "sep": "</s>", "pad": "<pad>", "unk": "<unk>"}
        named = {f"{name}_token": token for name, token in control.items()}
        tags = list(self._languages.values())
        return {
            "backend": "tokenizers",
            **named,
            "mask_token": MASK if MASK in self.content["model"]["vocab"] else None,
            "extra_special_tokens": list(list_tags(self.content)),
            "legacy_behaviour": False,
            "model_max_length": 10**30,
            "split_special_tokens": True,
            "src_lang": tags[0],
            "tgt_lang": tags[-1],
            "tokenizer_class": "NllbTokenizer",
        }

    @classmethod
    def read_notes(cls, folder: Path) -> Sequence[str]:
        """Read the notes of a saved vocabulary, without its pieces."""
        try:
            found: list[str] = load_json(folder / TABLE, _TagTable).get("notes", [])
        except (OSError, ValueError) as error:
            raise DataError(
                f"{folder / TABLE} cannot be read ({reason_of(error)}); prepare again or choose another folder"
            ) from error
        return found

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a vocabulary that `write` wrote.

        Raises:
            DataError: If the files are not there or not readable.
        """
        try:
            content = read_tokenizer_file(folder / FAST_TOKENIZER, None)
            table = load_json(folder / TABLE, _TagTable)
            rows = _read_rows(table.get("rows"), len(content["model"]["vocab"]))
            return cls(content, table["languages"], rows, table.get("notes", ()), table.get("corpus_tags", ()))
        except (OSError, ValueError) as error:
            raise DataError(
                f"{folder} holds no usable vocabulary ({reason_of(error)}); it needs {', '.join(cls.files)}: prepare "
                "again or choose another folder"
            ) from error


def _read_rows(table: Mapping[str, Any] | None, size: int) -> RowOrigins | None:
    """Read the origins of the rows of a table.

    Raises:
        ValueError: If they are not of `size` rows.
    """
    if table is None:
        return None
    found = sum(count for _, count, _ in table["runs"]) + len(table["others"])
    if found != size:
        raise ValueError(f"it has {size:,} tokens, and origins of {found:,}")
    return RowOrigins.from_json(table)
