"""Settings of sub-networks (LaSS): each direction uses the part of the model that it needs most."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from catscale.data.direction import Direction, check_direction
from catscale.errors import ConfigError
from catscale.model import limits
from catscale.model.contract import TranslationModel
from catscale.model.m2m100 import M2M100
from catscale.model.saved_config import SavedConfig, read_description
from catscale.model.saved_tensors import restore_tensors
from catscale.model.staged import Stage, Staged
from catscale.model.transformer import Transformer
from catscale.vocabulary.contract import Vocabulary

PLAIN_STAGE = "plain"
PrunedShare = Annotated[float, Field(ge=0, lt=1)]


class SubnetworksDescription(SavedConfig):
    """The content of `config.json` beside the description of a plain model."""

    directions: Annotated[
        list[Annotated[str, AfterValidator(check_direction)]], Field(min_length=1, max_length=limits.LANGUAGES)
    ]
    rate: PrunedShare


class Subnetworks(Staged, Transformer):
    """A Transformer in which each direction uses its own part of every matrix (LaSS).

    A plain model is trained, and fine-tuned on each direction by itself; what is smallest in a fine-tuned matrix is no
    part of the direction's sub-network; the plain model is then trained on, each direction within its own. Source: Lin,
    Wu, Wang and Li, ACL 2021.

    Attributes:
        architecture: Names this kind of model.
        rate: The share of each matrix that a sub-network leaves out.
        plain_share: The share of `training.max_steps` that trains the plain model.
        fine_tune_share: The share that fine-tunes it, over all directions together; sub-networks have the rest.
        fine_tune_dropout: Dropout of fine-tuning, in place of `dropout`.
    """

    architecture: Literal["subnetworks"] = "subnetworks"
    rate: PrunedShare = 0.3
    plain_share: float = Field(default=0.4, gt=0, lt=1)
    fine_tune_share: float = Field(default=0.2, gt=0, lt=1)
    fine_tune_dropout: float = Field(default=0.3, ge=0, lt=1)

    @model_validator(mode="after")
    def _check_shares(self) -> Self:
        if self.plain_share + self.fine_tune_share >= 1:
            raise ValueError(
                "model.plain_share and model.fine_tune_share leave a share of the training to sub-networks, and are "
                f"below 1 together, found {self.plain_share:g} and {self.fine_tune_share:g}; lower one"
            )
        return self

    def stages(self, directions: Sequence[Direction], steps: int) -> list[Stage]:
        """List the training of the plain model and its fine-tuning on each direction, as `Staged.stages`."""
        first, tuning, number = round(self.plain_share * steps), round(self.fine_tune_share * steps), len(directions)
        if first < 1 or tuning < number or first + tuning >= steps:
            raise ConfigError(
                f"training.max_steps {steps:,} are too few for the stages of subnetworks, found {first:,} of the plain "
                f"model, {tuning:,} of fine-tuning in {number} directions, {steps - first - tuning:,} of sub-networks, "
                "and each needs one at least; raise training.max_steps, or change model.plain_share and "
                "model.fine_tune_share"
            )
        plain = M2M100.of_sizes(self)
        tuned = plain.model_copy(update={"dropout": self.fine_tune_dropout})
        each, more = divmod(tuning, number)
        return [
            Stage(PLAIN_STAGE, plain, first),
            *(
                Stage(str(direction), tuned, each + (place < more), direction, PLAIN_STAGE)
                for place, direction in enumerate(sorted(directions))
            ),
        ]

    def begin(self, models: Mapping[str, Path], directions: Sequence[Direction]) -> TranslationModel:
        """Make the plain model of the first stage with the masks of the others, as `Staged.begin`."""
        from catscale.model.subnetworks_model import SubnetworksModel

        model = SubnetworksModel(M2M100.load_plain(models[PLAIN_STAGE]), directions, self.rate)
        for direction in directions:
            model.prune(direction, M2M100.load_plain(models[str(direction)]))
        return model

    def build(self, vocabulary: Vocabulary, directions: Sequence[Direction], seed: int) -> TranslationModel:
        """Build a model whose sub-networks are all of it, as `Architecture.build`."""
        from catscale.model.subnetworks_model import SubnetworksModel

        base = M2M100.of_sizes(self).build_plain(vocabulary, seed)
        return SubnetworksModel(base, directions, self.rate)

    @classmethod
    def load(cls, folder: Path) -> TranslationModel:
        """Read a saved model, as `Architecture.load`."""
        from catscale.model.subnetworks_model import SubnetworksModel

        described = read_description(folder, SubnetworksDescription)
        directions = [Direction.parse(name) for name in described.directions]
        model = SubnetworksModel(M2M100.rebuild(folder), directions, described.rate)
        restore_tensors(folder, model)
        return model.eval()
