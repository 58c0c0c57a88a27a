"""The section `vocabulary` of a run that starts from a pre-trained model; it follows from the section `model`."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, field_validator

from catscale.errors import ConfigError, DataError
from catscale.settings import Settings
from catscale.settings.location import Location
from catscale.system.console.messages import Say
from catscale.vocabulary.contract import VocabularySettings
from catscale.vocabulary.extension import Lines
from catscale.vocabulary.pretrained.adapting import COMPARED, Changes, Characters, change_tokenizer, check_new, say_all
from catscale.vocabulary.pretrained.agreement import say_agreement
from catscale.vocabulary.pretrained.content import list_tags
from catscale.vocabulary.pretrained.folder import BaseFolder
from catscale.vocabulary.pretrained.panics import panics_told
from catscale.vocabulary.pretrained.tags import check_given, choose_tags, default_tag, find_tag
from catscale.vocabulary.pretrained.vocabulary import PretrainedVocabulary

MOST_PIECES = 200_000


class NewLanguage(Settings):
    """A language that the folder has no tag for.

    Attributes:
        tag: The tag that it gets; null for the code itself where the code is written as a tag (`tyv_Cyrl`), or for
            `__code__` where the folder's tags have that form.
        like: The language whose tag it starts from, by the folder's tag or a code; null for the mean of all tags.
    """

    tag: str | None = Field(default=None, min_length=2, max_length=100, examples=["tyv_Cyrl"])
    like: str | None = None

    @field_validator("tag")
    @classmethod
    def _check_tag(cls, tag: str | None) -> str | None:
        if tag is not None and len(tag.split()) != 1:
            raise ValueError(f"must be one word, without blanks; write {'_'.join(tag.split()) or 'tyv_Cyrl'}")
        if tag is not None and tag != tag.strip():
            raise ValueError(f"must have no blanks around it; write {tag.strip()}")
        return tag


class PretrainedVocabularySettings(VocabularySettings):
    """The vocabulary of a pre-trained model's folder, with what is added for a run; see `model`.

    Attributes:
        path: The folder: the model's `pretrained`.
        languages: Code of the data → tag of the folder, for codes that do not fit one tag alone.
        new_languages: Code of the data → its new tag.
        characters: The missing characters that are added.
        pieces: Number of pieces that are trained and added.
        trim: Whether unused pieces and tags are dropped.
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
    new_languages: dict[str, NewLanguage] = Field(default_factory=dict)
    characters: Characters = True
    pieces: int = Field(default=0, ge=0, le=MOST_PIECES)
    trim: bool = False

    @cached_property
    def base(self) -> BaseFolder:
        """The folder, read once."""
        return BaseFolder(self.path)

    @cached_property
    def folder_tags(self) -> tuple[str, ...]:
        """The tags of the folder."""
        return list_tags(self.base.content)

    @cached_property
    def new_tags(self) -> dict[str, tuple[str, str | None]]:
        """Code of a new language → its tag, and the folder's tag that it resembles.

        Raises:
            ConfigError: If one has no tag.
        """
        found = {}
        for language, new in self.new_languages.items():
            tag = new.tag or default_tag(language, self.folder_tags)
            if tag is None:
                shown = ", ".join(self.folder_tags[:3])
                raise ConfigError(
                    f"model.new_languages.{language} has no tag, and the folder's ({shown} …) do not tell how it would "
                    f"be written; give one, as in {{tag: {language}_Latn}}"
                )
            like = None if new.like is None else find_tag(new.like, self.folder_tags, self.languages)
            found[language] = (tag, like)
        return found

    @property
    def expected_size(self) -> int:
        """The number of embeddings of the pre-trained model, and those that are added."""
        return int(self.base.sizes["vocab_size"]) + self.pieces + len(self.new_languages)

    @property
    def existing(self) -> Path | None:
        """The pre-trained model's folder."""
        return self.path

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The files of the folder's tokenizer."""
        return self.base.inputs

    def check(self) -> None:
        """Refuse a folder without a tokenizer that can be used, tags that it does not have, and new ones that it has.

        Raises:
            CatscaleError: If there is one.
        """
        check_given(self.folder_tags, self.languages)
        check_new(self.folder_tags, self.languages, self.new_tags)
        if self.pieces and not self.new_languages:
            raise ConfigError(
                f"model.pieces trains pieces for model.new_languages, found {self.pieces:,} and no new language; leave "
                "pieces out, or name a language"
            )

    def check_languages(self, languages: Sequence[str]) -> None:
        """Refuse languages that fit no tag of the folder, or several, and new ones that are not among them."""
        self.choose(languages)
        if unused := [language for language in self.new_languages if language not in languages]:
            raise ConfigError(
                f"model.new_languages names {unused[0]}, which no direction of the data has; they have "
                f"{', '.join(languages)}: leave it out, or add its text"
            )

    def choose(self, languages: Sequence[str]) -> dict[str, str]:
        """Return the tag of each language, new ones included."""
        new = {language: tag for language, (tag, _) in self.new_tags.items()}
        return choose_tags(languages, (*self.folder_tags, *new.values()), {**self.languages, **new})

    def build(self, lines: Iterable[str], languages: Sequence[str], say: Say) -> PretrainedVocabulary:
        """Take the folder's pieces, ids and tags, and add tags; characters and pieces need `build_from`."""
        return self.build_from(lines, dict.fromkeys(languages, ()), say)

    def build_from(self, lines: Iterable[str], texts: Lines, say: Say) -> PretrainedVocabulary:
        """Take the folder's pieces, ids and tags, and add what is asked for and missing in the text."""
        chosen = self.choose(list(texts))
        said = ", ".join(f"{language} is {tag}" for language, tag in chosen.items())
        say(f"vocabulary: that of {self.path}; {said}")
        new = {tag: like for language, (tag, like) in self.new_tags.items() if language in texts}
        changes = Changes(chosen, new, self.characters, self.pieces, self.trim)
        try:
            with panics_told():
                changed = change_tokenizer(self.base.content, self.folder_tags, changes, texts)
                made = PretrainedVocabulary(changed.content, chosen, changed.rows, changed.notes)
        except ConfigError as error:
            raise ConfigError(f"model: {error}") from error
        except ValueError as error:
            raise DataError(
                f"the tokenizer of {self.path} cannot be used: {error}; put the one that the model was trained with "
                "into the folder"
            ) from error
        say_all(changed.notes, say)
        self._compare(changes, texts, say)
        return made

    def _compare(self, changes: Changes, texts: Lines, say: Say) -> None:
        """Compare the folder's own tokenizer with what was made of it, on text that the model knows."""
        old = [lines for language, lines in texts.items() if language not in changes.new_languages]
        shown = [line for lines in old for line in islice(lines, COMPARED // len(old))]
        if shown:
            known = PretrainedVocabulary(self.base.content, {"any": self.folder_tags[0]})
            try:
                own = self.base.own_tokenizer()
            except Exception as error:  # the library raises its own classes
                say(f"warning: transformers cannot read the tokenizer of {self.path} itself ({error}); see that it can")
                return
            say_agreement(known.encode, own, shown, known.rule, say, "the folder's own")

    def relevant(self) -> dict[str, Any]:
        """Return the settings that change a store, for its fingerprint; the folder's files are its inputs."""
        settings = self.model_dump(mode="json", exclude={"path", "max_unknown"})
        return {**settings, "rows": self.base.sizes["vocab_size"]}

    def with_absolute_path(self) -> Self:
        """Return the same settings with an absolute path of the folder."""
        return self.model_copy(update={"path": self.path.absolute()})


def load_pretrained(path: Path) -> PretrainedVocabulary:
    """Read the vocabulary of a pre-trained model's folder, in which each tag is a language of its own.

    Raises:
        CatscaleError: If it has none that can be used.
    """
    made = PretrainedVocabularySettings(path=path)
    return PretrainedVocabulary(made.base.content, {tag: tag for tag in made.folder_tags})
