"""A figure: one Vega-Lite specification for the page, the PNG and the SVG, and the rows it draws."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from catscale.comparison.result import ComparedDirection, Comparison
from catscale.report.history import Run
from catscale.system.console.safe_text import all_for_figure

MANY = 16  # directions that small multiples still show readably


@dataclass(frozen=True)
class Choice:
    """A choice of the part of a figure's rows that is shown at a time.

    Attributes:
        field: The field of the rows.
        label: The label of the page's drop-down.
        options: Name → values of the field that stay; the first is what PNG and SVG show.
    """

    field: str
    label: str
    options: dict[str, list[str]]

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", all_for_figure(self.options))


@dataclass(frozen=True)
class Figure:
    """A figure that there are data for. Its texts are made safe here, for the page and for every kind of file.

    Attributes:
        name: The name of its files.
        section: Key of the page's section.
        title: A short statement of what it shows.
        caption: The way to read it, its measurement, and the figure of the paper that it mirrors.
        alt: A description of what is seen, in words with numbers.
        spec: Vega-Lite, its data named "rows", its colours CSS variables (see `theme`).
        rows: Plain values; a row with a "method" goes away when that method is hidden.
        choice: The choice, if there is too much to show at once.
    """

    name: str
    section: str
    title: str
    caption: str
    alt: str
    spec: dict[str, Any]
    rows: list[dict[str, Any]]
    choice: Choice | None = None

    def __post_init__(self) -> None:
        for name in ("title", "caption", "alt", "spec", "rows"):
            object.__setattr__(self, name, all_for_figure(getattr(self, name)))

    @property
    def heading(self) -> str:
        """The title of a picture without a drop-down, which names the part it shows."""
        return self.title if self.choice is None else f"{self.title} ({next(iter(self.choice.options))})"

    def shown(self, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the rows that a picture without a drop-down shows."""
        if self.choice is None:
            return list(rows)
        values = set(next(iter(self.choice.options.values())))
        return [row for row in rows if row[self.choice.field] in values]


@dataclass(frozen=True)
class Missing:
    """A figure that there are no data for.

    Attributes:
        section: Key of the page's section.
        title: A short statement of what it would show.
        reason: The reason for its absence, and the way to get it.
    """

    section: str
    title: str
    reason: str


@dataclass(frozen=True)
class Source:
    """The data that figures are made of.

    Attributes:
        comparison: The scores.
        runs: The records, one run per seed of a method.
    """

    comparison: Comparison
    runs: list[Run] = field(default_factory=list)

    @property
    def methods(self) -> list[str]:
        """Names, in the order that gives each its colour."""
        return [method.name for method in self.comparison.methods]

    def points(self, most: int, curves: int = 1) -> int:
        """Return the points allowed per curve, with `curves` per method and direction, so that a page stays below 6
        MB."""
        return max(10, min(most, 24_000 // (curves * len(self.methods) * len(self.directions))))

    @property
    def directions(self) -> dict[str, ComparedDirection]:
        """The directions' names, from the smallest to the largest."""
        return {direction.name: direction for direction in self.comparison.directions}


def label_direction(direction: ComparedDirection) -> str:
    """Return a direction with its size, as the heading of a small multiple."""
    return f"{direction.name} ({direction.pairs:,})"


def choose_directions(source: Source, field_name: str = "label", edge: int = 3) -> Choice | None:
    """Return None where all directions fit; otherwise the smallest and largest, and pages of all of them by size."""
    labels = [label_direction(direction) for direction in source.comparison.directions]
    if len(labels) <= MANY:
        return None
    options = {f"{edge} smallest and {edge} largest": [*labels[:edge], *labels[-edge:]]}
    for start in range(0, len(labels), 12):
        part = labels[start : start + 12]
        options[f"{start + 1} to {start + len(part)} by size"] = part
    return Choice(field_name, "Directions", options)
