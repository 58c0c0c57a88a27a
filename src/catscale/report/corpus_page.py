"""`stats.html`, `stats.json` and the figure of a corpus' statistics."""

from collections.abc import Sequence
from pathlib import Path
from string import Template

from catscale.corpus_statistics.corpus import CorpusStatistics
from catscale.corpus_statistics.duplicates import MOST
from catscale.corpus_statistics.examples import KINDS
from catscale.report.corpus_tables import Grid, make_grids
from catscale.report.corpus_terminal import SHOWN, below, examples_of, sum_up_balance
from catscale.report.document import read_asset
from catscale.report.export import draw_svg, write_figures
from catscale.report.figures.figure import Figure
from catscale.report.figures.theme import write_variables
from catscale.report.figures.train_pairs import train_pairs
from catscale.report.html_tables import write_cell, write_column, write_row_name, write_table
from catscale.system.console.messages import Say
from catscale.system.console.safe_text import for_page
from catscale.system.writing.files import write_json, write_text

WIDTHS = {"wide": 900, "narrow": 400}
"""Pixels of the figure, of which the style sheet shows one."""
RULES = (
    "Empty pairs, of which a side is only white space or characters that nobody sees, count in no other figure. Words "
    "stand between white space. "
    "Equal: repeats an earlier one of its split and direction; exact up to "
    f"{MOST:,} distinct lines of a split, then (≈) estimated on a sample of them. In train: dev or test pairs of which "
    "a sentence stands in the train data of any direction, on the side of its language. Untranslated: the target is "
    "the source, letter case and white space aside; numbers and names are among them. Wrong script: letters in none of "
    "the scripts that the CLDR's likely subtags give the language (all of them where it has several), and lines in "
    "which they are more than half. Control: pairs with a control character other than a tab, on the side that has "
    "more of them. Too long and unbalanced: train pairs that data.cleaning would drop."
)


def write_statistics(statistics: CorpusStatistics, folder: Path, say: Say) -> None:
    """Write `stats.json`, `stats.html` and `figures/train-pairs.png`, `.svg`, `.csv`.

    Args:
        statistics: The statistics to show.
        folder: The folder to write to; `figures` in it is replaced.
        say: Receives one line.

    Raises:
        CatscaleError: If vl-convert-python is missing, or the folder cannot be written.
    """
    figure = train_pairs(statistics.balance)
    write_figures([figure], folder / "figures", say)
    write_json(folder / "stats.json", statistics.as_json())
    write_text(folder / "stats.html", assemble_page(statistics, figure))


def assemble_page(statistics: CorpusStatistics, figure: Figure) -> str:
    """Return one HTML file that needs nothing else, light or dark as the reader prefers it."""
    pieces = "" if statistics.vocabulary is None else f"; pieces of {statistics.vocabulary}"
    texts = {
        "title": f"Statistics of {Path(statistics.path).name}",
        "lead": f"{statistics.path}, {statistics.format}{pieces}.",
        "balance": sum_up_balance(statistics.balance),
    }
    parts = [_figure(figure), *map(_table, make_grids(statistics)), f'<p class="note">{for_page(RULES)}</p>']
    parts.append(_examples(statistics))
    return Template(read_asset("corpus.html")).substitute(
        {key: for_page(text) for key, text in texts.items()},
        variables=write_variables(),
        style=read_asset("report.css"),
        notes=_notes(statistics.notes),
        main="\n".join(parts),
    )


def _notes(lines: Sequence[str]) -> str:
    entries = "".join(f"<li>{for_page(line)}</li>" for line in lines)
    return f'<div class="warning" role="note"><ul>{entries}</ul></div>' if lines else ""


def _figure(figure: Figure) -> str:
    """Return the picture itself, for a desktop and for a telephone, its colours left to the page's style sheet."""
    links = ", ".join(f'<a href="figures/{figure.name}.{kind}">{kind.upper()}</a>' for kind in ("png", "svg", "csv"))
    alt = for_page(figure.alt)
    plots = "".join(
        f'<div class="plot {name}" role="img" aria-label="{alt}">{draw_svg(figure, {}, width)}</div>'
        for name, width in WIDTHS.items()
    )
    return (
        f"<figure>{plots}"
        f'<figcaption>{for_page(figure.caption)} <span class="files">Files: {links}.</span></figcaption></figure>'
    )


def _examples(statistics: CorpusStatistics) -> str:
    """Return a few faulty lines of each kind with their files and numbers; nothing where none was found."""
    tables = []
    for kind, meaning in KINDS.items():
        found = list(examples_of(statistics, kind))[:SHOWN]
        rows = [
            write_row_name(f"{below(each.file, statistics.path)}:{each.line}")
            + write_cell(each.source, long=True)
            + write_cell(each.target, long=True)
            for each in found
        ]
        name = f"{kind.replace('_', ' ')}: {meaning}"
        table = write_table(
            name,
            [write_column("file and line"), write_column("source", long=True), write_column("target", long=True)],
            [rows],
        )
        tables += [f"<h3>{for_page(name)}</h3>{table}"] if rows else []
    return f"<section><h2>Lines that show it</h2>{''.join(tables)}</section>" if tables else ""


def _table(grid: Grid) -> str:
    bodies = [[write_row_name(name) + "".join(map(write_cell, cells)) for name, *cells in rows] for rows in grid.groups]
    table = write_table(grid.title, [write_column(text) for text in grid.head], bodies)
    return f"<section><h2>{for_page(grid.title)}</h2>{table}</section>"
