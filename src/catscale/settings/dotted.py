"""Nested settings under dotted names, as messages, comparisons and `--set` write them."""

from collections.abc import Mapping
from typing import Any


def flatten(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings under dotted names.

    Example:
        >>> flatten({"training": {"seed": 1}, "x": []})
        {'training.seed': 1, 'x': []}
    """
    flat: dict[str, Any] = {}
    for key, value in content.items():
        name = f"{prefix}{key}"
        flat |= flatten(value, f"{name}.") if isinstance(value, Mapping) and value else {name: value}
    return flat
