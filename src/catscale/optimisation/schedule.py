"""Courses of the learning rate: a factor of the peak for each update.

Legend: s number of the update, the first of which is 1; W warm-up steps, at least 1; T updates of the whole course.

Every course rises in a line, s / W, and is 1 at s = W. What follows is the schedule's own:

    inverse_sqrt   √(W / s)
    cosine         ½ (1 + cos π p)      p = (s − W) / (T + 1 − W), the part of the fall that is behind
    linear         1 − p
    constant       1

p is 0 at the peak and would be 1 at update T + 1, the first that is not taken: the last update is small, not lost. An
update beyond T, where a run goes on for longer than its course was planned, has the factor 0.

Source: inverse_sqrt: Vaswani et al., "Attention Is All You Need", 2017, Eq. 3, with its peak as the setting; cosine:
Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017, Eq. 5, one period without restart.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from catscale.system.named import NamedTable


@dataclass(frozen=True)
class Schedule:
    """One course of the learning rate.

    Attributes:
        fall: (s, W, T) → the factor of update s ≥ W; T is 0 where the course has no end.
        has_end: Whether it needs T.
    """

    fall: Callable[[int, int, int], float]
    has_end: bool = False


def _left(step: int, warmup: int, total: int) -> float:
    """Return 1 − p, the part of the fall that is to come, in [0, 1]."""
    return min(1.0, max(0, total + 1 - step) / max(1, total + 1 - warmup))


def inverse_sqrt(step: int, warmup: int, total: int) -> float:
    """Return √(W / s).

    Example:
        >>> inverse_sqrt(16, 4, 0)
        0.5
    """
    return math.sqrt(warmup / step)


def cosine(step: int, warmup: int, total: int) -> float:
    """Return ½ (1 + cos π p).

    Example:
        >>> [round(cosine(step, 1, 8), 4) for step in (1, 5, 8, 9)]
        [1.0, 0.5, 0.0381, 0.0]
    """
    return (1 + math.cos(math.pi * (1 - _left(step, warmup, total)))) / 2


def linear(step: int, warmup: int, total: int) -> float:
    """Return 1 − p.

    Example:
        >>> [linear(step, 1, 8) for step in (1, 5, 8, 9)]
        [1.0, 0.5, 0.125, 0.0]
    """
    return _left(step, warmup, total)


def constant(step: int, warmup: int, total: int) -> float:
    """Return 1."""
    return 1.0


SCHEDULES = NamedTable(
    "schedule",
    {
        "inverse_sqrt": Schedule(inverse_sqrt),
        "cosine": Schedule(cosine, has_end=True),
        "linear": Schedule(linear, has_end=True),
        "constant": Schedule(constant),
    },
)
"""The table of schedules; a new one is a function and a row here."""


def rate_factor(schedule: str, step: int, warmup: int, total: int | None) -> float:
    """Return what the peak learning rate is multiplied by in one update.

    Args:
        schedule: Name in `SCHEDULES`.
        step: s ≥ 1.
        warmup: W; 0 counts as 1.
        total: T; None where the schedule has no end.

    Raises:
        UnknownNameError: If there is no such schedule.

    Example:
        >>> [rate_factor("inverse_sqrt", step, 4, None) for step in (1, 4, 16)]
        [0.25, 1.0, 0.5]
    """
    peak = max(1, warmup)
    return step / peak if step < peak else SCHEDULES[schedule].fall(step, peak, total or 0)
