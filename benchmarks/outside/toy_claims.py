"""Statements of the papers of CAGrad, Nash-MTL and FAMO on their toy, each checked against the recorded ends.

    python -m benchmarks.outside.toy_claims [--results results] [--json FILE]

A line per statement: whether it holds, what was found, the statement in short, and where the paper has it. Records
are those of `benchmarks.outside.toys`: `toys-equal.json` (CAGrad's setting), `toys-nash.json` (Nash-MTL's, 35,000
steps) and `toys.json` (FAMO's). Statements are paraphrased; what a word of theirs means in numbers is said here:

- *near an end*: |x_1| > 5.25, the outer eighths of the front, which goes from x_1 = −7 (least of the second loss) to 7;
- *mostly*: more than half of the starts;
- *stops where it reaches the front*: from there on x_1 moves by 0.5 at most.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from benchmarks.outside.toy_problem import TOYS, toy_losses
from benchmarks.outside.toys import is_on_front

from catscale.system.writing.files import write_json

Records = Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]
"""Record → method → for each start its `path`, `end` and whether that is on the `front`."""
EQUAL, NASH, FAMO = "toys-equal", "toys-nash", "toys"
TOY_OF = {EQUAL: "equal", NASH: "unequal", FAMO: "unequal"}
OUTER, MOVED, APART, SAME = 5.25, 0.5, 1.0, 0.1
"""|x_1| near an end of the front; the most that x_1 moves of what stops; the least between ends that differ; the
most between ends that are one place."""


class Verdict(NamedTuple):
    """Whether a statement holds, and what was found."""

    holds: bool
    found: str


@dataclass(frozen=True)
class Claim:
    """A statement of a paper.

    Attributes:
        source: The paper and the place in it.
        text: The statement in other words.
        check: Gives the verdict on records.
    """

    source: str
    text: str
    check: Callable[[Records], Verdict]


def count_front(records: Records, record: str, methods: Sequence[str], expected: int) -> Verdict:
    """Check how many starts each method ends on the front from."""
    counts = {name: sum(end["front"] for end in records[record][name]) for name in methods}
    found = ", ".join(f"`{name}` {count} of {len(records[record][name])}" for name, count in counts.items())
    return Verdict(all(count == expected for count in counts.values()), f"on the front {found}")


def stop_at_front(records: Records, record: str, methods: Sequence[str]) -> Verdict:
    """Check that trajectories reach the front and go no further along it."""
    ends = [end for name in methods for end in records[record][name]]
    moved = [move_on_front(end) for end in ends if end["front"]]
    missing = f"; {len(ends) - len(moved)} not there" if len(moved) < len(ends) else ""
    found = f"x₁ moves by {max(moved, default=0):.2f} at most{missing}"
    return Verdict(not missing and max(moved) <= MOVED, found)


def move_on_front(end: Mapping[str, Any]) -> float:
    """Return the largest distance in x_1 from where a trajectory first is on the front to where it is later."""
    path = np.array([[float(value) for value in point.split(",")] for point in end["path"].split()])
    first = next(index for index, point in enumerate(path) if is_on_front(point) or index == len(path) - 1)
    return float(abs(path[first:, 0] - path[first, 0]).max())


def end_apart(records: Records, record: str, methods: Sequence[str]) -> Verdict:
    """Check that a method's ends on the front are different places."""
    places = {name: ends_on_front(records, record, name) for name in methods}
    spans = {name: max(ends) - min(ends) if ends else 0.0 for name, ends in places.items()}
    found = ", ".join(f"`{name}` over {span:.1f}" for name, span in spans.items())
    return Verdict(all(span >= APART for span in spans.values()), found)


def end_in_middle(records: Records, record: str, method: str) -> Verdict:
    """Check that a method ends at the least mean of both losses, x_1 = 0 where they are of equal scale."""
    ends = ends_on_front(records, record, method)
    missing = len(records[record][method]) - len(ends)
    farthest = max((abs(end) for end in ends), default=float("nan"))
    return Verdict(
        not missing and farthest <= SAME, f"{len(ends)} of {len(ends) + missing}, x₁ within {farthest:.2f} of 0"
    )


