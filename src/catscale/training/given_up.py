"""The watch for directions that a run gives up: weights that fall while the direction gets worse.

A balancing method or a sampler that moves weight to where it costs least may take all of it from one direction, whose
loss then rises, which no bound on the sum of weights notices.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catscale.errors import DivergedError
from catscale.system.console.messages import Say
from catscale.training.objective_weights import objective_weights
from catscale.training.setup import TrainingSetup
from catscale.training.state import Progress

FALL, RISE = 0.2, 0.1
"""A direction is given up whose share of the objective is below this part of its first one, and whose validation NLL
stands this many nats per token above its lowest."""
ADVICE = (
    "raise the floor of the weights (balancing.alpha_floor, sampling.floor) or lower their rate, or choose a method "
    "whose objective no task leaves"
)


@dataclass(frozen=True)
class GivenUp:
    """A direction that a run has given up.

    Attributes:
        task: The name of the direction.
        share: The share of the objective.
        first: The share before training.
        nll: The validation NLL, nats per target token.
        lowest: The lowest validation NLL so far.
    """

    task: str
    share: float
    first: float
    nll: float
    lowest: float

    def __str__(self) -> str:
        """Name it, with what tells so."""
        return (
            f"{self.task}, which has {self.share:.2%} of the objective ({self.first:.2%} at first) and a validation "
            f"nll of {self.nll:.3f} ({self.lowest:.3f} at best)"
        )


class GivenUpWatch:
    """Looks at each validation for directions that the weights have left and that get worse.

    Args:
        setup: The run's parts, before its first step.
    """

    def __init__(self, setup: TrainingSetup) -> None:
        self.balancer, self.stream = setup.balancer, setup.stream
        self.may_go_on = setup.config.on_given_up == "warn"
        self.first = self._share_out(1)

    def _share_out(self, step: int) -> dict[str, float]:
        """Return each direction's share of the objective of a step; none where weights are not known before it."""
        weights = objective_weights(self.balancer, self.stream, step) or {}
        total = sum(weights.values())
        return {task: weight / total for task, weight in weights.items()} if total > 0 else {}

    def look(self, progress: Progress, nll: Mapping[str, float]) -> list[GivenUp]:
        """Return the directions that are given up, and note the lowest NLL of each.

        Args:
            progress: The position of the run.
            nll: Validation NLL by direction, nats per target token.
        """
        shares, lowest = self._share_out(progress.update + 1), progress.lowest
        found = [
            GivenUp(task, shares[task], self.first[task], value, lowest[task])
            for task, value in nll.items()
            if task in shares and shares[task] < FALL * self.first[task] and value > lowest.get(task, value) + RISE
        ]
        progress.note_lowest(nll)
        return found

    def tell(self, step: int, found: Sequence[GivenUp], say: Say) -> None:
        """Say which directions are given up.

        Args:
            step: The present one.
            found: The directions that `look` returned.
            say: Receives the line.

        Raises:
            DivergedError: If there are some, and that is not allowed.
        """
        if not found:
            return
        text = f"step {step}: the weights have given up {'; '.join(map(str, found))}; {ADVICE}"
        if not self.may_go_on:
            raise DivergedError(
                f"{text}, or set training.on_given_up: warn to go on; the last good checkpoint is kept",
                "weights",
                found[0].task,
            )
        say(f"warning: {text}")
