"""The toy's trajectories as an SVG: a panel per method, grey lines of equal loss, a line per start."""

import torch
from benchmarks.outside.toy_problem import toy_losses
from torch import Tensor

EDGE, SPAN, GRID = 220, 11.0, 44
COLOURS = ("#4477aa", "#ee6677", "#228833", "#aa3377", "#ccbb44")


def draw(found: dict[str, list[Tensor]]) -> str:
    """Return the text of an SVG.

    Args:
        found: For each method, (S, 2) points per start.
    """
    width = EDGE * len(found)
    panels = [
        f'<g transform="translate({EDGE * index} 0)">{_draw_panel(name, paths)}</g>'
        for index, (name, paths) in enumerate(found.items())
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {EDGE + 20}" font-family="sans-serif">'
    return head + "".join(panels) + "</svg>\n"


def _draw_panel(name: str, paths: list[Tensor]) -> str:
    parts = [_shade(), f'<text x="{EDGE / 2}" y="{EDGE + 14}" text-anchor="middle" font-size="13">{name}</text>']
    for colour, path in zip(COLOURS, paths, strict=False):
        line = " ".join(f"{_across(float(x)):.1f},{_down(float(y)):.1f}" for x, y in path)
        (x0, y0), (x1, y1) = path[0].tolist(), path[-1].tolist()
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(f'<circle cx="{_across(x0):.1f}" cy="{_down(y0):.1f}" r="3" fill="{colour}"/>')
        parts.append(f'<path d="M{_across(x1) - 4:.1f} {_down(y1):.1f}h8m-4 -4v8" stroke="{colour}"/>')
    return "".join(parts)


def _shade() -> str:
    """Return squares, darker where the sum of both losses (of equal scale) is larger."""
    size = EDGE / GRID
    axis = -SPAN + (torch.arange(GRID, dtype=torch.float64) + 0.5) * 2 * SPAN / GRID
    total = torch.stack(toy_losses(torch.cartesian_prod(axis, axis), 1.0)).sum(0)
    shades = (255 - 90 * ((total + 40) / 60).clamp(0, 1)).round().int().tolist()
    cells = []
    for index, shade in enumerate(shades):
        i, j = divmod(index, GRID)
        cells.append(
            f'<rect x="{i * size:.1f}" y="{(GRID - 1 - j) * size:.1f}" width="{size:.1f}" height="{size:.1f}" '
            f'fill="rgb({shade},{shade},{shade})"/>'
        )
    return "".join(cells)


def _across(x: float) -> float:
    return (x + SPAN) / (2 * SPAN) * EDGE


def _down(y: float) -> float:
    return (SPAN - y) / (2 * SPAN) * EDGE