def lean(records: Records, record: str, methods: Sequence[str], side: int) -> Verdict:
    """Check that methods mostly end on one half of the front: side −1 is the second loss's, 1 the first's."""
    counts = {name: sum(side * end > 0 for end in ends_on_front(records, record, name)) for name in methods}
    sizes = {name: len(records[record][name]) for name in methods}
    found = ", ".join(f"`{name}` {count} of {sizes[name]}" for name, count in counts.items())
    return Verdict(all(2 * count > sizes[name] for name, count in counts.items()), f"on that half {found}")


def fail_from_rightmost(records: Records, record: str, methods: Sequence[str]) -> Verdict:
    """Check that methods do not reach the front from the start with the largest first loss."""
    toy = TOYS[TOY_OF[record]]
    place = int(toy_losses(np.array(toy.starts), toy.scale)[:, 0].argmax())
    failed = [name for name in methods if not records[record][name][place]["front"]]
    one, two = toy.starts[place]
    names = ", ".join(f"`{name}`" for name in failed) or "none"
    return Verdict(len(failed) == len(methods), f"from ({one:g}, {two:g}) {names}")


def end_balanced(records: Records, record: str, method: str, halves: int) -> Verdict:
    """Check that a method ends on the front from all starts, nowhere near an end, on as many halves or more."""
    ends = ends_on_front(records, record, method)
    missing = len(records[record][method]) - len(ends)
    reached = len({end > 0 for end in ends})
    holds = not missing and reached >= halves and max(abs(end) for end in ends) <= OUTER
    return Verdict(holds, "x₁ " + ", ".join(f"{end:z.1f}" for end in ends) + (f"; {missing} not there" * bool(missing)))


def end_the_same(records: Records, one: str, two: str, method: str) -> Verdict:
    """Check that a method ends at the same places from the starts that two settings share."""
    starts = [TOYS[TOY_OF[record]].starts for record in (one, two)]
    pairs = [
        (records[one][method][index]["end"], records[two][method][starts[1].index(start)]["end"])
        for index, start in enumerate(starts[0])
        if start in starts[1]
    ]
    found = ", ".join(f"x₁ {left[0]:z.2f} and {right[0]:z.2f}" for left, right in pairs)
    return Verdict(all(max(abs(np.subtract(*pair))) <= SAME for pair in pairs), found)


def ends_on_front(records: Records, record: str, method: str) -> list[float]:
    """Return x_1 of a method's ends that are on the front."""
    return [end["end"][0] for end in records[record][method] if end["front"]]


