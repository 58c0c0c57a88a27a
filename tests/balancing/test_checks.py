"""Broken methods break the promise that they should; the suite would notice."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from catscale.balancing import Request, Signals, State
from catscale.balancing.checks import check_method
from catscale.settings import Settings
from tests.unchecked import unchecked


@dataclass(frozen=True)
class Running(State):
    losses: Tensor
    steps: int = 0


class Sound(Settings):
    """Weights by the running losses: keeps every promise."""

    losses: str = "tasks"

    @property
    def name(self) -> str:
        return "sound"

    def init(self, n_tasks: int) -> Running:
        return Running(torch.ones(n_tasks, dtype=torch.float64))

    def request(self, state: Running) -> Request:
        return Request("gramian")

    def weights(self, state: Running, task_ids: Tensor) -> Tensor | None:
        return state.losses[task_ids] + 1

    def step(self, state: Running, signals: Signals) -> tuple[Tensor, Running]:
        moved = 0.9 * state.losses[signals.task_ids] + 0.1 * signals.losses
        following = replace(state, losses=state.losses.index_copy(0, signals.task_ids, moved), steps=state.steps + 1)
        return self.weights(state, signals.task_ids), following

    def describe(self, state: Running) -> dict[str, Any]:
        return {"steps": state.steps}


class StateByRow(Sound):
    def step(self, state: Running, signals: Signals) -> tuple[Tensor, Running]:
        losses = state.losses.clone()
        losses[: len(signals.losses)] = signals.losses
        return self.weights(state, signals.task_ids), replace(state, losses=losses)


class WeightsByRow(Sound):
    def weights(self, state: Running, task_ids: Tensor) -> Tensor:
        return torch.arange(1, len(task_ids) + 1, dtype=torch.float64)


class WeightsById(Sound):
    def weights(self, state: Running, task_ids: Tensor) -> Tensor:
        return task_ids.double() + 1


class ForgetsAbsentTasks(Sound):
    def step(self, state: Running, signals: Signals) -> tuple[Tensor, Running]:
        weights, following = super().step(state, signals)
        return weights, replace(following, losses=following.losses * 0.999)


class StateInPlace(Sound):
    def step(self, state: Running, signals: Signals) -> tuple[Tensor, Running]:
        weights = self.weights(state, signals.task_ids)
        state.losses[signals.task_ids] = signals.losses
        return weights, state


class InputsInPlace(Sound):
    def step(self, state: Running, signals: Signals) -> tuple[Tensor, Running]:
        found = super().step(state, signals)
        signals.losses.clamp_(max=1)
        return found


class NotFinite(Sound):
    def weights(self, state: Running, task_ids: Tensor) -> None:
        return None

    def step(self, state: Running, signals: Signals) -> tuple[Tensor, Running]:
        return 1 / signals.gramian.diagonal(), state


class Negative(Sound):
    def weights(self, state: Running, task_ids: Tensor) -> Tensor:
        return 3 - state.losses[task_ids]


class AllZero(Sound):
    def weights(self, state: Running, task_ids: Tensor) -> Tensor:
        return torch.zeros(len(task_ids), dtype=torch.float64)


class SinglePrecision(Sound):
    def weights(self, state: Running, task_ids: Tensor) -> Tensor:
        return torch.ones(len(task_ids))


class WrongShape(Sound):
    def weights(self, state: Running, task_ids: Tensor) -> Tensor:
        return torch.ones(len(task_ids) + 1, dtype=torch.float64)


class NotAsAnnounced(Sound):
    def step(self, state: Running, signals: Signals) -> tuple[Tensor, Running]:
        weights, following = super().step(state, signals)
        return weights * 2, following


class DrawsFromTheGlobalGenerator(Sound):
    def weights(self, state: Running, task_ids: Tensor) -> None:
        return None

    def step(self, state: Running, signals: Signals) -> tuple[Tensor, Running]:
        torch.rand(1)
        return torch.ones(len(signals.task_ids), dtype=torch.float64), state


class HidesItsMemory(Sound):
    calls: ClassVar[list[int]] = []

    def weights(self, state: Running, task_ids: Tensor) -> None:
        return None

    def step(self, state: Running, signals: Signals) -> tuple[Tensor, Running]:
        self.calls.append(1)
        return torch.full((len(signals.losses),), float(len(self.calls)), dtype=torch.float64), state


class StateThatIsNoData(Sound):
    def init(self, n_tasks: int) -> Running:
        return Running(torch.ones(n_tasks, dtype=torch.float64), steps=unchecked((1, 2)))

    def step(self, state: Running, signals: Signals) -> tuple[Tensor, Running]:
        return self.weights(state, signals.task_ids), state


class LongerWithTheGradients(Sound):
    scale_of_weights: ClassVar[str] = "inverse"


class ScaleOfItsOwn(Sound):
    scale_of_weights: ClassVar[str] = "linear"


class NoLossesNamed(Sound):
    losses: str = "sentences"


class Forgetful(Sound):
    rate: float = 1.0

    def model_dump_json(self, **_: Any) -> str:
        return '{"rate": 2.0}'


class LooksAtLosses(Sound):
    """Its state follows losses that it claims not to read."""

    reads_losses: ClassVar[bool] = False

    def request(self, state: Running) -> Request:
        return Request()


class LooksAtFewLosses(LooksAtLosses):
    """Reads losses in steps that measure, which it may."""

    reads_losses: ClassVar[bool] = False

    def request(self, state: Running) -> Request:
        return Request("gramian") if state.steps % 2 else Request()

    def step(self, state: Running, signals: Signals) -> tuple[Tensor, Running]:
        if self.request(state).kind == "nothing":
            return self.weights(state, signals.task_ids), replace(state, steps=state.steps + 1)
        return super().step(state, signals)


BROKEN: dict[Callable[[], Any], str] = {
    StateByRow: "relabelling|order of rows|absent tasks",
    WeightsByRow: "relabelling|order of rows",
    WeightsById: "relabelling",
    ForgetsAbsentTasks: "absent tasks keep their state, but 'losses'",
    StateInPlace: "in place|absent|announced|same",
    InputsInPlace: "inputs are never changed in place|same inputs|relabelling|order",
    NotFinite: "finite on 'zero' inputs",
    Negative: "≥ 0 on",
    AllZero: "not all 0",
    SinglePrecision: "float64",
    WrongShape: "have the shape",
    NotAsAnnounced: "announced",
    DrawsFromTheGlobalGenerator: "global random generator",
    HidesItsMemory: "relabelling",
    StateThatIsNoData: "survive a checkpoint",
    LongerWithTheGradients: "weights are inverse of the gradients' scale",
    ScaleOfItsOwn: "'free' or 'inverse', found 'linear'",
    NoLossesNamed: "'tasks' or 'tokens', found 'sentences'",
    LooksAtLosses: "`reads_losses` is False, and losses of a step that measures nothing move weights or state",
    Forgetful: "settings survive JSON",
}


def test_a_sound_method_passes() -> None:
    check_method(Sound())
    check_method(LooksAtFewLosses())


@pytest.mark.parametrize("broken", BROKEN, ids=lambda method: method.__name__)
def test_a_broken_method_breaks_its_promise(broken: Callable[[], Any]) -> None:
    with pytest.raises(AssertionError, match=f"broken promise: .*({BROKEN[broken]})"):
        check_method(broken())
