"""Figures as files: PNG, SVG and CSV, from the specification and the rows that the page draws."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from catscale.errors import CatscaleError
from catscale.report.figures.figure import Figure
from catscale.report.figures.layout import fit_width, remove_hover
from catscale.report.figures.theme import CONFIG, LIGHT, resolve_colors
from catscale.report.series import round_numbers
from catscale.system.console.csv_text import to_csv
from catscale.system.console.messages import Say
from catscale.system.memory import addresses_left
from catscale.system.writing.files import create_file, new_folder

VEGA_LITE = "6.4"  # of the bundle in the page, too
WIDTH = 900
KINDS = ("svg", "png", "csv")  # of each figure
RESERVED = 65 << 30
"""Return the bytes of addresses that the engine of vl-convert 1.9 reserves when it begins to draw; it aborts with
fewer."""
SCALE = 2.0  # pixels of the PNG a pixel of the SVG


def load_renderer() -> Any:
    """Import the module vl_convert when it is needed: it brings a JavaScript engine of 84 MB.

    Raises:
        CatscaleError: If it is not installed, or a limit of memory would end the process as soon as it draws.
    """
    left = addresses_left()
    if left is not None and left < RESERVED:
        raise CatscaleError(
            f"the figures are drawn by a JavaScript engine that reserves {RESERVED >> 30} GiB of addresses (not of "
            f"memory), and ulimit -v leaves {left >> 30}; raise it (ulimit -v unlimited), and run the command again"
        )
    try:
        return import_module("vl_convert")
    except ImportError as error:
        raise CatscaleError(
            f"the report needs vl-convert-python, which draws the figures, and it cannot be imported ({error}); "
            "run `pip install vl-convert-python`"
        ) from error


def draw_svg(figure: Figure, colors: dict[str, str] = LIGHT, width: int = WIDTH) -> str:
    """Draw a figure on white, with its title and its text.

    Args:
        figure: To draw.
        colors: Colours by name; names that are missing stay CSS variables, for a picture within a page.
        width: Pixels.
    """
    rows = figure.shown(figure.rows)
    field = figure.spec["usermeta"].get("field")
    plots = len({row[field] for row in rows}) if field else 1
    spec = remove_hover(fit_width(figure.spec, width, plots))
    spec |= {"config": CONFIG, "datasets": {"rows": rows}, "padding": 12}
    spec["title"] = {"text": figure.heading, "anchor": "start", "color": "var(--ink)", "offset": 14}
    spec["description"] = figure.alt
    with _drawing(figure):
        svg: str = load_renderer().vegalite_to_svg(resolve_colors(spec, colors), vl_version=VEGA_LITE)
    return svg


@contextmanager
def _drawing(figure: Figure) -> Iterator[None]:
    """Name the figure that the engine cannot draw, as where it may open no more files.

    Raises:
        CatscaleError: If the engine fails, with what it said.
    """
    try:
        yield
    except ValueError as error:
        reason = " ".join(str(error).split())[:300]
        raise CatscaleError(
            f"the figure {figure.name} cannot be drawn ({reason}); check the limits of this shell (ulimit -a), and run "
            "the same command again"
        ) from error


def write_figures(figures: Sequence[Figure], folder: Path, say: Say) -> None:
    """Write `NAME.svg`, `NAME.png` and `NAME.csv` of each figure, in place of what the folder held.

    Args:
        figures: To write.
        folder: Replaced as a whole.
        say: Receives one line.

    Raises:
        CatscaleError: If the folder holds what no report wrote, which would be lost.
    """
    renderer = load_renderer()
    _check_ours(folder)
    say(f"drawing {len(figures)} figures")
    with new_folder(folder) as temporary:
        for figure in figures:
            svg = draw_svg(figure)
            with _drawing(figure):
                png = renderer.svg_to_png(svg, scale=SCALE)
            for kind, content in zip(KINDS, (svg.encode(), png, rows_as_csv(figure.rows).encode()), strict=True):
                with create_file(temporary / f"{figure.name}.{kind}") as file:
                    file.write(content)


def _check_ours(folder: Path) -> None:
    held = {path.name: path for path in folder.iterdir()} if folder.is_dir() else {}
    foreign = sorted(
        name for name, path in held.items() if not all(path.with_suffix(f".{kind}").name in held for kind in KINDS)
    )
    if foreign:
        raise CatscaleError(
            f"{folder} would be replaced, and holds {foreign[0]}, which no report wrote; choose another folder with "
            "--out, or move it away"
        )


def rows_as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """Return rows as CSV with a header: every row of a figure, also those that a picture leaves out.

    Example:
        >>> rows_as_csv([{"method": "T=1", "mean": 0.25}])
        'method,mean\\nT=1,0.25\\n'
    """
    return to_csv(list(rows[0]), (row.values() for row in round_numbers(rows)))
