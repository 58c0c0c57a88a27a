"""Promises of a contract, tried: how the checks that anyone can call on a thing of their own say what is broken.

No assert statement: `python -O` would drop it.
"""


def require(holds: bool, what: str) -> None:
    """Raise where something does not hold.

    Raises:
        AssertionError: With the text, if it does not.
    """
    if not holds:
        raise AssertionError(what)


def promise(kept: bool, text: str) -> None:
    """Raise where a promise is not kept.

    Raises:
        AssertionError: Names the promise, if it is broken.
    """
    require(kept, f"broken promise: {text}")
