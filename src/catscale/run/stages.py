"""A training in stages: each an ordinary run below the run's own folder, which goes on where it was interrupted.

RUN/stages/plan.json    the length of all stages together, and what those that are done have spent
RUN/stages/NAME/        a stage's run
RUN/stages/begin/       the model that the run's own training begins with
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field

from catscale.data.direction import Direction
from catscale.data.store.store import Store
from catscale.distributed.processes import Processes
from catscale.errors import CheckpointError, ConfigError, DataError
from catscale.model.staged import Stage, Staged
from catscale.run.assembly import Assembly
from catscale.run.config import RunConfig
from catscale.run.folder.best import best_folder
from catscale.run.stage_course import configure_rest, configure_stage
from catscale.system.console.messages import Say
from catscale.system.console.numbers import count_things, name_some
from catscale.system.reading.json_file import read_json
from catscale.system.reading.schema import Count, FileSchema, NotNegative, Text
from catscale.system.writing.files import make_own_folder, new_folder, user_errors, write_json
from catscale.system.writing.manifest import find_damage, write_manifest
from catscale.training.beginning import FROM_NOTHING, Beginning
from catscale.training.checkpointing.checkpoint import list_checkpoints
from catscale.training.state import Progress

FOLDER, PLAN, BEGIN = "stages", "plan.json", "begin"
NAMED = 4
"""Stages of one direction that a line names."""
AGAIN = "train again in a new folder"


class Spent(FileSchema):
    """The cost of a stage that is done."""

    steps: Count
    tokens: Count
    seconds: NotNegative


class StagePlan(FileSchema):
    """`plan.json`."""

    max_steps: Count
    done: Annotated[dict[Text, Spent], Field(max_length=20_000)]


TrainStage = Callable[[RunConfig, Path, Beginning, Direction | None], Progress]
"""Trains a stage: its configuration, folder and beginning, and the direction that it trains alone."""


@dataclass(frozen=True)
class StagedTraining:
    """The stages before a run's own training.

    Attributes:
        config: The configuration of the run, whose model is staged.
        store: Its data.
        folder: Its folder.
    """

    config: RunConfig
    store: Store
    folder: Path

    @cached_property
    def stages(self) -> list[Stage]:
        """The stages, in their order.

        Raises:
            ConfigError: If there are too few steps for them.
            DataError: If a direction that is trained alone has no dev split.
        """
        model = self.config.model
        found = model.stages(self.store.directions, self.config.training.max_steps) if isinstance(model, Staged) else []
        alone = [stage.direction for stage in found if stage.direction is not None]
        if lacking := [str(direction) for direction in alone if not self.store.has_split("dev", direction)]:
            raise DataError(
                f"each direction is trained alone for a while, and its dev split chooses the best model; "
                f"{name_some(lacking, NAMED)} have none: add one, or set data.holdout"
            )
        return found

    @property
    def before(self) -> int:
        """Steps of all of them."""
        return sum(stage.steps for stage in self.stages)

    @property
    def beginning(self) -> Beginning:
        """The steps before the run's own training."""
        return Beginning(steps=self.before)

    def describe(self) -> str:
        """Describe the plan and its cost in a line."""
        training = self.config.training
        parts = [f"{stage.name} {stage.steps:,}" for stage in self.stages]
        rest, tokens = training.max_steps - self.before, training.max_steps * training.step_tokens
        return (
            f"plan: {name_some(parts, NAMED + 1)}, then {rest:,} of the run's own training: "
            f"{count_things(training.max_steps, 'step')} and {tokens:,} target tokens in all"
        )

    def carry_out(self, train: TrainStage, processes: Processes, say: Say) -> Beginning:
        """Carry out what is not done of the stages.

        Args:
            train: Trains a stage, or goes on with it.
            processes: The processes that train together.
            say: Receives plain lines.

        Returns:
            What the run's own training begins with; without a model where it has a checkpoint.

        Raises:
            CatscaleError: If the user made a mistake, or training is interrupted or diverges.
        """
        plan = self._read()
        if list_checkpoints(self.folder / "checkpoints"):
            return self.beginning
        done = dict(plan.done)
        for number, stage in enumerate(self.stages, 1):
            if stage.name in done:
                continue
            say(f"stage {number} of {len(self.stages) + 1}: {stage.name}, {count_things(stage.steps, 'step')}")
            start = FROM_NOTHING if stage.after is None else Beginning(self._best(stage.after))
            ended = train(configure_stage(self.config, stage), self._place(stage.name), start, stage.direction)
            done[stage.name] = Spent(steps=ended.step, tokens=ended.tokens, seconds=ended.seconds)
            if processes.is_first:
                self._write(done)
            processes.wait()
        if processes.is_first and find_damage(self._place(BEGIN), ("model.safetensors",)) is not None:
            self._make_beginning()
        processes.wait()
        say(f"stage {len(self.stages) + 1} of {len(self.stages) + 1}: the run's own")
        spent = [done[stage.name] for stage in self.stages]
        tokens, seconds = sum(part.tokens for part in spent), sum(part.seconds for part in spent)
        return Beginning(self._place(BEGIN), self.before, tokens, seconds)

    def _make_beginning(self) -> None:
        """Write the model that the run's own training begins with, whole or not at all."""
        model = self.config.model
        if isinstance(model, Staged):
            made = model.begin({stage.name: self._best(stage.name) for stage in self.stages}, self.store.directions)
            with new_folder(self._place(BEGIN)) as temporary:
                made.save(temporary)
                write_manifest(temporary)

    def _best(self, name: str) -> Path:
        return best_folder(self._place(name))

    def _place(self, name: str) -> Path:
        return self.folder / FOLDER / name

    def _read(self) -> StagePlan:
        """Read what is done.

        Raises:
            ConfigError: If the stages were begun with another length.
            CheckpointError: If the file is damaged.
        """
        path, steps = self._place(PLAN), self.config.training.max_steps
        if not path.exists():
            return StagePlan(max_steps=steps, done={})
        plan = StagePlan.model_validate(read_json(path, StagePlan, CheckpointError, AGAIN))
        if plan.max_steps != steps:
            raise ConfigError(
                f"training.max_steps is divided among the stages of {self.folder}, which began with "
                f"{plan.max_steps:,}, found {steps:,}; set it back, or choose another folder with --out"
            )
        return plan

    def _write(self, done: dict[str, Spent]) -> None:
        """Note what is done."""
        with user_errors("make the folder", self.folder / FOLDER):
            make_own_folder(self.folder / FOLDER)
        content = StagePlan(max_steps=self.config.training.max_steps, done=done)
        write_json(self._place(PLAN), content.model_dump(mode="json"))


def assemble_rest(config: RunConfig, store: Store, folder: Path) -> Assembly:
    """Put together a run's own training, without the stages before it, where there are some.

    Args:
        config: The configuration of the run.
        store: Its data.
        folder: Its folder.
    """
    beginning = StagedTraining(config, store, folder).beginning
    return Assembly(configure_rest(config, beginning.steps), store, beginning=beginning)
