"""The batches of the next step, made by a thread while the device computes the present one.

The stream stands where the steps that were taken leave it: a step that is made ahead is drawn from a copy, and taken
over when it is asked for, unless other tasks are drawn by then because the sampler has moved.
"""

from threading import Thread
from types import TracebackType
from typing import Self

from catscale.data.batching import Batch
from catscale.training.stream import MixtureStream

Made = dict[str, list[Batch]]
"""The sub-batches of a step, by task."""


class _StepAhead:
    """A step that is being made.

    Args:
        stream: Stands behind the step before.
        step: Its number.
    """

    def __init__(self, stream: MixtureStream, step: int) -> None:
        self._step, self._chosen, self._before = step, stream.choose_tasks(step), stream.state_dict()
        self.branch = stream.branch()
        self._made: Made = {}
        self._error: Exception | None = None
        self._thread = Thread(target=self._make, name=f"batches of step {step}", daemon=True)
        self._thread.start()

    def _make(self) -> None:
        try:
            self._made = self.branch.take_of(self._chosen)
        except Exception as error:  # raised where the step is taken
            self._error = error

    def wait(self) -> None:
        """Wait until it is made."""
        self._thread.join()

    def is_next(self, stream: MixtureStream, step: int) -> bool:
        """Return whether it is what the stream would give now."""
        is_here = step == self._step and stream.state_dict() == self._before
        return is_here and bool((stream.choose_tasks(step) == self._chosen).all())

    def result(self) -> Made:
        """Return its sub-batches.

        Raises:
            Exception: Whatever kept the thread from making them.
        """
        if self._error is not None:
            raise self._error
        return self._made


class StepsAhead:
    """Takes steps of a stream, each of which is made while the one before is computed.

    At the end of its block no thread is left.

    Args:
        stream: The run's; its state is that of the steps taken.
        is_on: Whether steps are made ahead. On a processor, whose cores compute the step, nothing is gained.
    """

    def __init__(self, stream: MixtureStream, is_on: bool) -> None:
        self._stream, self._is_on = stream, is_on
        self._ahead: _StepAhead | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._finish()

    def take(self, step: int) -> Made:
        """Take the sub-batches of step number `step`, by task, as `MixtureStream.take`.

        Raises:
            Exception: Whatever kept the thread from making them.
        """
        if not self._is_on:
            return self._stream.take(step)
        ahead = self._finish()
        if ahead is not None and ahead.is_next(self._stream, step):
            made = ahead.result()
            self._stream.go_with(ahead.branch)
        else:
            made = self._stream.take(step)
        self._ahead = _StepAhead(self._stream, step + 1)
        return made

    def _finish(self) -> _StepAhead | None:
        """Return the step that was being made, which is made now; None where there was none."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.wait()
        return ahead
