"""What a type checker does not look at: calls that are wrong on purpose, attributes of one class among several."""

from typing import Any


def unchecked(thing: object) -> Any:
    """Return the same thing as of any type, for a test of what happens to those who check none."""
    return thing
