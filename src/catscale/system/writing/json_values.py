"""Values that JSON can express."""

import math
from typing import Any


def replace_nonfinite(value: Any) -> Any:
    """Return a copy with null in place of NaN and infinities, which JSON has no words for.

    Args:
        value: A number, text, truth value or None, or lists and dictionaries of such.

    Example:
        >>> replace_nonfinite({"loss": float("nan"), "nll": [1.5, float("inf")]})
        {'loss': None, 'nll': [1.5, None]}
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: replace_nonfinite(item) for key, item in value.items()}
    return [replace_nonfinite(item) for item in value] if isinstance(value, list) else value
