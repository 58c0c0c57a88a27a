"""Imports go one way, in no circle, and at the top of a file."""

from pathlib import Path

from benchmarks.house.imports import (
    ARROW,
    ASIDE,
    LATE,
    LEVELS,
    find_commands_that_import_commands,
    find_knots,
    find_late,
    find_upward,
    read_imports,
    read_modules,
)

IMPORTS = read_imports()


def test_every_wing_has_its_level() -> None:
    placed = [wing for level in LEVELS for wing in level] + list(ASIDE)
    assert {name.split(".")[0] for name in read_modules()} == set(placed)
    assert len(placed) == len(set(placed))


def test_wings_import_downward_only() -> None:
    assert find_upward(IMPORTS) == []


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    assert find_knots(IMPORTS) == []


def test_imports_inside_functions_are_those_with_a_reason() -> None:
    assert find_late(IMPORTS) == []
    assert {one.late_key for one in IMPORTS if one.is_late} >= LATE.keys(), "an entry that nothing needs"


def test_commands_import_no_commands() -> None:
    assert find_commands_that_import_commands(IMPORTS) == []


def test_contributing_quotes_the_rule() -> None:
    rule = "".join(f"      {line}\n" for line in ARROW.strip().splitlines())
    assert rule in (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
