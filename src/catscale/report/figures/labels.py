"""The placement of the names of points, so that none covers another or a point."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

WIDTH, HEIGHT = 290.0, 300.0
"""Pixels of the narrowest plot, where names are nearest to each other: a wider one moves them apart."""
LETTER, LINE, MARK = 6.8, 14.0, 6.0
"""Pixels of a letter, of a line of text, and from the middle of a point to its edge."""
STEPS = 24
"""Pieces that a line is looked at in."""
Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels."""


@dataclass(frozen=True)
class NamePlace:
    """The place of a name, seen from its point.

    Attributes:
        align: The alignment of the text: "left", "right" or "center" is where the point is.
        dx: Pixels to the right.
        dy: Pixels downwards.
    """

    align: str
    dx: int
    dy: int


PLACES = (
    NamePlace("left", 9, -9), NamePlace("left", 9, 11), NamePlace("right", -9, -9), NamePlace("right", -9, 11),
    NamePlace("center", 0, -17), NamePlace("center", 0, 19), NamePlace("left", 9, -24), NamePlace("right", -9, -24),
    NamePlace("left", 9, 27), NamePlace("right", -9, 27),
)  # fmt: skip


def place_labels(
    points: Sequence[tuple[float, float]],
    names: Sequence[str],
    curve: Sequence[int] = (),
    ends: Sequence[tuple[float, float]] = (),
) -> list[NamePlace]:
    """Choose a place for each name, one after another: the first that covers nothing, else that which covers least.

    Args:
        points: Across and upwards, in any units.
        names: The names of the points.
        curve: Places of the points that a line joins, in this order.
        ends: Other points that the plot has room for, such as the ends of intervals.

    Returns:
        A place a point.

    Example:
        >>> [place.align for place in place_labels([(0, 0), (1, 1)], ["a", "b"])]
        ['left', 'right']
    """
    across, up = (_scale([point[axis] for point in (*points, *ends)])[: len(points)] for axis in (0, 1))
    spots = [(x * WIDTH, (1 - y) * HEIGHT) for x, y in zip(across, up, strict=True)]
    marks = [(x - MARK, y - MARK, x + MARK, y + MARK) for x, y in spots]
    taken: list[Box] = list(_along([spots[place] for place in curve]))
    chosen = []
    for place, (spot, name) in enumerate(zip(spots, names, strict=True)):
        others = [*taken, *marks[:place], *marks[place + 1 :]]
        best = min(PLACES, key=lambda option: _cost(_box(spot, name, option), others))
        taken.append(_box(spot, name, best))
        chosen.append(best)
    return chosen


def _along(spots: Sequence[tuple[float, float]]) -> Iterator[Box]:
    """Yield small boxes along the line through points."""
    for (x, y), (to_x, to_y) in pairwise(spots):
        for step in range(1, STEPS):
            at_x, at_y = x + (to_x - x) * step / STEPS, y + (to_y - y) * step / STEPS
            yield at_x - 3, at_y - 3, at_x + 3, at_y + 3


def _scale(values: Sequence[float]) -> list[float]:
    """Return values scaled to the range from 0 to 1."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    return [(value - low) / (high - low) if high > low else 0.5 for value in values]


def _box(spot: tuple[float, float], name: str, place: NamePlace) -> Box:
    x, y = spot[0] + place.dx, spot[1] + place.dy
    width = min(len(name) * LETTER, 160)
    left = x - {"left": 0.0, "right": width, "center": width / 2}[place.align]
    return left, y - LINE / 2, left + width, y + LINE / 2


def _cost(box: Box, others: Sequence[Box]) -> float:
    """Return the square pixels of others that a box covers, plus three times those outside the plot."""
    inside = _overlap(box, (-4.0, -30.0, WIDTH + 8, HEIGHT + 30))
    outside = (box[2] - box[0]) * (box[3] - box[1]) - inside
    return 3 * outside + sum(_overlap(box, other) for other in others)


def _overlap(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)
