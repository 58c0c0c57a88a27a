"""Settings of adapters of which each language, or each family of languages, has its own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from catscale.data.direction import Direction, LanguageCode, list_languages
from catscale.errors import ConfigError
from catscale.model import limits
from catscale.model.bottleneck import DECIDES, AdaptersOf, count_bottleneck
from catscale.model.contract import TranslationModel
from catscale.model.extension import ModelExtension
from catscale.model.m2m100 import M2M100
from catscale.model.saved_config import LANGUAGE_ADAPTERS, SavedConfig, read_description
from catscale.model.saved_tensors import restore_tensors
from catscale.model.transformer import SIDES, Transformer
from catscale.settings import READ_AS
from catscale.vocabulary.contract import Vocabulary

AdapterSide = Annotated[str, Field(pattern=r"^(encoder|decoder)$")]
Bottleneck = Annotated[int, Field(ge=1, le=limits.FEED_FORWARD)]
Owner = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_]{0,31}$")]
FamilyMembers = Annotated[
    tuple[LanguageCode, ...], READ_AS, AfterValidator(lambda codes: tuple(code.replace("-", "_") for code in codes))
]


class AdaptersDescription(SavedConfig):
    """The content of `config.json` beside the description of a plain model."""

    owners: dict[AdapterSide, dict[LanguageCode, Owner]] = Field(min_length=2)
    language: AdaptersOf
    bottleneck: Bottleneck


class OwnAdapters(ModelExtension):
    """Adapters after each layer, of which each language or family has its own; the model without them stays shared.

    Source: Bapna and Firat, Simple, Scalable Adaptation for Neural Machine Translation, EMNLP 2019.

    Attributes:
        bottleneck: Hidden units of an adapter; more learn more.
        language: The language whose adapters a direction takes: its `target`, its `source`, or on the two `sides` the
            source in the encoder and the target in the decoder.
        families: Name → languages that have adapters together; the others have their own.
    """

    kind: ClassVar[str] = LANGUAGE_ADAPTERS
    warning: ClassVar[str] = (
        "note: a model with adapters of its languages needs catscale to translate: what they compute cannot be merged "
        "into a plain model, so that `catscale export` will refuse it"
    )

    bottleneck: Bottleneck = 64
    language: AdaptersOf = "target"
    families: dict[Owner, FamilyMembers] = Field(default_factory=dict, examples=[{"slavic": ["cs", "ru"]}])

    @model_validator(mode="after")
    def _check_families(self) -> Self:
        members = [language for family in self.families.values() for language in family]
        twice = sorted({language for language in members if members.count(language) > 1})
        empty = [name for name, family in self.families.items() if not family]
        if twice or empty:
            raise ValueError(
                "families must have a language or more each, and each language once; found "
                + (f"{', '.join(twice)} twice" if twice else f"none in {', '.join(empty)}")
            )
        return self

    def find_owners(self, directions: Sequence[Direction]) -> dict[str, dict[str, str]]:
        """Find whose adapters the languages of some directions take.

        Returns:
            `encoder` and `decoder` → language → itself, or its family.

        Raises:
            ConfigError: If families name what is no language of the directions, or are called like another one.
        """
        family = {language: name for name, members in self.families.items() for language in members}
        languages = list_languages(directions)
        strange = sorted(set(family) - set(languages))
        if strange and languages:
            raise ConfigError(
                f"model families must name languages of the data, found {', '.join(strange)}; those of the data are "
                f"{', '.join(languages)}"
            )
        taken = [name for name in self.families if name in languages and family.get(name) != name]
        if taken:
            raise ConfigError(
                f"model families must not be called like a language that is not in them, found {', '.join(taken)}; "
                "choose another name"
            )
        found = {}
        for side, which in zip(SIDES, DECIDES[self.language], strict=True):
            codes = sorted({getattr(direction, which) for direction in directions})
            found[side] = {code: family.get(code, code) for code in codes}
        return found

    def extend(self, base: Any, directions: Sequence[Direction]) -> TranslationModel:
        """Put adapters behind the layers of a plain model, as `ModelExtension.extend`."""
        from catscale.model.language_adapters_model import AdapterForm, LanguageAdaptersModel

        return LanguageAdaptersModel(base, AdapterForm(self.find_owners(directions), self.language, self.bottleneck))

    def count_extension(self, sizes: Mapping[str, Any], directions: Sequence[Direction]) -> int:
        """Count those of an adapter, for each layer and each owner of its side."""
        each = count_bottleneck(int(sizes["d_model"]), self.bottleneck)
        owners = self.find_owners(directions)
        return each * sum(int(sizes[f"{side}_layers"]) * len(set(found.values())) for side, found in owners.items())


class LanguageAdapters(OwnAdapters, Transformer):
    """A Transformer with adapters after each layer, of which each language or family has its own.

    Such a model needs catscale: adapters cannot be merged into a plain model, so that it is not exported. Source: Bapna
    and Firat, Simple, Scalable Adaptation for Neural Machine Translation, EMNLP 2019.

    Attributes:
        architecture: Names this kind of model.
    """

    architecture: Literal["language_adapters"] = "language_adapters"

    def build(self, vocabulary: Vocabulary, directions: Sequence[Direction], seed: int) -> TranslationModel:
        """Build a model that begins without any effect of its adapters, as `Architecture.build`."""
        plain = M2M100.of_sizes(self)
        return self.extend(plain.build_plain(vocabulary, seed), directions)

    @property
    def note(self) -> str | None:
        """The line that says that the model is not exported."""
        return self.warning

    @classmethod
    def load(cls, folder: Path) -> TranslationModel:
        """Read a saved model, as `Architecture.load`."""
        from catscale.model.language_adapters_model import AdapterForm, LanguageAdaptersModel

        read = read_description(folder, AdaptersDescription)
        model = LanguageAdaptersModel(M2M100.rebuild(folder), AdapterForm(read.owners, read.language, read.bottleneck))
        restore_tensors(folder, model)
        return model.eval()

    def count_parameters(self, vocabulary: int, directions: Sequence[Direction]) -> int:
        """Count the plain model's, and the adapters."""
        return super().count_parameters(vocabulary, directions) + self.count_extension(self.sizes(), directions)