CAGRAD_FIGURE, CAGRAD_TEXT = "CAGrad, Fig. 1", "CAGrad, 5.1"
NASH_FIGURE, FAMO_FIGURE, FAMO_TEXT = "Nash-MTL, Fig. 1", "FAMO, Fig. 1", "FAMO, 5.1"
MEANS = ("fixed", "pcgrad", "cagrad")
CLAIMS = {
    "adam-stuck": Claim(
        CAGRAD_FIGURE,
        "Adam on the mean is stuck from two of three starts",
        partial(count_front, record=EQUAL, methods=["fixed"], expected=1),
    ),
    "others-reach": Claim(
        CAGRAD_TEXT,
        "MGDA, PCGrad and CAGrad all reach the front",
        partial(count_front, record=EQUAL, methods=["mgda", "pcgrad", "cagrad"], expected=3),
    ),
    "mgda-stops": Claim(
        CAGRAD_FIGURE,
        "MGDA stops where it reaches the front",
        partial(stop_at_front, record=EQUAL, methods=["mgda"]),
    ),
    "pcgrad-stops": Claim(
        CAGRAD_FIGURE,
        "PCGrad stops where it reaches the front",
        partial(stop_at_front, record=EQUAL, methods=["pcgrad"]),
    ),
    "ends-differ": Claim(
        CAGRAD_TEXT,
        "where MGDA and PCGrad end depends on the start",
        partial(end_apart, record=EQUAL, methods=["mgda", "pcgrad"]),
    ),
    "cagrad-least-mean": Claim(
        "CAGrad, abstract",
        "CAGrad ends at the least of the mean loss",
        partial(end_in_middle, record=EQUAL, method="cagrad"),
    ),
    "larger-loss": Claim(
        NASH_FIGURE,
        "the loss of the larger scale rules LS, PCGrad and CAGrad: they mostly end on its half of the front",
        partial(lean, record=NASH, methods=MEANS, side=-1),
    ),
    "rightmost": Claim(
        NASH_FIGURE,
        "LS, PCGrad and CAGrad fail from the start with the largest first loss",
        partial(fail_from_rightmost, record=NASH, methods=MEANS),
    ),
    "smaller-loss": Claim(
        NASH_FIGURE,
        "MGDA leans to the loss with the smaller gradients: it mostly ends on that half",
        partial(lean, record=NASH, methods=["mgda"], side=1),
    ),
    "nash-balanced": Claim(
        NASH_FIGURE,
        "Nash-MTL's ends are balanced across the front: all five on it, on both halves, nowhere near its ends",
        partial(end_balanced, record=NASH, method="nash_mtl", halves=2),
    ),
    "nash-invariant": Claim(
        NASH_FIGURE,
        "the scale of a loss does not move Nash-MTL: with equal and unequal scales it ends at the same places",
        partial(end_the_same, one=EQUAL, two=NASH, method="nash_mtl"),
    ),
    "adam-fails-once": Claim(
        FAMO_FIGURE,
        "Adam on the mean misses the front from one of five starts",
        partial(count_front, record=FAMO, methods=["fixed"], expected=4),
    ),
    "famo-reaches": Claim(
        FAMO_TEXT,
        "FAMO reaches the front from all five starts",
        partial(count_front, record=FAMO, methods=["famo"], expected=5),
    ),
    "manipulation-reaches": Claim(
        FAMO_TEXT,
        "so do all methods that change gradients: MGDA, PCGrad, CAGrad and Nash-MTL",
        partial(count_front, record=FAMO, methods=["mgda", "pcgrad", "cagrad", "nash_mtl"], expected=5),
    ),
    "famo-balanced": Claim(
        FAMO_TEXT,
        "FAMO's ends are balanced in spite of the scales: nowhere near an end of the front",
        partial(end_balanced, record=FAMO, method="famo", halves=1),
    ),
}
"""Statements by a short name."""


def read_records(folder: Path) -> Records:
    """Read the results of the three settings."""
    return {name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))["results"] for name in TOY_OF}


def describe(records: Records) -> dict[str, Any]:
    """Return what --json writes: every statement with its verdict, and the table of the page."""
    statements: list[dict[str, Any]] = []
    lines: list[list[str]] = []
    for name, claim in CLAIMS.items():
        holds, found = claim.check(records)
        statements.append({"name": name, "source": claim.source, "text": claim.text, "found": found, "holds": holds})
        lines.append([f"{claim.source}: {claim.text}", found, "yes" if holds else "**no**"])
    holding = sum(statement["holds"] for statement in statements)
    note = f"{holding} of {len(CLAIMS)} hold; `python -m benchmarks.outside.toy_claims`."
    return {"statements": statements, "heads": ["statement", "found", "holds"], "lines": lines, "note": note}


def main() -> None:
    """Print the statements with their verdicts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("results"), help="the folder of the three records")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    content = describe(read_records(options.results))
    for each in content["statements"]:
        verdict = "holds" if each["holds"] else "does not hold"
        print(f"{verdict:<14} {each['source']}: {each['text']}  ({each['found']})")
    print(content["note"])
    if options.json is not None:
        write_json(options.json, content)


if __name__ == "__main__":
    main()
