"""How long a fuzzing test searches: 25 examples in the normal suite, a time under the marker `faults`."""

import os
import time
from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from tests.unchecked import unchecked

SECONDS = float(os.environ.get("CATSCALE_FUZZ_SECONDS", "60"))
ROUND = 200
T = TypeVar("T")
Guided = Callable[[bytes], bytes | None]
"""A test whose input is made of bytes that a fuzzer chooses."""
lead: Callable[[Guided, Callable[[], int]], None] | None = None
"""Set by `guided`: searches in the place of Hypothesis."""


def explore(check: Callable[[T], None], inputs: SearchStrategy[T], seconds: float | None) -> int:
    """Try a check on many inputs; returns on how many.

    Args:
        check: Fails on an input that shows a defect, which is then made small and shown.
        inputs: To choose from.
        seconds: How long to search, with new inputs each time; None for one short round, always the same.
    """
    tried = 0

    def counted(value: T) -> None:
        nonlocal tried
        tried += 1
        check(value)

    common: dict[str, Any] = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None}
    if lead is not None:
        lead(unchecked(given(inputs)(counted)).hypothesis.fuzz_one_input, lambda: tried)
    if seconds is None:
        settings(max_examples=25, derandomize=True, **common)(given(inputs)(counted))()
        return tried
    search = settings(max_examples=ROUND, phases=[Phase.generate, Phase.target, Phase.shrink], **common)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        search(given(inputs)(counted))()
    return tried
