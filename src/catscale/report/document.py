"""The page of a comparison: one HTML file that needs nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from string import Template

from catscale.comparison.result import Comparison
from catscale.comparison.verdict import state_basis
from catscale.evaluation.metrics.contract import Metric
from catscale.evaluation.metrics.table import METRICS, list_telling
from catscale.report.data_table import DataTable
from catscale.report.encode import encode_page_data
from catscale.report.figures.figure import Figure, Missing
from catscale.report.figures.theme import pick_color, write_variables
from catscale.report.forgetting_tables import write_forgetting
from catscale.report.html_tables import write_data_table, write_published_table, write_score_table
from catscale.report.published import FACTOR, Published
from catscale.system.console.safe_text import for_page

SECTIONS = {
    "outcome": "What came out",
    "learning": "How it was learnt",
    "balancing": "What the methods did",
    "landscape": "The loss landscape",
}


PAPER = "Li and Gong, Robust Optimization for Multilingual Translation with Imbalanced Data, NeurIPS 2021"
TRAINING = (
    "Time is that of training with its validations, from each run's own clock; speed is the median over its records. "
    "Runs that share a machine slow each other down: this compares no methods' speed."
)


def read_asset(name: str) -> str:
    """Return a text file of the page."""
    return files("catscale.report").joinpath("assets", name).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Parts:
    """The parts of the page beside the comparison.

    Attributes:
        figures: The figures, in the order of the page.
        data: The table of the training data.
        published: The paper's tables that fit.
        facts: Name and value of what stands first.
        training: HTML of the table of trainings.
        examples: HTML of example translations; empty where there are none.
        provenance: HTML on configuration and versions.
        bundle: JavaScript of the plotting library.
    """

    figures: Sequence[Figure | Missing]
    data: DataTable
    published: Sequence[Published]
    facts: Sequence[tuple[str, str]]
    training: str
    examples: str
    provenance: str
    bundle: str


def assemble_page(comparison: Comparison, parts: Parts, title: str, lead: str) -> str:
    """Return the whole page.

    Args:
        comparison: The scores and the verdict.
        parts: Everything else.
        title: Heading.
        lead: A sentence on what was compared.
    """
    drawn = [figure for figure in parts.figures if isinstance(figure, Figure)]
    methods = [method.name for method in comparison.methods]
    sections = {key: _section(key, [f for f in drawn if f.section == key]) for key in SECTIONS}
    main = [
        _scores(comparison),
        write_forgetting(comparison),
        sections["outcome"],
        parts.examples,
        _published(parts.published, comparison),
    ]
    main += [f"<section><h2>Training</h2>{parts.training}<p class='note'>{TRAINING}</p></section>"]
    main += [sections[key] for key in ("learning", "balancing", "landscape")]
    main += [_data(parts.data, comparison), f"<section><h2>How it was made</h2>{parts.provenance}</section>"]
    main.append(_not_shown([f for f in parts.figures if isinstance(f, Missing)], comparison, parts.published))
    texts = {"title": title, "verdict": comparison.verdict, "lead": lead, "baseline": comparison.baseline}
    texts |= {"reason": comparison.baseline_reason.rstrip("."), "paper": PAPER}
    return Template(read_asset("report.html")).substitute(
        {key: for_page(text) for key, text in texts.items()},
        variables=write_variables(),
        style=read_asset("report.css"),
        facts="".join(f"<div><dt>{for_page(k)}</dt><dd>{for_page(v)}</dd></div>" for k, v in parts.facts),
        basis="".join(f"<li>{for_page(line)}</li>" for line in state_basis(comparison, comparison.metric)),
        warnings=_warnings(comparison.warnings),
        chips="".join(_chip(index, name) for index, name in enumerate(methods)),
        main="\n".join(filter(None, main)),
        bundle=parts.bundle,
        data=encode_page_data(drawn, methods),
        script=read_asset("report.js"),
    )


def _warnings(lines: Sequence[str]) -> str:
    entries = "".join(f"<li>{_code(line)}</li>" for line in lines)
    return f'<div class="warning" role="note"><ul>{entries}</ul></div>' if lines else ""


def _chip(index: int, name: str) -> str:
    dot = f'<span class="dot" style="background:{pick_color(index)}"></span>'
    return f'<label><input type="checkbox" value="{index}" checked autocomplete="off">{dot}{for_page(name)}</label>'


def _scores(comparison: Comparison) -> str:
    parts = [
        f"<details{' open' if metric == comparison.metric else ''}><summary>{_caption(METRICS[metric])}</summary>"
        f"{write_score_table(comparison, metric)}</details>"
        for metric in METRICS
        if any(row.metric == metric for row in comparison.rows)
    ]
    seeds = " or ".join(str(count) for count in sorted({len(method.seeds) for method in comparison.methods}))
    if comparison.knows_seeds:
        tested = "over test sentences and seeds together (sentences alone where a method has one seed)"
        marks = (
            "▲ significantly better, ▼ significantly worse: p < 0.05 after the correction for "
            f"{comparison.corrected_for:,} comparisons; unmarked: not shown to differ."
        )
    else:
        tested = "over test sentences alone"
        marks = "No difference is marked: one seed decides nothing, for another may turn it round."
    low = _near_chance(comparison)
    note = (
        f"Mean ± standard deviation over seeds ({seeds} a method; none where it is one), {comparison.split} set. Below "
        f"it the difference to {comparison.baseline} ± its own over seeds, and its 95% interval {tested}. {marks}{low} "
        "Averages count each direction once."
    )
    return f'<section><h2>Scores by direction</h2>{"".join(parts)}<p class="note">{for_page(note)}</p></section>'


def _caption(metric: type[Metric]) -> str:
    """Name a metric with its unit and which way is better."""
    way = f"{'higher' if metric.higher_is_better else 'lower'} is better"
    return for_page(", ".join(filter(None, [metric.label, metric.unit, way])))


def _near_chance(comparison: Comparison) -> str:
    """Name the metrics with scores so low that they are near chance; nothing where there are none."""
    found = {row.metric for row in comparison.rows}
    low = {row.metric for row in comparison.rows if row.mean < (METRICS[row.metric].least or float("-inf"))}
    return "".join(
        f" {METRICS[name].label} below {METRICS[name].least:g} is near chance and never marked: look at "
        f"{list_telling(found)}."
        for name in METRICS
        if name in low
    )


def _section(key: str, figures: Sequence[Figure]) -> str:
    """Return a part of the page; nothing where it has no figure."""
    drawn = "".join(map(_figure, figures))
    return f"<section><h2>{SECTIONS[key]}</h2>{drawn}</section>" if drawn else ""


def _not_shown(missing: Sequence[Missing], comparison: Comparison, published: Sequence[Published]) -> str:
    """Return a small list of what there are no data for, each with the way to get it."""
    reasons: dict[str, list[str]] = {}
    for figure in missing:
        reasons.setdefault(figure.reason, []).append(figure.title)
    if not published:
        reasons[_why_unpublished(comparison)] = ["The paper's scores beside ours"]
    entries = "".join(
        f"<li>{for_page('; '.join(titles))}: {_code(reason.rstrip('.'))}.</li>" for reason, titles in reasons.items()
    )
    return f'<section class="missing"><h2>Not shown</h2><ul>{entries}</ul></section>' if entries else ""


def _why_unpublished(comparison: Comparison) -> str:
    if comparison.split != "test":
        return f"its scores are those of test sets, these are of the {comparison.split} set"
    return (
        "the data are not those of one of its benchmarks (TED-8 related or diverse, WMT-10, OPUS-100, from English): "
        f"languages differ, or sizes by more than a factor of {FACTOR:g}"
    )


def _code(text: str) -> str:
    """Return a text with backquoted parts as code."""
    parts = for_page(text).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))


def _figure(figure: Figure) -> str:
    choice = ""
    if figure.choice is not None:
        options = "".join(f"<option>{for_page(name)}</option>" for name in figure.choice.options)
        menu = f'<select autocomplete="off">{options}</select>'
        choice = f'<p class="choice"><label>{for_page(figure.choice.label)} {menu}</label></p>'
    links = ", ".join(f'<a href="figures/{figure.name}.{kind}">{kind.upper()}</a>' for kind in ("png", "svg", "csv"))
    return (
        f'<figure id="figure-{figure.name}"><h3>{for_page(figure.title)}</h3>{choice}'
        f'<div class="plot" role="img" aria-label="{for_page(figure.alt)}"></div>'
        f'<figcaption>{for_page(figure.caption)} <span class="files">Files: {links}.</span></figcaption></figure>'
    )


def _published(tables: Sequence[Published], comparison: Comparison) -> str:
    if not tables:
        return ""
    head = "<section><h2>The paper's figures beside ours</h2>"
    parts = "".join(
        f"<h3>{for_page(t.name)} (table {t.table})</h3>{write_published_table(t, comparison)}"
        + "".join(f'<p class="note">{for_page(note)}</p>' for note in t.notes)
        for t in tables
    )
    about = f"{for_page(tables[0].source)}; {for_page(tables[0].metric)}"
    note = (
        f"{about}; * significant there. The languages are those of the "
        f"paper's table and their train sizes lie within a factor of {FACTOR:g}; averages are over the paper's groups. "
        "Text, cleaning, model and BLEU's tokenizer may differ, so compare differences rather than levels."
    )
    return f'{head}{parts}<p class="note">{note}</p></section>'


def _data(data: DataTable, comparison: Comparison) -> str:
    note = (
        f"{data.total:,} train pairs in {len(data.rows)} direction{'s' * (len(data.rows) != 1)}; entropy of the shares "
        f"{data.entropy:.2f} nats = "
        f"{data.entropy_base_10:.2f} with base-10 logarithms. The paper's Table 1 has 0.71 (TED) and 0.21 (WMT), "
        "which fit base 10, and 4.2 (OPUS-100), which fits nats. What a method drew is the mean over the steps of its "
        "training."
    )
    return f'<section><h2>Data</h2>{write_data_table(data, comparison)}<p class="note">{note}</p></section>'
