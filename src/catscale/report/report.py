"""`report.html` of a comparison, and its figures and numbers as files."""

from pathlib import Path

from catscale.comparison.result import Comparison
from catscale.errors import CatscaleError
from catscale.report.data_table import DataTable, describe_data
from catscale.report.document import Parts, assemble_page
from catscale.report.examples import draw_examples, write_examples
from catscale.report.export import VEGA_LITE, load_renderer, write_figures
from catscale.report.figures.all import draw_figures
from catscale.report.figures.figure import Figure, Source
from catscale.report.history import read_runs
from catscale.report.provenance import write_provenance
from catscale.report.published import find_published
from catscale.report.training_table import list_facts, make_training_table, summarise_training
from catscale.system.console.csv_text import to_csv
from catscale.system.console.messages import Say
from catscale.system.writing.files import write_text


def write_report(
    comparison: Comparison, folder: Path, say: Say, title: str = "Comparison of runs", lead: str = ""
) -> None:
    """Write `report.html`, `data.csv` and `figures/NAME.png`, `.svg`, `.csv`.

    Args:
        comparison: The result; its methods' folders are read for curves, weights and analyses.
        folder: The folder to write to; `figures` in it is replaced.
        say: Receives plain lines.
        title: The page's heading.
        lead: A sentence or two on what was compared and why.

    Raises:
        CatscaleError: If vl-convert-python is missing, or the folder cannot be written.
    """
    runs = read_runs(comparison)
    figures = draw_figures(Source(comparison, runs))
    data = describe_data(comparison, runs)
    bundle = load_bundle()
    write_figures([figure for figure in figures if isinstance(figure, Figure)], folder / "figures", say)
    write_text(folder / "data.csv", write_data_csv(data))
    trainings = summarise_training(comparison, runs)
    parts = Parts(
        figures=figures,
        data=data,
        published=find_published(comparison),
        facts=list_facts(comparison, trainings, runs),
        training=make_training_table(trainings),
        examples=write_examples(draw_examples(comparison), comparison),
        provenance=write_provenance(comparison, runs),
        bundle=bundle,
    )
    write_text(folder / "report.html", assemble_page(comparison, parts, title, lead))


def load_bundle() -> str:
    """Return Vega, Vega-Lite and their embedding as one script, which an HTML parser reads to its end.

    Raises:
        CatscaleError: If it holds what would end the script.
    """
    bundle: str = load_renderer().javascript_bundle(vl_version=VEGA_LITE)
    if "</script" in bundle.lower():
        raise CatscaleError(
            "vl-convert-python's JavaScript holds `</script`, which a page cannot contain; use version 1.9 of it"
        )
    return bundle


def write_data_csv(data: DataTable) -> str:
    """Return CSV with a line per direction: group, pairs, share, what each method draws."""
    drawn = [f"drawn by {name}" for name in data.rows[0].sampled]
    rows = [
        [row.direction.name, row.direction.group, row.direction.sentences, row.direction.pairs, row.share,
         *row.sampled.values()]
        for row in data.rows
    ]  # fmt: skip
    return to_csv(["direction", "group", "sentences", "pairs", "share", *drawn], rows)
