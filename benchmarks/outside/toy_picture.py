"""The toy's trajectories as an SVG for light and dark grounds: a panel per method, a line per start.

Dashed are the valleys of both losses in the upper half, grey is the Pareto front; a dot is a start, a cross an end.
"""

import math
from collections.abc import Mapping, Sequence

from benchmarks.outside.toy_problem import Points

EDGE, GAP, SPAN, COLUMNS = 200, 12, 11.0, 4
FRONT = -8.3552
"""x_2 of the front, from x_1 = −7 to 7."""
STYLE = """
text{font:13px sans-serif;fill:#24292f}.frame,.valley{fill:none;stroke:#8c959f}.valley{stroke-dasharray:3 3}
.front{stroke:#afb8c1;stroke-width:5}polyline,.end{fill:none;stroke-width:1.6}
.p0{stroke:#0969da}.p1{stroke:#cf222e}.p2{stroke:#1a7f37}.p3{stroke:#8250df}.p4{stroke:#9a6700}
circle.p0{fill:#0969da}circle.p1{fill:#cf222e}circle.p2{fill:#1a7f37}circle.p3{fill:#8250df}circle.p4{fill:#9a6700}
"""
DARK = """
text{fill:#e6edf3}.front{stroke:#6e7681}
.p0{stroke:#58a6ff}.p1{stroke:#ff7b72}.p2{stroke:#3fb950}.p3{stroke:#bc8cff}.p4{stroke:#d29922}
circle.p0{fill:#58a6ff}circle.p1{fill:#ff7b72}circle.p2{fill:#3fb950}circle.p3{fill:#bc8cff}circle.p4{fill:#d29922}
"""


def thin(path: Points, distance: float = 0.1) -> str:
    """Return a trajectory's points `x,y x,y …`, each at least a distance from the one before; the last is its end.

    Args:
        path: (P, 2).
        distance: The distance.
    """
    points = path.tolist()
    kept = points[:1]
    for point in points[1:]:
        if math.dist(point, kept[-1]) >= distance:
            kept.append(point)
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in [*kept, points[-1]])


def draw(found: Mapping[str, Sequence[str]]) -> str:
    """Return the text of an SVG.

    Args:
        found: The thinned trajectories of each method.
    """
    columns = min(COLUMNS, len(found))
    width, height = columns * (EDGE + GAP) - GAP, math.ceil(len(found) / columns) * (EDGE + 24)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">',
        f"<style>{STYLE}@media (prefers-color-scheme:dark){{{DARK}}}</style>",
    ]
    for index, (name, paths) in enumerate(found.items()):
        row, column = divmod(index, columns)
        place = f"translate({column * (EDGE + GAP)} {row * (EDGE + 24)})"
        parts.append(f'<g transform="{place}">{_draw_panel(name, paths)}</g>')
    return "\n".join([*parts, "</svg>\n"])


def _draw_panel(name: str, paths: Sequence[str]) -> str:
    ground = [(step / 4, math.tanh(step / 4)) for step in range(int(4 * SPAN) + 1)]
    parts = [
        f'<rect class="frame" x=".5" y=".5" width="{EDGE - 1}" height="{EDGE - 1}"/>',
        f'<text x="{EDGE / 2}" y="{EDGE + 15}" text-anchor="middle">{name}</text>',
        *(f'<polyline class="valley" points="{_place([(s * (7 - 2 * t), y) for y, t in ground])}"/>' for s in (-1, 1)),
        f'<path class="front" d="M{_place([(-7, FRONT)])}L{_place([(7, FRONT)])}"/>',
    ]
    for index, text in enumerate(paths):
        path = [(float(x), float(y)) for x, y in (point.split(",") for point in text.split())]
        (start, end), kind = _place([path[0], path[-1]]).split(), f"p{index}"
        x, y = start.split(",")
        parts.append(
            f'<polyline class="{kind}" points="{_place(path)}"/><circle class="{kind}" cx="{x}" cy="{y}" r="3"/>'
        )
        parts.append(f'<path class="end {kind}" d="M{end}m-4 -4l8 8m0 -8l-8 8"/>')
    return "\n".join(parts)


def _place(points: Sequence[tuple[float, float]]) -> str:
    """Return points of the panel, of which the middle is x = 0."""
    scale = EDGE / (2 * SPAN)
    return " ".join(f"{(x + SPAN) * scale:.1f},{(SPAN - y) * scale:.1f}" for x, y in points)
