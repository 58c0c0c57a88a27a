"""The architecture `pretrained`: a model of M2M-100's class that exists (NLLB, M2M-100, a run's `best/`), trained on.

What is saved is an ordinary folder of `m2m100`, from which nothing leads back to the folder that it started from.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from catscale.data.direction import Direction
from catscale.errors import ConfigError
from catscale.model.adapters import AdapterSettings
from catscale.model.base_folder import check_folder, describe_folder, read_sizes
from catscale.model.contract import Architecture, TranslationModel
from catscale.model.extension import ModelExtension
from catscale.model.freezing import WHOLE, Part, freeze_parts
from catscale.model.language_adapters import LanguageAdapters, OwnAdapters
from catscale.model.limits import count_parameters
from catscale.model.m2m100 import M2M100
from catscale.model.routed import LowRankRouting, Routed
from catscale.model.saved_config import DECODERS, LANGUAGE_ADAPTERS, PLAIN, ROUTED, read_architecture
from catscale.settings.location import Location
from catscale.vocabulary.contract import Vocabulary
from catscale.vocabulary.pretrained.adapting import Characters
from catscale.vocabulary.pretrained.settings import MOST_PIECES, NewLanguage

SIZE = "the sizes are those of the pre-trained model; leave it out, or leave pretrained out to choose them"
ABSENT = {
    **dict.fromkeys(("preset", "encoder_layers", "decoder_layers", "width", "feed_forward", "heads"), SIZE),
    "max_positions": SIZE,
    "layer_norm_parameters": "the pre-trained model has layer normalisations with parameters; leave it out, or hold "
    "them as they are with freeze: [layer_norm]",
}


class Pretrained(Architecture):
    """A model that exists, of M2M-100's class, with its own vocabulary.

    Attributes:
        architecture: Names this kind of model; with `pretrained` it need not be given.
        pretrained: Folder of a model and its tokenizer: NLLB, M2M-100, or the `best` of a run. Nothing is downloaded.
        languages: Code of the data → tag of the folder, as in `{en: eng_Latn}`; a code that fits one tag alone needs
            none.
        new_languages: Code of the data → `{tag: tyv_Cyrl, like: kaz_Cyrl}`: languages that the folder has no tag for.
            The tag starts from that of `like`, or from the mean of all tags without it.
        characters: Whether the characters that new languages have and the folder's tokenizer lacks get a piece each;
            `all` for those of all languages. What is missing is reported in any case.
        pieces: Number of pieces that are trained on the text of the new languages and added.
        trim: Whether pieces and tags that no language of the run needs are dropped, and their embeddings with them.
        dropout: Dropout of embeddings and sub-layer outputs; null for the folder's own.
        attention_dropout: Dropout of attention weights; null for the folder's own.
        activation_dropout: Dropout inside feed-forward layers; null for the folder's own.
        freeze: Parts that are not trained: `embeddings`, `encoder`, `decoder`, `attention`, `feed_forward`,
            `layer_norm`.
        adapters: Small matrices that are trained in place of the model, which then stays as it is but for the rows of
            new tokens; null trains the model itself.
        routing: Gates between the model's own projections and what each language adds to them (`routed`, in its
            low-rank form); null for none. Such a model needs catscale: it is not exported.
        language_adapters: Adapters after each layer, of which each language or family has its own (the architecture
            `language_adapters`); null for none. Such a model needs catscale: it is not exported.
    """

    decoders: ClassVar[Sequence[str]] = DECODERS
    absent: ClassVar[Mapping[str, str]] = MappingProxyType(ABSENT)

    architecture: Literal["pretrained"] = "pretrained"
    pretrained: Location
    languages: dict[str, str] = Field(default_factory=dict, examples=[{"en": "eng_Latn"}])
    new_languages: dict[str, NewLanguage] = Field(default_factory=dict, examples=[{"tyv": {"tag": "tyv_Cyrl"}}])
    characters: Characters = True
    pieces: int = Field(default=0, ge=0, le=MOST_PIECES)
    trim: bool = False
    dropout: float | None = Field(default=None, ge=0, lt=1)
    attention_dropout: float | None = Field(default=None, ge=0, lt=1)
    activation_dropout: float | None = Field(default=None, ge=0, lt=1)
    freeze: tuple[Part, ...] = Field(default=(), strict=False, examples=[["encoder", "embeddings"]])
    adapters: AdapterSettings | None = None
    routing: LowRankRouting | None = None
    language_adapters: OwnAdapters | None = None

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        if self.is_held_whole and self.extension is None:
            raise ValueError(
                f"freeze: nothing is left to train where {', '.join(WHOLE)} are frozen; leave one of them out"
            )
        given = [name for name in ("routing", "language_adapters", "adapters") if getattr(self, name) is not None]
        if self.extension is not None and len(given) > 1:
            raise ValueError(
                f"{given[0]} has matrices of its own; leave the others out where there is {given[0]}, found "
                f"{' and '.join(given)}"
            )
        frozen = [] if self.adapters is None else self.adapters.frozen_by(self.freeze)
        if frozen:
            raise ValueError(
                f"adapters train beside layers of {', '.join(frozen)}, which freeze holds fixed; the model itself is "
                f"not trained where there are adapters: take {', '.join(frozen)} out of freeze, or choose other "
                "adapters.targets"
            )
        return self

    def build(self, vocabulary: Vocabulary, directions: Sequence[Direction], seed: int) -> TranslationModel:
        """Read the model of the folder, as `Architecture.build`; the directions matter to extensions alone.

        Raises:
            CheckpointError: If the folder holds no whole model of this class.
            ConfigError: If the vocabulary is not the folder's, or PEFT is missing, which adapters need.
        """
        from catscale.model.pretrained_network import read_network  # transformers is slow to import

        model = read_network(self.pretrained, vocabulary, self.dropouts, seed)
        freeze_parts(model, self.freeze)
        if self.extension is not None:
            return self.extension.extend(model, directions)
        if self.adapters is None:
            return model
        from catscale.model.adapted_model import attach

        return attach(model, self.adapters, vocabulary.new_rows, seed)

    @classmethod
    def load(cls, folder: Path) -> TranslationModel:
        """Read a saved model, an ordinary one, an extended one or one with adapters, as `Architecture.load`."""
        found: dict[str, type[Architecture]] = {PLAIN: M2M100, ROUTED: Routed, LANGUAGE_ADAPTERS: LanguageAdapters}
        if (name := read_architecture(folder)) in found:
            return found[name].load(folder)
        from catscale.model.adapted_model import load_adapted

        return load_adapted(folder)

    def hold_fixed(self, model: TranslationModel) -> TranslationModel:
        """Hold the parts fixed that `freeze` names; what extends the model is trained in any case.

        Raises:
            ConfigError: If the adapters that are trained are merged in the model.
        """
        if self.adapters is not None and not model.has_parts_to_merge:
            raise ConfigError(
                "the adapters of the best model are merged, so that what was trained cannot be told; choose a "
                "checkpoint that is kept (--steps newest, or its number), and keep more with training.keep"
            )
        freeze_parts(model, self.freeze)
        for parameter in model.added_parameters():
            parameter.requires_grad_(True)
        return model

    @property
    def note(self) -> str | None:
        """The line that a user should read where the model is extended."""
        return None if self.extension is None else self.extension.warning

    @property
    def extension(self) -> ModelExtension | None:
        """The extension of the model: routing, or adapters of languages."""
        return self.routing or self.language_adapters

    @property
    def has_plain_layers(self) -> bool:
        """Whether the layers are computed from their inputs alone, which those of an extension are not."""
        return self.extension is None

    @property
    def is_held_whole(self) -> bool:
        """Whether no parameter of the pre-trained model is trained."""
        return set(WHOLE) <= set(self.freeze)

    @property
    def dropouts(self) -> dict[str, float]:
        """The dropouts that are not the folder's, by the names of `transformers.M2M100Config`."""
        names = ("dropout", "attention_dropout", "activation_dropout")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def count_parameters(self, vocabulary: int, directions: Sequence[Direction]) -> int:
        """Count the parameters as `Architecture.count_parameters`, by the folder's sizes."""
        sizes = read_sizes(self.pretrained)
        added = 0 if self.adapters is None else self.adapters.count_parameters(sizes)
        if self.extension is not None:
            added += self.extension.count_extension(sizes, directions)
        return count_parameters(sizes, vocabulary) + added

    def count_frozen(self, vocabulary: int) -> int:
        """Count the pre-trained parameters where they are not trained; a few rows of them are of new tokens."""
        is_held = self.adapters is not None or self.is_held_whole
        return count_parameters(read_sizes(self.pretrained), vocabulary) if is_held else 0

    @property
    def follows_length(self) -> bool:
        """Whether training follows the length of the run: the noise of routing's gates does."""
        return self.routing is not None and self.routing.follows_length

    @property
    def saved_as(self) -> str | None:
        """The plain architecture, but for checkpoints with adapters, and that of an extension."""
        return self.extension.kind if self.extension else None if self.adapters else PLAIN

    @property
    def is_drawn(self) -> bool:
        """Whether adapters or parts of an extension are drawn; nothing else is."""
        return self.adapters is not None or self.extension is not None

    def check(self) -> None:
        """Refuse a folder that holds no whole model of this class; of its tensors names and shapes are read."""
        from catscale.model.pretrained_network import check_network

        check_folder(self.pretrained)
        check_network(self.pretrained)

    def describe_base(self) -> dict[str, Any] | None:
        """Describe the folder: its path, and the checksum of its model."""
        return describe_folder(self.pretrained)

    @property
    def has_base(self) -> bool:
        """Whether the model starts from another one, which it does."""
        return True

    @property
    def added_languages(self) -> frozenset[str]:
        """The new languages."""
        return frozenset(self.new_languages)

    def imply_vocabulary(self) -> dict[str, Any]:
        """Return the section `vocabulary` that reads the folder's."""
        settings = self.model_dump(mode="json", include={"languages", "new_languages", "characters", "pieces", "trim"})
        return {"kind": "pretrained", "path": str(self.pretrained), **settings}

    def with_absolute_path(self) -> Self:
        """Return the same settings with an absolute path of the folder."""
        return self.model_copy(update={"pretrained": self.pretrained.absolute()})
