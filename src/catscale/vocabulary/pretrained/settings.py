"""The section `vocabulary` of a run that starts from a pre-trained model; it follows from the section `model`."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Self

from pydantic import Field

from catscale.errors import DataError
from catscale.settings.location import Location
from catscale.system.console.messages import Say
from catscale.vocabulary.contract import VocabularySettings
from catscale.vocabulary.pretrained.folder import BaseFolder
from catscale.vocabulary.pretrained.tags import check_given, choose_tags
from catscale.vocabulary.pretrained.vocabulary import PretrainedVocabulary


class PretrainedVocabularySettings(VocabularySettings):
    """The vocabulary of a pre-trained model's folder.

    Attributes:
        path: The folder: the model's `pretrained`.
        languages: Code of the data → tag of the folder, for codes that do not fit one tag alone.
    """

    absent: ClassVar[Mapping[str, str]] = MappingProxyType(
        dict.fromkeys(
            ("size", "character_coverage", "normalisation"),
            "the vocabulary is that of the pre-trained model; leave it out, or leave model.pretrained out",
        )
    )

    kind: Literal["pretrained"] = "pretrained"
    path: Location
    languages: dict[str, str] = Field(default_factory=dict)

    @cached_property
    def base(self) -> BaseFolder:
        """The folder, read once."""
        return BaseFolder(self.path)

    @property
    def expected_size(self) -> int:
        """The number of embeddings of the pre-trained model."""
        return int(self.base.sizes["vocab_size"])

    @property
    def existing(self) -> Path | None:
        """The pre-trained model's folder."""
        return self.path

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The files of the folder's tokenizer, and its `config.json`."""
        return self.base.inputs

    def check(self) -> None:
        """Refuse a folder without a tokenizer that can be used, and tags that it does not have."""
        check_given(list_tags(self.base.content), self.languages)

    def check_languages(self, languages: Sequence[str]) -> None:
        """Refuse languages that fit no tag of the folder, or several."""
        choose_tags(languages, list_tags(self.base.content), self.languages)

    def build(self, lines: Iterable[str], languages: Sequence[str], say: Say) -> PretrainedVocabulary:
        """Take the folder's pieces, ids and tags."""
        content = self.base.content
        chosen = choose_tags(languages, list_tags(content), self.languages)
        said = ", ".join(f"{language} is {tag}" for language, tag in chosen.items())
        say(f"vocabulary: that of {self.path}; {said}")
        try:
            return PretrainedVocabulary(content, chosen)
        except ValueError as error:
            raise DataError(
                f"the tokenizer of {self.path} cannot be used: {error}; put the one that the model was trained with "
                "into the folder"
            ) from error

    def relevant(self) -> dict[str, Any]:
        """Return the settings that change a store, for its fingerprint; the folder's files are its inputs."""
        return self.model_dump(mode="json", exclude={"path", "max_unknown"})

    def with_absolute_path(self) -> Self:
        """Return the same settings with an absolute path of the folder."""
        return self.model_copy(update={"path": self.path.absolute()})


def list_tags(content: dict[str, Any]) -> tuple[str, ...]:
    """Return the special tokens of a tokenizer that may be tags of languages, in the order of their ids."""
    control = {"<s>", "<pad>", "</s>", "<unk>", "<mask>"}
    special = [token for token in content["added_tokens"] if token["special"] and token["content"] not in control]
    return tuple(token["content"] for token in sorted(special, key=lambda token: int(token["id"])))
