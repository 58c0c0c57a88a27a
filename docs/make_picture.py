"""Draws the picture of the README from the demo's comparison on record.

python docs/make_picture.py [--check]
"""

import re
import sys
from pathlib import Path

from pydantic import TypeAdapter

from catscale.comparison.result import Comparison
from catscale.report.export import draw_svg
from catscale.report.figures.figure import Figure, Source
from catscale.report.figures.outcome import draw_differences

ROOT = Path(__file__).parent.parent
RECORD = ROOT / "results" / "comparison-demo-identity.json"
PICTURE = ROOT / "docs" / "images" / "demo.svg"
WORDS = re.compile(r">([^<>]+)<")


def draw() -> str:
    """Return the figure of differences by direction as SVG."""
    comparison = TypeAdapter(Comparison).validate_json(RECORD.read_text(encoding="utf-8"))
    figure = draw_differences(Source(comparison))
    if not isinstance(figure, Figure):
        raise SystemExit(f"{RECORD} must have differences to draw, found {figure.reason}")
    return draw_svg(figure, width=760)


def main() -> int:
    """Write the picture, or return whether the one that is there has other words."""
    text = draw()
    if "--check" in sys.argv:  # another version of the renderer may place a line elsewhere
        return int(WORDS.findall(PICTURE.read_text(encoding="utf-8")) != WORDS.findall(text))
    PICTURE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
