"""The shared vocabulary: a SentencePiece BPE model, a mask and one tag a language.

Embedding ids: 0 `<s>`, 1 `<pad>`, 2 `</s>`, 3 `<unk>`, 4 … pieces, then `<mask>`, then the tags `__xx__` in the
order of `languages`. SentencePiece's own ids are the same numbers, so nothing has to be translated.
"""

import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from catscale.data.tokenizer import build_tokenizer
from catscale.errors import DataError
from catscale.system.files import user_errors, write_bytes

MODEL = "sentencepiece.bpe.model"  # the name that Hugging Face gives it too
TOKENIZER = "tokenizer_config.json"


class Vocabulary:
    """Text to ids and back.

    Args:
        model: The serialised SentencePiece model.
        languages: Codes of the languages that have a tag.
    """

    bos_id, pad_id, eos_id, unk_id = 0, 1, 2, 3

    def __init__(self, model: bytes, languages: Sequence[str]) -> None:
        from sentencepiece import SentencePieceProcessor  # 0.1 s, and `catscale --help` needs none

        self.model = model
        self.languages = tuple(languages)
        self._processor: Any = SentencePieceProcessor(model_proto=model)
        self.pieces: int = self._processor.get_piece_size()
        self._tags = {language: self.pieces + 1 + n for n, language in enumerate(self.languages)}

    @property
    def mask_id(self) -> int:
        """Id of `<mask>`."""
        return self.pieces

    @property
    def size(self) -> int:
        """Number of embeddings: pieces, `<mask>` and tags."""
        return self.pieces + 1 + len(self.languages)

    @property
    def control_ids(self) -> tuple[int, int, int, int]:
        """The model's own ids of `<s>`, `<pad>`, `</s>` and `<unk>`; -1 for one that it lacks."""
        p = self._processor
        return p.bos_id(), p.pad_id(), p.eos_id(), p.unk_id()

    def tag(self, language: str) -> int:
        """Id of a language's tag.

        Raises:
            DataError: If the vocabulary was built without that language.
        """
        if language not in self._tags:
            raise DataError(
                f"the vocabulary has no language {language!r}; it has {', '.join(self.languages)}: "
                "choose one of them, or train with a direction that uses it"
            )
        return self._tags[language]

    def encode(self, lines: Sequence[str]) -> list[list[int]]:
        """Ids of the pieces of each line, without tag and `</s>`; a tag in the text is ordinary text."""
        ids: list[list[int]] = self._processor.encode(list(lines))
        return ids

    def decode(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """Text of each sequence of ids; tags and control ids are left out."""
        pieces = [[int(i) for i in ids if self.unk_id <= i < self.pieces] for ids in sequences]
        texts: list[str] = self._processor.decode(pieces) if pieces else []
        return texts

    def hugging_face(self) -> Any:
        """The `NllbTokenizer` with the same ids, built on the first call (which imports transformers)."""
        return self._hugging_face

    @cached_property
    def _hugging_face(self) -> Any:
        return build_tokenizer(self.model, self.languages)

    def save(self, folder: Path) -> None:
        """Write what `load` and what `AutoTokenizer.from_pretrained` need into a folder."""
        write_bytes(folder / MODEL, self.model)
        with user_errors("write the vocabulary", folder):
            self.hugging_face().save_pretrained(folder)

    @classmethod
    def load(cls, folder: Path) -> "Vocabulary":
        """Read a vocabulary that `save` wrote.

        Raises:
            DataError: If the files are not there or not readable.
        """
        try:
            tags = json.loads((folder / TOKENIZER).read_text(encoding="utf-8"))["extra_special_tokens"]
            return cls((folder / MODEL).read_bytes(), [tag.removeprefix("__").removesuffix("__") for tag in tags])
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise DataError(
                f"{folder} holds no usable vocabulary ({type(error).__name__}: {error}); "
                f"it needs {MODEL} and {TOKENIZER}: prepare again or choose another folder"
            ) from error
