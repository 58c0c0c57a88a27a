"""The beginning of a training that other stages of a plan went before: their model, and what they have spent."""

from dataclasses import dataclass
from pathlib import Path

from catscale.training.state import Progress


@dataclass(frozen=True)
class Beginning:
    """The beginning of a training, which counts only where it has no checkpoint yet.

    Attributes:
        model: The folder of a model of the same architecture, whose tensors are taken; None for those that are drawn.
        steps: Steps of the stages before.
        tokens: Target tokens that they have seen.
        seconds: Time that they took.
    """

    model: Path | None = None
    steps: int = 0
    tokens: int = 0
    seconds: float = 0.0

    def progress(self) -> Progress:
        """Return the position of a training that has not taken a step itself."""
        return Progress(step=self.steps, seconds=self.seconds, tokens=self.tokens, before=self.steps)


FROM_NOTHING = Beginning()
"""The beginning of a training that nothing went before."""
