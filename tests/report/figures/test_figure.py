"""A figure's texts, its choice, and the source that it is made of."""

import pytest

from catscale.comparison.result import ComparedDirection
from catscale.report.figures.figure import Choice, Figure, Source, choose_directions, label_direction
from tests.report.fakes import make_comparison

ROWS = [{"label": "one", "mean": 1}, {"label": "two", "mean": 2}, {"label": "three", "mean": 3}]


def figure(choice=None, **changes):
    texts = {"name": "x", "section": "s", "title": "Title", "caption": "c.", "alt": "a", "spec": {}, "rows": ROWS}
    return Figure(**(texts | changes), choice=choice)


def test_a_picture_shows_the_first_option_and_names_it():
    chosen = figure(Choice("label", "Part", {"some": ["three", "one"], "all": ["one", "two", "three"]}))
    assert chosen.heading == "Title (some)"
    assert [row["mean"] for row in chosen.shown(ROWS)] == [1, 3]


def test_without_a_choice_a_picture_shows_everything():
    assert figure().heading == "Title"
    assert figure().shown(ROWS) == ROWS


def test_texts_are_safe_wherever_they_stand():
    hostile = "a\u202eb\x07"
    made = figure(Choice("label", "Part", {hostile: [hostile]}), title=hostile, rows=[{"label": hostile}])
    for text in (made.title, made.heading, made.rows[0]["label"], *made.choice.options):
        assert "\u202e" not in text
        assert "\x07" not in text


def test_a_direction_is_headed_by_its_size():
    assert label_direction(ComparedDirection("en-az", 12_345, "low", 10)) == "en-az (12,345)"


@pytest.mark.parametrize(("count", "pages"), [(16, None), (17, [6, 12, 5])])
def test_many_directions_are_shown_in_parts(tmp_path, count, pages):
    source = Source(make_comparison(tmp_path, methods={"T=1": 1.0}, count=count, seeds=1, steps=16, analysis=False))
    choice = choose_directions(source)
    assert (None if choice is None else [len(part) for part in choice.options.values()]) == pages
    if choice is not None:
        assert list(choice.options) == ["3 smallest and 3 largest", "1 to 12 by size", "13 to 17 by size"]


@pytest.mark.parametrize(
    ("methods", "count", "most", "points"), [(1, 8, 60, 60), (3, 100, 120, 80), (4, 1000, 100, 10)]
)
def test_points_are_fewer_where_there_are_many_curves(tmp_path, methods, count, most, points):
    comparison = make_comparison(
        tmp_path, {f"m{i}": None for i in range(methods)}, 2, 1, 16, balance=False, analysis=False
    )
    directions = [ComparedDirection(f"en-x{place}", 1, "low", 1) for place in range(count)]
    source = Source(type(comparison)(**(vars(comparison) | {"directions": directions})))
    assert source.methods == [f"m{i}" for i in range(methods)]
    assert source.points(most) == points
