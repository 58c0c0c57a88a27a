"""Whether a run is to stop before its budget is spent, as its processes agree on it."""

from collections.abc import Sequence
from pathlib import Path

from catscale.errors import CatscaleError, Interrupted
from catscale.system.writing.places import find_moved
from catscale.training.checkpointing.storage import RunStorage
from catscale.training.setup import TrainingSetup
from catscale.training.signals import InterruptFlag


class StopAgreement:
    """Whether any process was asked to stop, and what time it is by the clock of the first one.

    Every decision is taken from what is agreed here: a signal may come at any time, on any process. Of several
    processes a step sums it with its losses; a signal that comes afterwards waits for the next one.

    Args:
        setup: The run's parts.
        storage: Follows the run's folder where it is renamed, which ends the run too.

    Attributes:
        interrupt: Notices signals; None outside of `Trainer.run`.
        moved: The folder's place, if it was renamed.
    """

    def __init__(self, setup: TrainingSetup, storage: RunStorage) -> None:
        self.folder, self.processes, self.storage = setup.folder, setup.processes, storage
        self.interrupt: InterruptFlag | None = None
        self.moved: Path | None = None
        self._told: list[float] = []

    def ask(self, seconds: float) -> list[float]:
        """Return what the processes are to sum with a step's numbers; nothing on one process, or outside of `run`.

        Args:
            seconds: The time that the run has taken.
        """
        if self.processes.size == 1 or self.interrupt is None:
            return []
        return self._ask(self.interrupt, seconds)

    def note(self, told: Sequence[float]) -> None:
        """Take in the sums of `ask`, for the next `agree`; nothing where there are none."""
        self._told = list(told)

    def agree(self, interrupt: InterruptFlag, seconds: float, is_sent: bool = False) -> tuple[bool, float]:
        """Return whether any process was asked to stop by now, and the first one's time.

        Args:
            interrupt: Notices signals.
            seconds: The time that the run has taken.
            is_sent: Whether the sums are on their way with a step's numbers, so that nothing is known before.
        """
        if is_sent and self.processes.size > 1 and not self._told:
            return False, seconds
        told, self._told = self._told or self.processes.sum(self._ask(interrupt, seconds)), []
        return told[0] > 0, told[1]

    def why(self, step: int) -> CatscaleError:
        """Return the error that ends a run before its budget is spent.

        Args:
            step: The step that the run is at.
        """
        if self.moved is None:
            return Interrupted(f"interrupted at step {step}; the state is saved, the same command continues")
        return CatscaleError(
            f"{self.folder} was renamed to {self.moved} while it trained, which ends at step {step}; the state is "
            f"saved there: give --out {self.moved} to go on, or rename it back"
        )

    def _ask(self, interrupt: InterruptFlag, seconds: float) -> list[float]:
        """Return whether this process is to stop, and the time if it is the first one."""
        return [float(interrupt.is_set or self._is_moved()), seconds if self.processes.is_first else 0.0]

    def _is_moved(self) -> bool:
        """Return whether the run's folder was renamed; if so, save the rest to where it is now."""
        if self.processes.is_first and (place := find_moved(self.folder)) is not None:
            self.storage.move_to(place)
            self.moved = place
        return self.moved is not None
