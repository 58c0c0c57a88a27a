"""Draws the pictures of the README and of the pages from comparisons on record.

python docs/make_picture.py [--check]

`results/comparison-tatoeba-new.json` is the comparison that `python -m experiments.run tatoeba-new main` makes, without
the rows of single directions.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

from pydantic import TypeAdapter

from catscale.comparison.result import Comparison
from catscale.report.export import draw_svg
from catscale.report.figures.figure import Figure, Missing, Source
from catscale.report.figures.forgetting import draw_new_against_old
from catscale.report.figures.outcome import draw_differences

ROOT = Path(__file__).parent.parent
Draw = Callable[[Source], Figure | Missing | None]
PICTURES: dict[str, tuple[str, Draw]] = {
    "demo": ("comparison-demo-identity", draw_differences),
    "new-against-old": ("comparison-tatoeba-new", draw_new_against_old),
}
"""Picture under `docs/images` → comparison under `results`, and what draws it."""
WORDS = re.compile(r">([^<>]+)<")


def draw(name: str) -> str:
    """Return one of the pictures as SVG."""
    record, make = PICTURES[name]
    path = ROOT / "results" / f"{record}.json"
    found = make(Source(TypeAdapter(Comparison).validate_json(path.read_text(encoding="utf-8"))))
    if not isinstance(found, Figure):
        raise SystemExit(f"{path} must have what {name} draws, found {found.reason if found else 'nothing of it'}")
    return draw_svg(found, width=760)


def main() -> int:
    """Write the pictures, or return whether one that is there has other words."""
    texts = {ROOT / "docs" / "images" / f"{name}.svg": draw(name) for name in PICTURES}
    if "--check" in sys.argv:  # another version of the renderer may place a line elsewhere
        return int(any(WORDS.findall(path.read_text(encoding="utf-8")) != WORDS.findall(texts[path]) for path in texts))
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
