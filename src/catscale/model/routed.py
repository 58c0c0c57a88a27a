"""Settings of routing (CLSR): blocks choose, token by token, between shared and language-specific projections."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from catscale.data.direction import Direction, LanguageCode
from catscale.model import limits
from catscale.model.contract import TranslationModel
from catscale.model.extension import ModelExtension
from catscale.model.m2m100 import M2M100
from catscale.model.saved_config import ROUTED, SavedConfig, read_description
from catscale.model.saved_tensors import restore_tensors
from catscale.model.transformer import Transformer
from catscale.settings import Settings
from catscale.vocabulary.contract import Vocabulary

NOTE = (
    "note: a model with routing needs catscale to translate: its gates are no part of a plain model, so that "
    "`catscale export` will refuse it"
)
"""Said before training."""
GateWidth = Annotated[int, Field(ge=1, le=limits.WIDTH)]
Rank = Annotated[int, Field(ge=1, le=4096)]
Decides = Literal["target", "source"]


class RoutedDescription(SavedConfig):
    """The content of `config.json` beside the description of a plain model."""

    languages: Annotated[list[LanguageCode], Field(min_length=1, max_length=limits.LANGUAGES)]
    language: Decides
    gate_width: GateWidth
    rank: Rank | None


class GateSettings(Settings):
    """Gates between what all languages share and what is a language's own.

    Attributes:
        budget: The share of the tokens, over all blocks, that is to take the language's own projections.
        language: The language whose projections a direction takes: its `target`, for one language into many, or
            its `source`.
        gate_width: Hidden units of a gate.
        gate_start: The score of every gate before training; below 0, all is shared.
        noise: Standard deviation of the noise on scores at the end of the training, to which it grows from 0.
    """

    budget: float = Field(default=0.3, ge=0, le=1)
    language: Decides = "target"
    gate_width: GateWidth = 128
    gate_start: float = Field(default=-2.0, ge=-20, le=20)
    noise: float = Field(default=5.0, ge=0, le=100)

    @property
    def follows_length(self) -> bool:
        """Whether training follows the length of the run: the noise of the gates does."""
        return self.noise > 0

    def route(self, base: Any, directions: Sequence[Direction], rank: int | None = None) -> TranslationModel:
        """Put gates, and the projections of the directions' languages, into a plain model, changed in its place."""
        from catscale.model.routed_model import RoutedModel, RoutingForm

        form = RoutingForm(self.list_languages(directions), self.language, self.gate_width, rank)
        return RoutedModel(base, form, self.gate_start, self.budget, self.noise)

    def list_languages(self, directions: Sequence[Direction]) -> list[str]:
        """List the languages that have projections."""
        return sorted({getattr(direction, self.language) for direction in directions})

    def count_added(self, sizes: Mapping[str, Any], languages: int, rank: int | None = None) -> int:
        """Count the parameters beside the plain model's.

        A gate has (d + 2) h + 1, a feed-forward block gets d² + d, and a language d² per side, or 2 d r.

        Args:
            sizes: The plain model's by the names of `transformers.M2M100Config`.
            languages: The number of languages with projections.
            rank: r; None for whole matrices.
        """
        width, encoder, decoder = (int(sizes[name]) for name in ("d_model", "encoder_layers", "decoder_layers"))
        gates = (2 * encoder + 3 * decoder) * ((width + 2) * self.gate_width + 1)
        own = width * width if rank is None else 2 * width * rank
        return gates + (encoder + decoder) * (width * width + width) + 2 * languages * own


class LowRankRouting(GateSettings, ModelExtension):
    """Gates over a pre-trained model, whose languages add a product of two small matrices to the shared projection.

    Attributes:
        rank: The rank of what a language adds.
    """

    kind: ClassVar[str] = ROUTED
    warning: ClassVar[str] = NOTE

    rank: Rank = 16

    def extend(self, base: Any, directions: Sequence[Direction]) -> TranslationModel:
        """Put gates and low-rank projections into a plain model, as `ModelExtension.extend`."""
        return self.route(base, directions, self.rank)

    def count_extension(self, sizes: Mapping[str, Any], directions: Sequence[Direction]) -> int:
        """Count gates and projections, as `GateSettings.count_added`."""
        return self.count_added(sizes, len(self.list_languages(directions)), self.rank)


class Routed(GateSettings, Transformer):
    """A Transformer whose blocks choose, for each token, between a shared projection and the language's own (CLSR).

    Such a model needs catscale: gates cannot be folded into a plain model, so that it is not exported. Source: Zhang,
    Bapna, Sennrich and Firat, ICLR 2021.

    Attributes:
        architecture: Names this kind of model.
    """

    architecture: Literal["routed"] = "routed"

    def build(self, vocabulary: Vocabulary, directions: Sequence[Direction], seed: int) -> TranslationModel:
        """Build a model that begins with what is shared, as `Architecture.build`."""
        plain = M2M100.of_sizes(self)
        return self.route(plain.build_plain(vocabulary, seed), directions)

    @property
    def note(self) -> str | None:
        """The line that says that the model is not exported."""
        return NOTE

    @classmethod
    def load(cls, folder: Path) -> TranslationModel:
        """Read a saved model, with whole or low-rank projections, as `Architecture.load`."""
        from catscale.model.routed_model import RoutedModel, RoutingForm

        read = read_description(folder, RoutedDescription)
        form = RoutingForm(read.languages, read.language, read.gate_width, read.rank)
        model = RoutedModel(M2M100.rebuild(folder), form)
        restore_tensors(folder, model)
        return model.eval()

    def count_parameters(self, vocabulary: int, directions: Sequence[Direction]) -> int:
        """Count the plain model's, gates and added projections, and those of each language."""
        added = self.count_added(self.sizes(), len(self.list_languages(directions)))
        return super().count_parameters(vocabulary, directions) + added
