"""Pairs with their places in the files, so that a message can name the line."""

from pathlib import Path

Pair = tuple[str, str]
Placed = tuple[int, Pair]
"""A line or a row of a file, from 1, and the pair that stands there."""

Located = tuple[Path | str, int, Pair]
"""A file, or the name of what is no file, a line or a row in it, and the pair that stands there."""
