"""The contract between a translation model and everything that trains, measures and decodes one.

An `Architecture` is a frozen group of settings: it builds a model, reads one back, and says what can decode it. A
`TranslationModel` is the module that it builds. Nothing outside of this wing knows a model's class or attributes.

Most parameters are shared by all directions; a model may have parameters that belong to some of them, such as an
adapter for each target language. Only shared ones are compared by a balancing method.

Legend: B sentences, M predicted tokens, W width, V vocabulary.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor
from torch.nn import Module, Parameter

from catscale.data.batching import Batch
from catscale.data.direction import Direction
from catscale.model.saved_config import write_description
from catscale.model.saved_tensors import save_tensors
from catscale.model.split_table import score_states
from catscale.settings import Settings
from catscale.vocabulary.contract import Vocabulary


@dataclass(frozen=True)
class Prediction:
    """The predictions of a model for a batch.

    Attributes:
        output: (M, V) logits of the predicted positions; where there are tables, (M, W) states from which they follow.
        labels: (M,) int64, what stands there.
        regulariser: () an extra loss in nats per target token, with its graph; None for none, and in evaluation mode.
        tables: The (V_i, W) matrices whose products with the states are the logits, one's beside the other's, where
            the output layer is nothing else: losses then need not hold all logits at once. None where it is more.
    """

    output: Tensor
    labels: Tensor
    regulariser: Tensor | None = None
    tables: tuple[Tensor, ...] = ()

    @property
    def logits(self) -> Tensor:
        """The (M, V) logits, computed here from states."""
        return score_states(self.output, self.tables) if self.tables else self.output

    def with_logits(self, logits: Tensor) -> "Prediction":
        """Return a copy with other (M, V) logits, for models that change those of another one."""
        return replace(self, output=logits, tables=())


class TranslationModel(Module, ABC):
    """A model that translates (see the module's docstring)."""

    @abstractmethod
    def predict(self, batch: Batch) -> Prediction:
        """Predict the target tokens of a batch, each from the source and the tokens before it.

        Args:
            batch: On the model's device; its direction says which language-specific parameters take part.
        """

    @abstractmethod
    def layers(self) -> Sequence[Module]:
        """List the modules that are gathered and freed one by one where a model is sharded."""

    @abstractmethod
    def parameter_groups(self) -> dict[str, list[Parameter]]:
        """Group the trainable shared parameters by layer, the last that all directions share at the end.

        Returns:
            Name → parameters, at least one each; methods that balance by group tell these apart.
        """

    @abstractmethod
    def module_groups(self) -> dict[str, list[Parameter]]:
        """Group trainable shared parameters by kind of module, for the analysis; not all need be in a group."""

    @abstractmethod
    def generator(self, direction: Direction) -> Any:
        """Return the model as the `generate` of transformers knows one, set to translate a direction.

        Raises:
            ConfigError: If it does not translate the direction.
        """

    @property
    @abstractmethod
    def positions(self) -> int:
        """Positions that the model has, on either side."""

    @abstractmethod
    def description(self) -> dict[str, Any]:
        """Describe the model for its folder's `config.json`, whose `architecture` is a row of the table or `m2m100`."""

    @property
    def device(self) -> torch.device:
        """The device of the parameters."""
        return next(self.parameters()).device

    def shared_parameters(self) -> list[Parameter]:
        """List the trainable parameters that all directions use: what a balancing method compares."""
        return [parameter for parameter in self.parameters() if parameter.requires_grad]

    def own_parameters(self, direction: Direction) -> list[Parameter]:
        """List the trainable parameters that a direction uses and others do not."""
        return []

    def compared_parameters(self, directions: Sequence[Direction]) -> list[Parameter]:
        """List what a balancing method compares: the shared parameters; all own ones where none is shared.

        Args:
            directions: The tasks.
        """
        own = (parameter for direction in directions for parameter in self.own_parameters(direction))
        return self.shared_parameters() or list({id(parameter): parameter for parameter in own}.values())

    def at_step(self, step: int, steps: int) -> None:
        """Get ready for an update: gates and temperatures of training follow its number, and nothing else does.

        Args:
            step: Number of the coming update, the first of which is 1.
            steps: Updates of the whole training.
        """

    def keep_search(self, search: Mapping[str, Any]) -> None:
        """Have `save` note how to search, for the `generate` of transformers outside of catscale.

        Args:
            search: Arguments of `transformers.GenerationConfig`.
        """

    @property
    def stored(self) -> Module:
        """The module whose tensors `model.safetensors` holds, under their names in it."""
        return self

    def save(self, folder: Path, tensors: Mapping[str, Tensor] | None = None) -> None:
        """Write `model.safetensors` and `config.json`.

        Args:
            folder: Exists.
            tensors: The state of `stored`, where the model itself holds parts of it; None for its own.
        """
        save_tensors(folder, self.stored, tensors)
        write_description(folder, self.description())

    mixes_directions: ClassVar[bool] = False
    """Whether `predict` reads nothing of a batch's direction: sentences of several may then share a batch."""
    casts_layers: ClassVar[bool] = False
    """Whether mixed precision may hand the linear modules of `layers` casts of their parameters: nothing else reads
    these, and no two modules share one. A class that derives from one must say so itself."""

    def compute_twice(self) -> None:
        """Have layers computed again in the backward pass of training, where the architecture `has_plain_layers`."""
        raise NotImplementedError

    has_parts_to_merge: ClassVar[bool] = False
    """Whether the best model is saved otherwise than a checkpoint's: with parts merged that are trained apart."""

    def save_best(self, folder: Path, tensors: Mapping[str, Tensor] | None = None) -> None:
        """Write the model as it is used after training, as `save` does a checkpoint's."""
        self.save(folder, tensors)

    def save_best_of(self, checkpoint: Path, folder: Path) -> None:
        """Write what `save_best` would have written when a checkpoint was made; for models that merge parts.

        Args:
            checkpoint: A folder that `save` wrote.
            folder: Exists.
        """
        raise NotImplementedError

    def added_parameters(self) -> list[Parameter]:
        """List the parameters that a plain model with the same folder lacks, and that are trained in any case."""
        return []

    def describe_use(self) -> dict[str, Any]:
        """Describe which parts each language uses, for the record of a validation; nothing where all use all.

        Returns:
            `usage`: language → part → its share from 0 to 1; an architecture may add other numbers.
        """
        return {}

    def plain(self, direction: Direction) -> "TranslationModel | None":
        """Make the plain m2m100 model that translates a direction as this one does, for export; None for none."""
        return None


class Architecture(Settings, ABC):
    """Settings of a kind of model; a subclass adds `architecture: Literal["NAME"] = "NAME"`."""

    decoders: ClassVar[Sequence[str]] = ("huggingface",)
    """Names of the backends of beam search that can run its saved models, the preferred one first."""

    @abstractmethod
    def build(self, vocabulary: Vocabulary, directions: Sequence[Direction], seed: int) -> TranslationModel:
        """Build a model as it is before training.

        Args:
            vocabulary: Gives the number of embeddings and the control tokens.
            directions: The tasks that it is trained on.
            seed: Decides the parameters that are drawn.

        Raises:
            ConfigError: If there is no memory for the model.
        """

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> TranslationModel:
        """Read a model that `save` wrote, in evaluation mode, float32; nothing in the folder is executed or unpickled.

        Raises:
            CheckpointError: If the folder holds no such model, or not all of its tensors.
        """

    @abstractmethod
    def count_parameters(self, vocabulary: int, directions: Sequence[Direction]) -> int:
        """Count the parameters before there is a model, tied ones once.

        Args:
            vocabulary: Number of embeddings.
            directions: The tasks that it is trained on; none where they are not known yet.
        """

    @property
    def note(self) -> str | None:
        """A line that a user should read before training; None for none."""
        return None

    def count_frozen(self, vocabulary: int) -> int:
        """Count the parameters that are known to be held fixed, which need neither gradients nor an optimiser's state.

        Args:
            vocabulary: Number of embeddings.
        """
        return 0

    @property
    def has_plain_layers(self) -> bool:
        """Whether layers read nothing that `predict` sets for its time, and can be compiled or computed again."""
        return False

    @property
    def follows_length(self) -> bool:
        """Whether training follows the share of `training.max_steps` that is done, which a run then keeps."""
        return False

    @property
    def saved_as(self) -> str | None:
        """The architecture that a saved model's folder names, where it is another one."""
        return None

    @property
    def is_drawn(self) -> bool:
        """Whether the seed decides the parameters at the start."""
        return True

    def hold_fixed(self, model: TranslationModel) -> TranslationModel:
        """Hold fixed what the settings do not train, in a model that was built or loaded, and return it."""
        return model

    def check(self) -> None:
        """Refuse what a model cannot be built from, such as another model's folder, before any data are prepared.

        Raises:
            CatscaleError: If it is missing or of another kind.
        """

    def describe_base(self) -> dict[str, Any] | None:
        """Describe the model that this one starts from, for the record of a run: its folder, and a fingerprint that
        tells whether it has changed since; None where all parameters are drawn."""
        return None

    @property
    def has_base(self) -> bool:
        """Whether the model starts from another one."""
        return False

    @property
    def added_languages(self) -> frozenset[str]:
        """The languages, in the data's codes, that the model which this one starts from does not know; empty where all
        parameters are drawn."""
        return frozenset()

    def imply_vocabulary(self) -> dict[str, Any]:
        """Return what the model's settings say of the section `vocabulary`; nothing where any vocabulary will do."""
        return {}

    def with_absolute_path(self) -> Self:
        """Return the same settings with absolute paths, so that they mean the same from another folder."""
        return self
