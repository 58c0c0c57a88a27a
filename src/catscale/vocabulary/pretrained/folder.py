"""The tokenizer of a pre-trained model's folder, in whatever files it lies; the model itself is not read here."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from catscale.errors import ConfigError, DataError
from catscale.system.reading.json_file import SMALL, load_json
from catscale.system.reading.regular_file import reason_of
from catscale.system.reading.schema import FileSchema
from catscale.vocabulary.pretrained.sentencepiece_files import VOCABULARY, read_nllb, read_vocabulary_file
from catscale.vocabulary.pretrained.tokenizer_file import MOST, TokenId, read_tokenizer_file
from catscale.vocabulary.sentencepiece import FAST_TOKENIZER, MODEL, TOKENIZER

CONFIG = "config.json"
FORMS = ((FAST_TOKENIZER,), (VOCABULARY, MODEL), (MODEL,))
"""The files of the forms that a tokenizer may have, the first of which counts."""
NEEDED = f"{FAST_TOKENIZER}, or {VOCABULARY} with {MODEL} (M2M-100), or {MODEL} (NLLB)"


class _Sizes(FileSchema):
    """The part of a model's `config.json` that a vocabulary must agree with."""

    vocab_size: Annotated[int, Field(ge=1, le=MOST)]
    pad_token_id: TokenId = 1
    bos_token_id: TokenId = 0
    eos_token_id: TokenId = 2


@dataclass(frozen=True)
class BaseFolder:
    """The folder of a pre-trained model, as far as its vocabulary goes.

    Attributes:
        path: The folder.
    """

    path: Path

    @property
    def form(self) -> tuple[str, ...]:
        """The files that hold the tokenizer.

        Raises:
            ConfigError: If the folder is missing, a run's, or has none.
        """
        check_place(self.path)
        found = next((form for form in FORMS if all((self.path / name).exists() for name in form)), None)
        if found is None:
            raise ConfigError(
                f"model.pretrained {self.path} has no tokenizer, needed is {NEEDED}; copy the files of the tokenizer "
                "that the model was trained with into the folder"
            )
        return found

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The files that decide what is read, beside the number of embeddings."""
        names = (*self.form, TOKENIZER) if self.form == FORMS[1] else self.form
        return tuple(self.path / name for name in names if (self.path / name).exists())

    @cached_property
    def sizes(self) -> dict[str, Any]:
        """The number of embeddings, and the control ids, as `config.json` has them.

        Raises:
            ConfigError: If the folder is missing, or a run's.
            DataError: If it cannot be read.
        """
        check_place(self.path)
        try:
            return _Sizes.model_validate(load_json(self.path / CONFIG, _Sizes, SMALL, follow=True)).model_dump()
        except (OSError, ValueError) as error:
            raise DataError(
                f"{self.path / CONFIG} cannot be read ({reason_of(error)}); give the folder of a whole model"
            ) from error

    @cached_property
    def content(self) -> dict[str, Any]:
        """The tokenizer's content, with the model's ids.

        Raises:
            DataError: If a file cannot be read, or is of another kind than the model's.
        """
        form, size = self.form, int(self.sizes["vocab_size"])
        try:
            content = self._read(form, size)
        except (OSError, ValueError) as error:
            raise DataError(
                f"the tokenizer of {self.path} ({', '.join(form)}) cannot be used: {reason_of(error)}; allowed are BPE "
                f"tokenizers of M2M-100, of NLLB and of runs of catscale; needed is {NEEDED}"
            ) from error
        self._check_control(content)
        return content

    def _read(self, form: tuple[str, ...], size: int) -> dict[str, Any]:
        if form == FORMS[0]:
            return read_tokenizer_file(self.path / FAST_TOKENIZER, size, follow=True)
        return read_vocabulary_file(self.path, size) if form == FORMS[1] else read_nllb(self.path, size)

    def own_tokenizer(self) -> Any:
        """Return the tokenizer that transformers makes of the folder, to compare with."""
        from transformers import M2M100Tokenizer, NllbTokenizer

        made = M2M100Tokenizer if self.form == FORMS[1] else NllbTokenizer
        return made.from_pretrained(self.path, local_files_only=True, split_special_tokens=True)

    def _check_control(self, content: dict[str, Any]) -> None:
        """Refuse control tokens of which the model has other ids."""
        for token, key in (("<pad>", "pad_token_id"), ("<s>", "bos_token_id"), ("</s>", "eos_token_id")):
            if (found := content["model"]["vocab"][token]) != self.sizes[key]:
                raise DataError(
                    f"the tokenizer of {self.path} has {token} at {found}, and its {CONFIG} has {key} "
                    f"{self.sizes[key]}; put the tokenizer that the model was trained with into the folder"
                )


def check_place(path: Path) -> None:
    """Refuse what is no folder, and the folder of a run, whose model lies in `best`.

    Raises:
        ConfigError: If it is one of them.
    """
    if not path.is_dir():
        raise ConfigError(_explain_missing(path))
    if not (path / CONFIG).exists() and (path / "best" / CONFIG).exists():
        raise ConfigError(
            f"model.pretrained {path} is the folder of a run; give {path / 'best'}, the model of that run"
        )


def _explain_missing(path: Path) -> str:
    """Return the message about a folder that is not there."""
    said = f"model.pretrained {path} is no folder; "
    if path.is_file():
        return f"{said}give the folder that the file lies in"
    is_name = not path.is_absolute() and len(path.parts) == 2
    download = f"hf download {path if is_name else 'OWNER/NAME'} --local-dir {path.name if is_name else path}"
    return f"{said}catscale downloads no model: do it first, as with `{download}`, and give its folder"
