"""Everything that a run trains with, as one value."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from torch.nn import Parameter

from catscale.analysis.analyzer import Analyzer
from catscale.balancing import TaskBalancer
from catscale.balancing.engine.optional_members import has_price, read_measures, read_statistics_batch
from catscale.data.direction import Direction
from catscale.data.store.sampled_pairs import take_part
from catscale.data.store.store import Pairs
from catscale.distributed.processes import Processes
from catscale.distributed.sharding import is_sharded
from catscale.errors import ConfigError
from catscale.model.contract import TranslationModel
from catscale.model.likelihood import Objective
from catscale.optimisation.contract import OptimizerSettings
from catscale.system.console.messages import Say
from catscale.system.console.messages import say as say_on_stderr
from catscale.training.beginning import FROM_NOTHING, Beginning
from catscale.training.compiling import NOT_COMPILED, Compiling
from catscale.training.config import TrainingConfig
from catscale.training.data_check import Confirm
from catscale.training.dev_scores import DevScores
from catscale.training.precision import Precision
from catscale.training.stream import MixtureStream
from catscale.vocabulary.contract import Vocabulary


@dataclass(frozen=True)
class TrainingSetup:
    """The parts of one run, put together before its first step.

    Attributes:
        config: Settings of the loop.
        optimizer: Moves the parameters, planned for the length of the training.
        model: On its device.
        objective: Gives the losses of a batch; where the model is sharded, the module that was.
        balancer: Over the stream's tasks and the model's parameters; it must add up losses over the processes
            (`across_ranks="sum"`).
        stream: Sub-batches of every step, and the sampler that they are drawn by.
        validation: Held-out pairs by direction.
        vocabulary: Saved with the model.
        folder: The run's folder, which exists.
        processes: The processes that train together.
        precision: The format that matrix products are computed in.
        compiling: Whether the model's layers are compiled.
        analyzer: Measures curvature and similarity when due; None for never.
        scores: Translates at each validation; None for never.
        confirm: Asked whether the data are whole, after each step and before a model is written; None for never.
        has_base: Whether the model starts from another one, which is then measured before the first step.
        say: Receives lines such as the warning of a damaged checkpoint.
        beginning: The stages that went before, and the model that it begins with.
    """

    config: TrainingConfig
    optimizer: OptimizerSettings
    model: TranslationModel
    objective: Objective
    balancer: TaskBalancer
    stream: MixtureStream
    validation: Mapping[Direction, Pairs]
    vocabulary: Vocabulary
    folder: Path
    processes: Processes
    precision: Precision
    compiling: Compiling = NOT_COMPILED
    analyzer: Analyzer | None = None
    scores: DevScores | None = None
    confirm: Confirm | None = None
    has_base: bool = False
    say: Say = say_on_stderr
    beginning: Beginning = FROM_NOTHING

    @cached_property
    def validated(self) -> dict[Direction, Pairs]:
        """The held-out pairs that a validation takes, by direction."""
        return take_part(self.validation, self.config.validate_sentences)

    def trainable_parameters(self) -> dict[str, Parameter]:
        """Return the parameters that are trained, by their names in `model.safetensors`, in the model's order; tied
        ones once."""
        return {name: parameter for name, parameter in self.model.stored.named_parameters() if parameter.requires_grad}

    def refuse_optimizer(self) -> None:
        """Refuse an optimiser that asks a step for what it cannot give.

        Raises:
            ConfigError: If it needs whole gradients of single tasks and they are not to be had, or a price of curvature
                and the balancing method has none.
        """
        optimizer, method = self.optimizer, self.balancer.method
        reasons = {
            "training.sharded: true, which splits them; set it to false": is_sharded(self.model),
            "training.low_memory: true, which holds none; set it to false": self.config.low_memory,
            "balancing.statistics_tokens, which measures others; leave it out": bool(read_statistics_batch(method)),
            f"balancing.method {method.name} as it is set, which looks at halves of them; choose another, or leave "
            "unbiased out": read_measures(method, self.balancer.request).halves,
        }
        if optimizer.takes_apart and any(reasons.values()):
            reason = next(text for text, holds in reasons.items() if holds)
            raise ConfigError(
                f"optimizer.method {optimizer.name} holds the whole gradients of single tasks, found {reason}, or take "
                "sam"
            )
        metric = read_measures(method, self.balancer.request).metric
        if optimizer.needs_price and metric != "euclidean":
            raise ConfigError(
                f"optimizer.method {optimizer.name} takes the price of a Euclidean curvature, found balancing.metric: "
                f"{metric}; set it to euclidean, or give optimizer.multiplier"
            )
        if optimizer.needs_price and not has_price(method):
            raise ConfigError(
                f"optimizer.method {optimizer.name} takes the price of curvature from the balancing method, found "
                f"{method.name}, which has none; set balancing.method to cats, or give optimizer.multiplier"
            )

    def refuse_whole_gradients(self) -> None:
        """Refuse what measures whole gradients, where the model is sharded.

        Raises:
            ConfigError: If the sampler or an analysis does.
        """
        if not is_sharded(self.model):
            return
        request = self.stream.sampler.request
        if request is not None and request.needs_passes:
            raise ConfigError(
                f"sampling.method {self.stream.sampler.method.name} measures whole gradients or predictions, and "
                "training.sharded splits them; set training.sharded to false, or choose another sampler"
            )
        if self.analyzer is not None:
            raise ConfigError(
                "analysis.every measures whole gradients, and training.sharded splits them; set analysis.every to "
                "null and run `catscale analyze` on the checkpoints, or training.sharded to false"
            )
