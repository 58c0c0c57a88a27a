"""Puts the parts of a run together from its configuration and its data, for every command that needs them."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from catscale.analysis.analyzer import Analyzer
from catscale.balancing import TaskBalancer
from catscale.balancing.engine.optional_members import fill_from_data
from catscale.data.batching import Batch
from catscale.data.direction import Direction, list_old
from catscale.data.store.store import Pairs, Store
from catscale.distributed.processes import Processes
from catscale.distributed.sharding import choose_gathered, shard
from catscale.errors import DataError
from catscale.evaluation.config import group_by_resource
from catscale.evaluation.decoding.huggingface import saved_search
from catscale.model.contract import TranslationModel
from catscale.model.likelihood import Objective
from catscale.model.limits import TRAINING_BYTES
from catscale.model.memory import check_memory
from catscale.model.sharded import check_sharding
from catscale.run.compiling import agree_on_compiling
from catscale.run.config import RunConfig
from catscale.run.precision import agree_on_precision
from catscale.sampling import Sampler
from catscale.system.console.messages import Say
from catscale.training.beginning import FROM_NOTHING, Beginning
from catscale.training.config import TrainingConfig
from catscale.training.dev_scores import DevScores
from catscale.training.pass_trial import PassTrial
from catscale.training.sample_batches import draw_batches
from catscale.training.setup import TrainingSetup
from catscale.training.stream import MixtureStream, count_tokens


@dataclass(frozen=True)
class Assembly:
    """Makes the parts of one run.

    Attributes:
        config: The configuration of the run.
        store: Its data, prepared.
        only: The direction that is trained alone; None for all of the data.
        beginning: The stages that went before the training, and the model that it begins with.
    """

    config: RunConfig
    store: Store
    only: Direction | None = None
    beginning: Beginning = FROM_NOTHING

    @property
    def own_training(self) -> TrainingConfig:
        """The settings of the loop, whose steps are those after the beginning."""
        training = self.config.training
        return training.model_copy(update={"max_steps": training.max_steps - self.beginning.steps})

    @property
    def directions(self) -> list[Direction]:
        """The directions that are trained."""
        return list(self.store.directions) if self.only is None else [self.only]

    @cached_property
    def tasks(self) -> dict[Direction, Pairs]:
        """Training pairs by direction."""
        return {direction: self.store.split("train", direction) for direction in self.directions}

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Numbers of training pairs by direction."""
        return {str(direction): len(pairs) for direction, pairs in self.tasks.items()}

    @cached_property
    def train_tokens(self) -> dict[str, int]:
        """Target tokens of the training pairs by direction, the end of each sentence included."""
        return {str(direction): count_tokens(pairs) for direction, pairs in self.tasks.items()}

    @cached_property
    def validation(self) -> dict[Direction, Pairs]:
        """Return the dev split of every direction that has one.

        Raises:
            DataError: If none has.
        """
        store = self.store
        found = {d: store.split("dev", d) for d in self.directions if store.has_split("dev", d)}
        if not found:
            raise DataError("no direction has a dev split, which chooses the best model; add one, or set data.holdout")
        return found

    def build_model(self, device: torch.device) -> TranslationModel:
        """Build the model, its weights drawn anew, on a device.

        Raises:
            ConfigError: If there is no memory for it.
        """
        config, vocabulary = self.config, self.store.vocabulary
        if device.type == "cpu" and not config.training.sharded:
            average = config.training.average
            for_each = TRAINING_BYTES + (0 if average is None else average.bytes_per_parameter)
            parameters = config.model.count_parameters(vocabulary.size, list(self.tasks))
            check_memory(parameters, for_each, config.model.count_frozen(vocabulary.size))
        model = config.model.build(vocabulary, list(self.tasks), config.training.seed).to(device)
        model.keep_search(saved_search(config.evaluation, vocabulary))
        return model

    def build_stream(self, device: str = "cpu") -> MixtureStream:
        """Build the stream of sub-batches, with the sampler that they are drawn by, at their start.

        Args:
            device: The kind of device that they are made for.
        """
        training = self.config.training
        lengths = {task: self.train_tokens[task] / size for task, size in self.sizes.items()}
        sampling = self.config.sampling.for_data(lengths, training.step_tokens)
        sampler = Sampler(sampling, self.sizes, list(map(str, list_old(self.tasks, self.config.model.added_languages))))
        each = sampling.tokens_of_each(len(self.tasks), training.batch_tokens)
        sizes = training.sub_batches, training.pass_tokens
        multiple = training.multiple_on(device)
        return MixtureStream(self.tasks, sampler, self.store.vocabulary, *sizes, training.seed, each, multiple)

    def draw_samples(self, tokens: int, count: int) -> list[Batch]:
        """Draw sub-batches of the largest task to try something with; the stream stays as it is.

        Args:
            tokens: Target positions of each, at most.
            count: The number of sub-batches; where the task has fewer, some come again.
        """
        direction, pairs = max(self.tasks.items(), key=lambda item: len(item[1]))
        rng = np.random.default_rng(0)
        drawn = draw_batches(direction, pairs, self.store.vocabulary, count * tokens, tokens, rng)
        return [drawn[number % len(drawn)] for number in range(count)]

    def build_balancer(self, model: TranslationModel, objective: Objective | None = None) -> TaskBalancer:
        """Build the balancer over a model's parameters, at its start.

        Args:
            model: The model of the run.
            objective: The function called for a loss where several processes add theirs up.
        """
        return TaskBalancer(
            fill_from_data(self.config.balancing, self.sizes),
            self.sizes,
            model.compared_parameters(list(self.tasks)),
            groups=model.parameter_groups(),
            low_memory=self.config.training.low_memory,
            module=objective,
            across_ranks="sum",
        )

    def build_analyzer(self, model: TranslationModel) -> Analyzer:
        """Build what measures the loss landscape of a model.

        Raises:
            ConfigError: If the settings of the analysis do not fit the data or the model.
        """
        config = self.config
        pairs = self.tasks if config.analysis.split == "train" else self.validation
        groups = group_by_resource(self.sizes, config.evaluation)
        return Analyzer(config.analysis, model, pairs, self.store.vocabulary, groups, config.training.seed)

    def build_setup(self, folder: Path, processes: Processes, say: Say) -> TrainingSetup:
        """Put together what a run trains with.

        Args:
            folder: The run's.
            processes: The processes that train together.
            say: Receives plain lines.

        Raises:
            CatscaleError: If a setting fits neither the others, nor the data, nor the machine.
        """
        config, training, vocabulary = self.config, self.config.training, self.store.vocabulary
        sharded = training.sharded and processes.size > 1
        stream, model = self.build_stream(processes.device.type), self.build_model(processes.device)
        precision = agree_on_precision(training, model, self.draw_samples, folder, processes)
        objective = Objective(model)
        if sharded:
            check_sharding(model, self.tasks)
            gathered = choose_gathered(precision.dtype, processes.device)
            shard(objective, model.layers(), processes, gathered, training.reshard_after_forward)
        if training.gradient_checkpointing:
            model.compute_twice()
        trial = PassTrial(model, self.draw_samples(training.pass_tokens, 1)[0], precision.dtype)
        is_possible = config.model.has_plain_layers and not sharded and training.repeated_dropout is None
        scores = None
        if training.validate_bleu is not None:
            scores = DevScores(
                training.validate_bleu, config.evaluation, self.validation, vocabulary, processes, sharded
            )
        return TrainingSetup(
            config=training,
            optimizer=config.optimizer,
            model=model,
            objective=objective,
            balancer=self.build_balancer(model, objective),
            stream=stream,
            validation=self.validation,
            vocabulary=vocabulary,
            folder=folder,
            processes=processes,
            precision=precision,
            compiling=agree_on_compiling(training, is_possible, trial, folder, processes),
            analyzer=None if config.analysis.every is None else self.build_analyzer(model),
            scores=scores,
            confirm=self.store.confirm,
            has_base=config.model.has_base,
            say=say,
            beginning=self.beginning,
        )
