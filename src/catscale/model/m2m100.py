"""The plain Transformer encoder-decoder of M2M-100, whose checkpoints are standard ones; all parameters are shared."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from catscale.data.direction import Direction
from catscale.model.contract import TranslationModel
from catscale.model.saved_config import DECODERS
from catscale.model.transformer import Transformer
from catscale.vocabulary.contract import Vocabulary

if TYPE_CHECKING:
    from catscale.model.m2m100_model import M2M100Model


class M2M100(Transformer):
    """A Transformer encoder-decoder: pre-normalisation, tied embeddings, sinusoidal positions.

    Sizes left out come from the preset.

    Attributes:
        architecture: Names this kind of model.
    """

    decoders: ClassVar[Sequence[str]] = DECODERS

    architecture: Literal["m2m100"] = "m2m100"

    @property
    def has_plain_layers(self) -> bool:
        """Whether the layers are computed from their inputs alone, which they are."""
        return True

    @classmethod
    def of_sizes(cls, other: Transformer) -> "M2M100":
        """Return the settings of the plain model that another architecture of these sizes extends."""
        return cls(**other.model_dump(include=set(Transformer.model_fields)))

    def build(self, vocabulary: Vocabulary, directions: Sequence[Direction], seed: int) -> TranslationModel:
        """Build a model with random parameters, as `Architecture.build`; the directions do not matter.

        Weights are drawn with standard deviation `width ** -0.5`, so that scaled embeddings have variance 1.
        """
        return self.build_plain(vocabulary, seed)

    def build_plain(self, vocabulary: Vocabulary, seed: int) -> "M2M100Model":
        """Build what `build` does, as the class that extensions extend."""
        from catscale.model.m2m100_model import M2M100Model, build_network  # transformers takes seconds to import

        model = M2M100Model(build_network(self.sizes(), vocabulary, seed))
        self.hold_fixed(model)
        return model

    @classmethod
    def load(cls, folder: Path) -> TranslationModel:
        """Read a Hugging Face folder, as `Architecture.load`."""
        return cls.load_plain(folder)

    @classmethod
    def load_plain(cls, folder: Path) -> "M2M100Model":
        """Read what `load` does, as the class that extensions extend."""
        from catscale.model.m2m100_model import M2M100Model, load_network

        return M2M100Model(load_network(folder)).eval()

    @classmethod
    def rebuild(cls, folder: Path) -> "M2M100Model":
        """Build the model that a folder's `config.json` describes, with random parameters, for what extends it.

        Raises:
            CheckpointError: If the file is missing, damaged, or of another kind of model.
        """
        from catscale.model.m2m100_model import M2M100Model, new_network

        return M2M100Model(new_network(folder))
