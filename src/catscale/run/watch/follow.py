"""Reading `metrics.jsonl` while a run writes it: only what is new, and no more of it than a page shows."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catscale.system.reading.regular_file import read_part
from catscale.training.records.metrics_file import parse_record

AT_ONCE = 4 << 20
"""Bytes read at a time; what is left comes with the next look."""
LONGEST = 1 << 20
"""Bytes of a line that are kept while its end is not there; a longer one is passed over."""
POINTS = 1000
"""Points of a curve; with twice as many, every second one goes."""
TAIL = 64
"""Bytes before the place reached, by which it is seen that a continued run has cut the file and gone on."""


@dataclass
class Curve:
    """Values over steps, thinned as they become many."""

    points: list[list[float]] = field(default_factory=list)

    def add(self, step: int, value: object) -> None:
        """Add a point, unless its value was not finite."""
        if not isinstance(value, int | float) or not math.isfinite(value):
            return
        self.points.append([step, round(float(value), 5)])
        if len(self.points) >= 2 * POINTS:
            self.points = [*self.points[:-1:2], self.points[-1]]


@dataclass
class Followed:
    """The state of a run that is known from its records.

    Attributes:
        step: The step of the latest record.
        seconds: The run's clock then.
        valid: Validation NLL.
        train: Training NLL.
        bleu: Mean BLEU of a part of dev.
        tasks: Latest validation NLL by task.
        task_bleu: Latest BLEU by task.
        latest: Values of the latest record of training loss: learning rate, tokens per second.
        best: Step and NLL of the lowest validation, an average of parameters among them.
        skipped: Steps passed over.
    """

    step: int = 0
    seconds: float = 0.0
    valid: Curve = field(default_factory=Curve)
    train: Curve = field(default_factory=Curve)
    bleu: Curve = field(default_factory=Curve)
    tasks: dict[str, Any] = field(default_factory=dict)
    task_bleu: dict[str, Any] = field(default_factory=dict)
    latest: dict[str, Any] = field(default_factory=dict)
    best: tuple[int, float] | None = None
    skipped: int = 0

    def take(self, record: dict[str, Any]) -> None:
        """Take in a record."""
        self.step, self.seconds = int(record["step"]), float(record.get("time") or 0.0)
        if record["kind"] == "train":
            self.train.add(self.step, record.get("mean"))
            self.latest = {key: record.get(key) for key in ("learning_rate", "tokens_per_second", "tokens")}
        elif record["kind"] == "valid":
            mean = record.get("mean")
            self.valid.add(self.step, mean)
            self.tasks, self.task_bleu = record.get("nll") or {}, record.get("bleu") or {}
            if self.task_bleu and None not in self.task_bleu.values():
                self.bleu.add(self.step, sum(self.task_bleu.values()) / len(self.task_bleu))
            lowest = [mean, *(of.get("mean") for of in (record.get("average") or {}).values())]
            score = min((value for value in lowest if isinstance(value, int | float)), default=None)
            if score is not None and (self.best is None or score < self.best[1]):
                self.best = self.step, float(score)
        elif record["kind"] == "skip":
            self.skipped += 1


class Follower:
    """Keeps up with a run's `metrics.jsonl`.

    Args:
        path: The file, which need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._forget()

    def _forget(self) -> None:
        self.found, self._place, self._tail, self._rest, self._is_skipping = Followed(), 0, b"", b"", False

    def look(self) -> Followed:
        """Read what is new; lines that are no records are passed over."""
        start = self._place - len(self._tail)
        content = read_part(self._path, start, len(self._tail) + AT_ONCE)
        if content is None or not content.startswith(self._tail):
            self._forget()  # gone, or cut back to a checkpoint
            content = read_part(self._path, 0, AT_ONCE) or b""
        new = content[len(self._tail) :]
        self._place += len(new)
        self._tail = (self._tail + new)[-TAIL:]
        *lines, self._rest = (self._rest + new).split(b"\n")
        if lines and self._is_skipping:
            lines, self._is_skipping = lines[1:], False
        if len(self._rest) > LONGEST:
            self._rest, self._is_skipping = b"", True
        for line in lines:
            try:
                self.found.take(parse_record(line))
            except ValueError:
                continue
        return self.found
