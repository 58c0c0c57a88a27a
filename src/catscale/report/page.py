"""`report.html`: one self-contained page."""

from collections.abc import Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from catscale.files import write_text
from catscale.report.comparison import METRICS, Row, best_of, compare_scores
from catscale.report.table import format_pairs, format_value

CAPTIONS = {
    "bleu": "BLEU on the test set, higher is better",
    "chrf": "chrF on the test set, higher is better",
    "nll": "Negative log-likelihood on the test set, nats per token, lower is better",
}


def write_page(
    path: Path, title: str, verdict: str, lead: str, scores: Mapping[str, Mapping[str, Any]], details: str
) -> None:
    """Write the page.

    Args:
        path: Where to.
        title: Heading.
        verdict: The result in a sentence.
        lead: What was compared.
        scores: Content of `scores.json` a run.
        details: Text on configuration and versions.
    """
    sections = "\n".join(_section(scores, metric) for metric in METRICS)
    template = Template(files("catscale.report").joinpath("page.html").read_text(encoding="utf-8"))
    texts = {"title": escape(title), "verdict": escape(verdict), "lead": escape(lead), "details": escape(details)}
    write_text(path, template.substitute(texts, sections=sections))


def _section(scores: Mapping[str, Mapping[str, Any]], metric: str) -> str:
    head = "".join(f"<th scope='col'>{escape(name)}</th>" for name in ("direction", "train pairs", *scores))
    bodies = "".join(
        f"<tbody>{''.join(_row(row, metric) for row in rows)}</tbody>" for rows in compare_scores(scores, metric)
    )
    table = f"<table><thead><tr>{head}</tr></thead>{bodies}</table>"
    return f"<h2>{escape(CAPTIONS[metric])}</h2>\n<div class='scroll'>{table}</div>"


def _row(row: Row, metric: str) -> str:
    best = best_of(row.values, metric)
    cells = "".join(
        f"<td{' class=best' if index == best else ''}>{format_value(value, metric)}</td>"
        for index, value in enumerate(row.values)
    )
    return f"<tr><td>{escape(row.name)}</td><td>{format_pairs(row.pairs)}</td>{cells}</tr>"
