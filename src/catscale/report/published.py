"""The paper's result tables beside ours, where the data are those of one of its benchmarks."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from catscale.comparison.result import ComparedDirection, Comparison

FACTOR = 2.0  # a language's train pairs may be this many times more or fewer than the paper's
CODES = {
    "aze": "az", "bel": "be", "slk": "sk", "glg": "gl", "por": "pt", "rus": "ru", "ces": "cs", "tur": "tr",
    "bos": "bs", "mar": "mr", "hin": "hi", "mkd": "mk", "ell": "el", "bul": "bg", "fra": "fr", "kor": "ko",
}  # fmt: skip


@dataclass(frozen=True)
class Published:
    """A table of the paper that the runs' data match.

    Attributes:
        name: The name of the benchmark.
        table: Its number in the paper.
        source: The publication.
        metric: The metric of the numbers.
        columns: The paper's keys in its order, languages then averages, and our directions that each stands for.
        rows: Published method → key → value.
        notes: Cautions for its reader, with its own numbers.
    """

    name: str
    table: int
    source: str
    metric: str
    columns: dict[str, list[str]]
    rows: dict[str, dict[str, Any]]
    notes: list[str]


def find_published(comparison: Comparison) -> list[Published]:
    """Return the tables whose languages and sizes are those of the compared runs; empty where none is, or not on test.

    A table of single languages matches where the runs translate from English to exactly its languages and each has
    between half and twice its train pairs; OPUS-100's, which has group averages only, where they translate from English
    to 92 to 99 languages with between half and twice its 55 million pairs.
    """
    content = json.loads(files("catscale.report").joinpath("published.json").read_text(encoding="utf-8"))
    targets = _targets_of_english(comparison.directions)
    found = []
    for table in content["tables"].values():
        if comparison.split == "test" and targets is not None and _matches(table, targets):
            columns = _columns(table, comparison.directions)
            notes = [note.format(rows=table["rows"], tables=content["tables"]) for note in table.get("notes", ())]
            about = (table["name"], table["table"], content["source"], content["metric"])
            found.append(Published(*about, columns, dict(table["rows"]), notes))
    return found


def shorten_code(code: str) -> str:
    """Return a language's ISO 639-1 code, without script or region.

    Example:
        >>> [shorten_code(code) for code in ("aze", "az", "pt_BR", "zh-Hant")]
        ['az', 'az', 'pt', 'zh']
    """
    plain = code.lower().replace("_", "-").split("-")[0]
    return CODES.get(plain, plain)


def _targets_of_english(directions: Sequence[ComparedDirection]) -> dict[str, int] | None:
    """Train pairs by target language; None unless every direction is from English to a language of its own."""
    pairs = [direction.name.split("-", 1) for direction in directions]
    targets = {shorten_code(pair[-1]): d.pairs for pair, d in zip(pairs, directions, strict=True)}
    one_to_many = all(shorten_code(pair[0]) in ("en", "eng") for pair in pairs) and len(targets) == len(directions)
    return targets if one_to_many else None


def _matches(table: dict[str, Any], targets: dict[str, int]) -> bool:
    if sizes := table.get("train_pairs_thousand"):
        theirs = {shorten_code(code): size * 1000 for code, size in sizes.items()}
        return theirs.keys() == targets.keys() and all(_is_near(targets[code], theirs[code]) for code in targets)
    fewest, most = table["languages"]
    return bool(fewest <= len(targets) <= most and _is_near(sum(targets.values()), table["pairs_million"] * 1e6))


def _is_near(ours: float, theirs: float) -> bool:
    return theirs / FACTOR <= ours <= theirs * FACTOR


def _columns(table: dict[str, Any], directions: Sequence[ComparedDirection]) -> dict[str, list[str]]:
    """Return the table's languages and averages, the latter over the paper's groups, whatever ours are."""
    ours = {shorten_code(direction.name.split("-", 1)[-1]): direction.name for direction in directions}
    columns = {code: [ours[shorten_code(code)]] for code in table.get("train_pairs_thousand") or {}}
    given = set.intersection(*(set(row) for row in table["rows"].values()))
    groups = _groups_by_size(directions) if "groups" in table else {}
    for group in ("low", "mid", "high"):
        if group in given:
            columns[group] = groups.get(group) or [ours[shorten_code(code)] for code in table.get(group, ())]
    return columns | {"all": list(ours.values())}


def _groups_by_size(directions: Sequence[ComparedDirection]) -> dict[str, list[str]]:
    """Return the paper's groups of OPUS-100: fewer than 100,000 pairs, a million or more, and between."""
    groups: dict[str, list[str]] = {"low": [], "mid": [], "high": []}
    for direction in directions:
        group = "low" if direction.pairs < 100_000 else "mid" if direction.pairs < 1_000_000 else "high"
        groups[group].append(direction.name)
    return groups
