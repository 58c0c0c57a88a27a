"""The page of a comparison: one HTML file that needs nothing else."""

from collections.abc import Sequence
from importlib.resources import files
from string import Template

from catscale.comparison.result import METRICS, Comparison
from catscale.report.data_table import DataTable
from catscale.report.encode import encode_page_data
from catscale.report.figures.figure import Figure, Missing
from catscale.report.figures.theme import series_color, write_variables
from catscale.report.published import FACTOR, Published
from catscale.report.tables import data_table, published_table, score_table
from catscale.system.safe_text import for_page

SECTIONS = {
    "outcome": "What came out",
    "learning": "How it was learnt",
    "balancing": "What the methods did",
    "landscape": "The loss landscape",
}


def read_asset(name: str) -> str:
    """A text file of the page."""
    return files("catscale.report").joinpath("assets", name).read_text(encoding="utf-8")


def assemble_page(
    comparison: Comparison, figures: Sequence[Figure | Missing], data: DataTable, published: Sequence[Published],
    provenance: str, bundle: str, title: str, lead: str,
) -> str:  # fmt: skip
    """The whole page.

    Args:
        comparison: The scores and the verdict.
        figures: In the order of the page.
        data: What the runs were trained on.
        published: The paper's tables that fit.
        provenance: HTML on configuration and versions.
        bundle: JavaScript of the plotting library.
        title: Heading.
        lead: What was compared.
    """
    drawn = [figure for figure in figures if isinstance(figure, Figure)]
    methods = [method.name for method in comparison.methods]
    sections = {key: _section(key, [f for f in figures if f.section == key]) for key in SECTIONS}
    main = [_scores(comparison), sections["outcome"], _published(published, comparison)]
    main += [sections[key] for key in ("learning", "balancing", "landscape")]
    main += [_data(data, comparison), f"<section><h2>How it was made</h2>{provenance}</section>"]
    texts = {"title": title, "verdict": comparison.verdict, "lead": lead, "baseline": comparison.baseline}
    texts |= {"reason": comparison.baseline_reason.rstrip("."), "split": comparison.split}
    return Template(read_asset("report.html")).substitute(
        {key: for_page(text) for key, text in texts.items()},
        variables=write_variables(),
        style=read_asset("report.css"),
        warnings=_warnings(comparison.warnings),
        chips="".join(_chip(index, name) for index, name in enumerate(methods)),
        main="\n".join(main),
        bundle=bundle,
        data=encode_page_data(drawn, methods),
        script=read_asset("report.js"),
    )


def _warnings(lines: Sequence[str]) -> str:
    entries = "".join(f"<li>{_code(line)}</li>" for line in lines)
    return f'<div class="warning" role="note"><ul>{entries}</ul></div>' if lines else ""


def _chip(index: int, name: str) -> str:
    dot = f'<span class="dot" style="background:{series_color(index)}"></span>'
    return f'<label><input type="checkbox" value="{index}" checked autocomplete="off">{dot}{for_page(name)}</label>'


def _scores(comparison: Comparison) -> str:
    captions = {"bleu": "BLEU, higher is better", "chrf": "chrF, higher is better"}
    captions["nll"] = "NLL, nats per token, lower is better"
    captions["ter"] = "TER, lower is better"
    parts = [
        f"<details{' open' if metric == 'bleu' else ''}><summary>{captions[metric]}</summary>"
        f"{score_table(comparison, metric)}</details>"
        for metric in METRICS
        if any(row.metric == metric for row in comparison.rows)
    ]
    seeds = " or ".join(str(count) for count in sorted({len(method.seeds) for method in comparison.methods}))
    tested = f"paired bootstrap of sentences, {comparison.resamples:,} resamples"
    tested += ", and the spread between seeds" if comparison.knows_seeds else ", which says nothing of other seeds"
    note = (
        f"Mean ± standard deviation over seeds ({seeds} a method; none where it is one), "
        f"{comparison.split} set. Below it the difference to {comparison.baseline} ± its own over seeds, and its 95% "
        f"interval ({tested}). ▲ significantly better, ▼ significantly worse: p < 0.05 after the correction for "
        f"{comparison.corrected_for:,} comparisons; unmarked: not shown to differ. "
        "Averages count each direction once."
    )
    return f'<section><h2>Scores by direction</h2>{"".join(parts)}<p class="note">{for_page(note)}</p></section>'


def _section(key: str, figures: Sequence[Figure | Missing]) -> str:
    drawn = "".join(_figure(figure) for figure in figures if isinstance(figure, Figure))
    reasons: dict[str, list[str]] = {}
    for figure in figures:
        if isinstance(figure, Missing):
            reasons.setdefault(figure.reason, []).append(figure.title)
    missing = "".join(
        f'<p class="missing"><strong>Not shown: {for_page("; ".join(titles))}.</strong> {_code(_begin(reason))}.</p>'
        for reason, titles in reasons.items()
    )
    return f"<section><h2>{SECTIONS[key]}</h2>{drawn}{missing}</section>"


def _begin(text: str) -> str:
    """A text as a sentence begins."""
    return text[:1].upper() + text[1:]


def _code(text: str) -> str:
    """A text with what stands between backquotes as code."""
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
    head = "<section><h2>The paper's figures beside ours</h2>"
    if not tables:
        text = (
            "The data are not those of one of the paper's benchmarks (TED-8 related or diverse, WMT-10, OPUS-100, from "
            f"English): languages differ, or sizes by more than a factor of {FACTOR:g}."
        )
        if comparison.split != "test":
            text = f"The paper's scores are those of test sets; these are of the {comparison.split} set."
        return f'{head}<p class="missing">{text}</p></section>'
    parts = "".join(f"<h3>{for_page(t.name)} (table {t.table})</h3>{published_table(t, comparison)}" for t in tables)
    about = f"{for_page(tables[0].source)}; {for_page(tables[0].metric)}"
    note = (
        f"{about}; * significant there. The languages are those of the "
        f"paper's table and their train sizes lie within a factor of {FACTOR:g}; averages are over the paper's groups. "
        "Text, cleaning, model and BLEU's tokenizer may differ, so compare differences rather than levels."
    )
    return f'{head}{parts}<p class="note">{note}</p></section>'


def _data(data: DataTable, comparison: Comparison) -> str:
    note = (
        f"{data.total:,} train pairs in {len(data.rows)} directions; entropy of the shares {data.entropy:.2f} nats = "
        f"{data.entropy_base_10:.2f} with base-10 logarithms. The paper's Table 1 has 0.71 (TED) and 0.21 (WMT), "
        "which fit base 10, and 4.2 (OPUS-100), which fits nats. What a method drew is the mean over the steps of its "
        "training."
    )
    return f'<section><h2>Data</h2>{data_table(data, comparison)}<p class="note">{note}</p></section>'
