"""Names of points: beside their points, apart from each other, the points and the curve."""

from itertools import combinations

import pytest

from catscale.report.figures.labels import HEIGHT, PLACES, WIDTH, _box, _overlap, place_labels

CASES: dict[str, list[tuple[float, float]]] = {
    "apart": [(0, 0), (1, 1), (0, 1), (1, 0)],
    "as in the main table": [(39.7, 83.0), (58.2, 82.2), (61.7, 80.1), (60.3, 76.6), (62.5, 81.1), (61.0, 79.5)],
    "two at nearly one place": [(0, 0), (5, 5), (5.05, 5.02), (9, 1)],
    "in a row": [(0, 0), (1, 0), (2, 0), (3, 0)],
}
NAMES = ["T=1", "T=2", "T=5", "T=100", "cats_sampling", "T=5 + CATS"]


ENDS = [(20.0, 60.0), (70.0, 95.0)]


@pytest.mark.parametrize(
    ("points", "ends"),
    [*((points, []) for points in CASES.values()), (CASES["as in the main table"][:4], ENDS)],
    ids=[*CASES, "with long intervals"],
)
@pytest.mark.parametrize("wider", [1, 1.5, 3])
def test_no_name_covers_another_or_a_point(points, ends, wider):
    names = NAMES[: len(points)]
    places = place_labels(points, names, curve=[0, 1], ends=ends)
    lows, highs = ([end(point[axis] for point in (*points, *ends)) for axis in (0, 1)] for end in (min, max))
    spots = [
        tuple(
            0.5 if high == low else (value - low) / (high - low)
            for value, low, high in zip(point, lows, highs, strict=True)
        )
        for point in points
    ]
    pixels = [(x * WIDTH * wider, (1 - y) * HEIGHT) for x, y in spots]
    boxes = [_box(spot, name, place) for spot, name, place in zip(pixels, names, places, strict=True)]
    assert all(_overlap(one, other) == 0 for one, other in combinations(boxes, 2))
    for number, (x, y) in enumerate(pixels):
        assert all(_overlap((x - 4, y - 4, x + 4, y + 4), box) == 0 for n, box in enumerate(boxes) if n != number)


def test_more_names_than_places_all_get_one():
    points = [(0.0, 0.0)] * 12
    places = place_labels(points, ["a long name of a method"] * 12)
    assert len(places) == 12
    assert set(places) <= set(PLACES)
    assert len(set(places)) > 5


def test_nothing_to_place():
    assert place_labels([], []) == []
