"""The knowledge of a training run about itself, beside parameters, optimiser and streams."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from catscale.training.averaging.places import KINDS


@dataclass
class Window:
    """Sums since the latest record of the training loss.

    Attributes:
        nll: Sum of NLL per task, nats.
        tokens: Target tokens per task.
        loss: Sum over steps of the objective Σ w_n L_n.
        steps: Steps in the window.
        seconds: Time of these steps.
    """

    nll: dict[str, float] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)
    loss: float = 0.0
    steps: int = 0
    seconds: float = 0.0

    def add(self, loss: float, nll: Mapping[str, float], tokens: Mapping[str, int], seconds: float) -> None:
        """Add a step: its objective, sums of NLL and tokens by task, and the time it took."""
        self.loss += loss
        self.steps += 1
        self.seconds += seconds
        for task in nll:
            self.nll[task] = self.nll.get(task, 0.0) + nll[task]
            self.tokens[task] = self.tokens.get(task, 0) + tokens[task]


@dataclass
class Skips:
    """The steps skipped because something was not finite, see `training.on_nonfinite`.

    Attributes:
        total: Steps, and moves of the sampler, of the whole run.
        steps: The latest steps in a row.
        rewards: The sampler's latest moves in a row.
    """

    total: int = 0
    steps: int = 0
    rewards: int = 0


@dataclass(frozen=True)
class Lowest:
    """The best model of a kind so far.

    Attributes:
        step: Its step.
        score: The validation NLL that it was chosen by.
    """

    step: int
    score: float


@dataclass
class Progress:
    """The position of a run.

    Attributes:
        step: Updates taken, and steps passed over.
        seconds: Time spent, validation included, interruptions left out.
        tokens: Target tokens seen.
        best: Lowest validation NLL so far, with the step it was reached at.
        best_step: The step of the best score.
        stale: Validations since then.
        validated: Step of the latest validation.
        window: Sums since the latest record.
        skips: The skipped steps.
        candidates: The best model of each kind, by kind, where averages compete with the single model; `best`,
            `best_step` and `stale` are the single model's.
        before: Steps of the stages before, which count in `step`, while schedules begin after them.
        lowest: The lowest validation NLL of each direction so far.
    """

    step: int = 0
    seconds: float = 0.0
    tokens: int = 0
    best: float | None = None
    best_step: int = 0
    stale: int = 0
    validated: int = 0
    window: Window = field(default_factory=Window)
    skips: Skips = field(default_factory=Skips)
    candidates: dict[str, Lowest] = field(default_factory=dict)
    before: int = 0
    lowest: dict[str, float] = field(default_factory=dict)

    @property
    def update(self) -> int:
        """The number of the latest update in its schedules, 0 before the first."""
        return self.step - self.before

    def judge(self, score: float) -> bool:
        """Take in the validation score of the present step; returns whether it is the best so far."""
        self.validated = self.step
        if self.best is not None and not score < self.best:
            self.stale += 1
            return False
        self.best, self.best_step, self.stale = score, self.step, 0
        return True

    def note_lowest(self, nll: Mapping[str, float]) -> None:
        """Take in the validation NLL of each direction."""
        for task, value in nll.items():
            if math.isfinite(value):
                self.lowest[task] = min(value, self.lowest.get(task, value))

    def judge_candidate(self, kind: str, score: float) -> None:
        """Take in the validation score of a kind of model at the present step, which may be no finite number."""
        if math.isfinite(score) and (kind not in self.candidates or score < self.candidates[kind].score):
            self.candidates[kind] = Lowest(self.step, score)

    def best_candidate(self) -> tuple[str, Lowest]:
        """Return the kind of the best model so far, and the best of that kind; of equal ones a single model."""
        return min(self.candidates.items(), key=lambda item: (item[1].score, KINDS.index(item[0])))

    def to_json(self) -> dict[str, Any]:
        """Return a mapping for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Progress":
        """Restore what `to_json` returned."""
        inner = {
            "window": Window(**content["window"]),
            "skips": Skips(**content.get("skips", {})),
            "candidates": {kind: Lowest(**found) for kind, found in content.get("candidates", {}).items()},
        }
        return cls(**(content | inner))
