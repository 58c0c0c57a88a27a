"""Every figure, from made-up runs of several shapes: its numbers, its words, and that it can be drawn."""

import json
import re

import pytest

from catscale.report.export import draw_svg, load_renderer
from catscale.report.figures.all import draw_figures
from catscale.report.figures.figure import Figure, Missing, Source
from catscale.report.figures.layout import HOVER, fit_width, remove_hover
from catscale.report.figures.theme import DARK, LIGHT, SERIES, pick_color, resolve_colors
from catscale.report.history import read_runs

from ..fakes import make_comparison

NAMES = [
    "differences", "pareto", "nll", "efficiency", "dev-bleu", "gap", "weights", "combined-gradient", "curvature",
    "alignment", "similarity-direction", "similarity-magnitude", "pairs-direction", "pairs-magnitude",
    "similarity-spread",
]  # fmt: skip


def source_of(folder, **options):
    comparison = make_comparison(folder, **options)
    return Source(comparison, read_runs(comparison))


def figures_of(source):
    return {figure.name: figure for figure in draw_figures(source) if isinstance(figure, Figure)}


def missing_of(source):
    return [figure for figure in draw_figures(source) if isinstance(figure, Missing)]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return source_of(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def figures(source):
    return figures_of(source)


def only(figure, **values):
    (row,) = [row for row in figure.rows if all(row[key] == value for key, value in values.items())]
    return row


def test_all_figures_are_there_but_the_learnt_sampling(source, figures):
    assert list(figures) == NAMES
    (missing,) = missing_of(source)
    assert "multidds" in missing.reason


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_is_drawn_with_its_marks_and_tells_its_numbers(figures, name):
    figure = figures[name]
    svg = draw_svg(figure)
    assert svg.startswith("<svg")
    assert "var(--" not in svg
    assert len(re.findall(r"<path", svg)) > 20
    assert LIGHT["series-4"] in svg or "similarity" in name or "pairs" in name
    assert re.search(r"\d", figure.alt)
    assert "CATS" in figure.alt
    assert figure.caption.endswith(".")


def test_curves_hold_the_mean_over_seeds_of_what_the_runs_recorded(source, figures):
    records = [run.valid[-1]["nll"]["en-be"] for run in source.runs if run.method == "T=1"]
    row = only(figures["nll"], method="T=1", direction="en-be", split="validation", step=800)
    assert row["mean"] == pytest.approx(sum(records) / 2)
    assert (row["low"], row["high"], row["seeds"]) == (min(records), max(records), 2)
    assert min(row["step"] for row in figures["nll"].rows) == 100


def test_sample_efficiency_averages_the_directions_of_a_group(source, figures):
    low = ["en-be", "en-az", "en-gl", "en-sk"]
    values = [run.valid[0]["nll"][name] for run in source.runs if run.method == "T=5" for name in low]
    row = only(figures["efficiency"], method="T=5", group="low-resource (4)", tokens=200_000)
    assert row["mean"] == pytest.approx(sum(values) / len(values))


def test_bleu_on_dev_is_what_the_runs_recorded_and_its_mean_over_directions(source, figures):
    figure = figures["dev-bleu"]
    records = [run.valid[3]["bleu"] for run in source.runs if run.method == "T=5 + CATS"]
    where = {"method": "T=5 + CATS", "step": 400}
    row = only(figure, label="en-be (400)", **where)
    assert (row["low"], row["high"]) == tuple(sorted(record["en-be"] for record in records))
    means = [sum(record.values()) / 8 for record in records]
    assert only(figure, label="mean over directions", **where)["mean"] == pytest.approx(sum(means) / 2)
    assert {row["step"] for row in figure.rows} == set(range(100, 801, 100))
    assert [len(values) for values in figure.choice.options.values()] == [1, 8]
    assert figure.heading == "BLEU on dev while training (mean over directions)"
    assert {row["label"] for row in figure.shown(figure.rows)} == {"mean over directions"}
    for part in ("a sample, at most 50 sentences", "greedy search", "are not equal"):
        assert part in figure.caption


def test_bleu_on_dev_says_who_lacks_it_and_has_no_mean_of_a_part(tmp_path):
    source = source_of(tmp_path, methods={"T=1": 1.0, "T=5": 5.0}, count=3, analysis=False)
    for run in source.runs:
        if run.method == "T=5":
            run.valid[:] = [{key: value for key, value in r.items() if key != "bleu"} for r in run.valid]
    for run in source.runs[:2]:
        run.valid[0]["bleu"]["en-xaa"] = None
    source.runs[0].config["training"]["validate_bleu"] = 200
    source.runs[1].config["training"] = {"validate_bleu": ["no number"]}
    source.runs[3].config["training"] = ["no mapping"]
    source.runs[2].config["training"]["validate_bleu"] = 50
    figure = figures_of(source)["dev-bleu"]
    assert {row["method"] for row in figure.rows} == {"T=1"}
    assert [row["label"].split()[0] for row in figure.rows if row["step"] == 100] == ["en-xab", "en-xac"]
    assert "Without a curve, since they were not asked to translate: T=5." in figure.caption
    assert "50, 200 sentences per direction, as the runs were set (not comparable)" in figure.caption
    assert "T=5" not in figure.alt


def test_bleu_on_dev_is_missing_where_no_run_has_it(tmp_path):
    made = source_of(tmp_path, methods={"T=1": 1.0}, seeds=1, analysis=False, dev_bleu=None)
    assert "dev-bleu" not in figures_of(made)
    (missing,) = [figure for figure in missing_of(made) if figure.title == "BLEU on dev while training"]
    assert "`training.validate_bleu: 50`" in missing.reason


def test_the_gap_is_validation_less_train_and_less_its_lowest(source, figures):
    runs = [run for run in source.runs if run.method == "T=100"]
    gaps = [run.valid[-1]["nll"]["en-az"] - run.train[-1]["nll"]["en-az"] for run in runs]
    rises = [run.valid[-1]["nll"]["en-az"] - min(r["nll"]["en-az"] for r in run.valid) for run in runs]
    where = {"method": "T=100", "direction": "en-az"}
    assert only(figures["gap"], measure="validation − train", **where)["mean"] == pytest.approx(sum(gaps) / 2)
    assert only(figures["gap"], measure="validation − its lowest", **where)["mean"] == pytest.approx(sum(rises) / 2)


def test_weights_are_relative_to_equal_ones(source, figures):
    for step in (50, 800):
        rows = [row for row in figures["weights"].rows if row["step"] == step]
        assert sum(row["mean"] for row in rows) / len(rows) == pytest.approx(1)
    weights = [run.balance[-1]["weights"] for run in source.runs if run.balance]
    expected = sum(w["en-ru"] / sum(w.values()) * 8 for w in weights) / 2
    assert only(figures["weights"], direction="en-ru", step=800)["mean"] == pytest.approx(expected)


def test_pareto_and_differences_are_the_comparison_s_rows(source, figures):
    row = only(figures["pareto"], method="T=5", metric="BLEU", seed=None)
    low, high = (source.comparison.row("bleu", group, "T=5") for group in ("low", "high"))
    assert (row["low"], row["high"], row["temperature"]) == (low.mean, high.mean, 5.0)
    assert (row["low_from"], row["high_to"]) == (low.interval[0], high.interval[1])
    found = only(figures["differences"], method="T=5 + CATS", direction="en-be", metric="NLL")
    difference = source.comparison.row("nll", "en-be", "T=5 + CATS").difference
    assert (found["mean"], found["from"], found["to"]) == (difference.mean, *difference.interval)
    assert found["seed_std"] == difference.seed_std == 0.01
    assert "T=5" not in {row["method"] for row in figures["differences"].rows}


def kinds_of_marks(figure):
    return {layer["mark"]["type"] for layer in figure.spec["layer"] if isinstance(layer["mark"], dict)}


def test_pareto_claims_what_is_drawn_and_no_more(tmp_path):
    """Three temperatures make a curve, two do not; one seed is said to be one."""
    many = figures_of(source_of(tmp_path / "many", balance=False, analysis=False))["pareto"]
    assert "joins the 3 plain temperatures that were run" in many.caption
    assert "another temperature may lie on either side" in many.caption
    assert "Small dots: single seeds" in many.caption
    assert "line" in kinds_of_marks(many)
    seeds = [row for row in many.rows if row["method"] == "T=5" and row["metric"] == "BLEU" and row["seed"]]
    assert [row["seed"] for row in seeds] == [1, 2]
    assert sum(row["low"] for row in seeds) / 2 == pytest.approx(
        only(many, method="T=5", metric="BLEU", seed=None)["low"]
    )
    few = figures_of(
        source_of(tmp_path / "few", methods={"T=1": 1.0, "T=5": 5.0, "x": None}, seeds=1, balance=False, analysis=False)
    )["pareto"]
    assert "T=1 and T=5: the plain temperatures that were run; others were not measured" in few.caption
    assert "One seed each" in few.caption
    assert "line" not in kinds_of_marks(few)
    for figure in (many, few):
        assert "trades better" not in figure.caption
        assert "over test sentences alone" in figure.caption


def test_the_metric_of_the_verdict_comes_first(tmp_path):
    source = source_of(tmp_path, balance=False, analysis=False, metric="nll")
    for name in ("pareto", "differences"):
        assert next(iter(figures_of(source)[name].choice.options.values())) == ["NLL"]


def test_every_axis_of_numbers_has_a_title(figures):
    def channels(node):
        if isinstance(node, dict):
            for key, item in node.items():
                if key in ("x", "y") and isinstance(item, dict) and item.get("type") == "quantitative":
                    yield item
                yield from channels(item)
        elif isinstance(node, list):
            for item in node:
                yield from channels(item)

    for name, figure in figures.items():
        assert all(channel.get("title") for channel in channels(figure.spec)), name


def test_analyses_become_curves_and_heat_maps(source, figures):
    runs = [run for run in source.runs if run.method == "T=1"]
    values = [run.analysis[0]["curvature"]["en-be"]["lambda_max"] for run in runs]
    row = only(figures["curvature"], method="T=1", label="en-be (400)", step=200)
    assert row["mean"] == pytest.approx(sum(values) / 2)
    assert only(figures["curvature"], method="T=1", label="all, weighted", step=200)["mean"] == 18
    newest = [run.analysis[-1]["similarity"]["direction"]["D.LN"]["en-be|en-az"] for run in runs]
    for one, other in (("en-be", "en-az"), ("en-az", "en-be")):
        row = only(figures["pairs-direction"], method="T=1", module="D.LN", one=one, other=other)
        assert row["mean"] == pytest.approx(sum(newest) / 2)
    by_kind = [run.analysis[-1]["similarity_by_resource"]["magnitude"]["E.SA"]["low-low"]["mean"] for run in runs]
    row = only(figures["similarity-magnitude"], method="T=1", module="E.SA", pairs="low-low")
    assert row["mean"] == pytest.approx(sum(by_kind) / 2)


def test_the_spread_is_of_low_with_high_resource_pairs(source, figures):
    rows = [r for r in figures["similarity-spread"].rows if (r["method"], r["module"]) == ("T=1", "all")]
    assert len(rows) == 16
    values = [row["mean"] for row in rows]
    mean = sum(values) / 16
    assert rows[0]["average"] == pytest.approx(mean)
    assert rows[0]["to"] - mean == pytest.approx((sum((v - mean) ** 2 for v in values) / 16) ** 0.5)


def test_one_seed_without_balancing_or_analysis(tmp_path):
    plain = source_of(tmp_path, methods={"T=1": 1.0, "T=5": 5.0}, seeds=1, balance=False, analysis=False)
    figures = figures_of(plain)
    assert list(figures) == ["differences", "pareto", "nll", "efficiency", "dev-bleu", "gap"]
    assert '"area"' not in json.dumps(figures["nll"].spec)
    reasons = " ".join(figure.reason for figure in missing_of(plain))
    assert "`catscale analyze RUN --steps all`" in reasons
    assert "no run has balance records" in reasons


def test_two_methods_and_two_directions_are_drawn_too(tmp_path):
    small = figures_of(source_of(tmp_path, methods={"a <b>": None, "T=1": 1.0}, count=2, seeds=1))
    assert set(small) == set(NAMES)
    for figure in small.values():
        assert draw_svg(figure).startswith("<svg")


def test_one_error_band_from_the_pairs_where_there_is_one_seed(tmp_path):
    row = figures_of(source_of(tmp_path, methods={"T=1": 1.0}, seeds=1))["alignment"].rows[0]
    assert row["high"] - row["mean"] == pytest.approx(0.02)


def test_an_analysis_without_similarities_is_told_apart_from_none(tmp_path):
    made = source_of(tmp_path, methods={"T=1": 1.0}, seeds=1)
    made.runs[0].analysis[:] = [{"step": 1, "curvature": {"en-be": {"lambda_max": 2.0}, "en-az": {}}}]
    assert [row["mean"] for row in figures_of(made)["curvature"].rows] == [2.0]
    reasons = {figure.reason.split(";")[0] for figure in missing_of(made) if figure.section == "landscape"}
    assert reasons == {
        "no analysis has similarities of high- and low-resource gradients",
        "no analysis has similarities by resource group",
        "no analysis has similarities of gradients",
    }


def test_eigenvalues_that_had_not_converged_are_counted(tmp_path):
    made = source_of(tmp_path, methods={"T=1": 1.0}, seeds=1)
    assert "converged" not in figures_of(made)["curvature"].caption
    made.runs[0].analysis[0]["curvature"]["en-az"]["converged"] = False
    assert "1 of 36 had not converged" in figures_of(made)["curvature"].caption


def test_without_the_runs_folders_the_scores_remain(source):
    gone = Source(source.comparison, [])
    assert list(figures_of(gone)) == ["differences", "pareto"]


def test_a_hundred_directions_are_shown_in_parts(tmp_path):
    many = source_of(tmp_path, methods={"T=1": 1.0, "T=5 + CATS": None}, count=100, seeds=1, steps=160)
    figures = figures_of(many)
    for name in ("nll", "weights"):
        choice = figures[name].choice
        first, *pages = choice.options.values()
        assert len(first) == 6
        assert len({label for page in pages for label in page}) == 100
        assert {row["label"] for row in figures[name].shown(figures[name].rows)} == set(first)
        assert "(3 smallest and 3 largest)" in figures[name].heading
    assert figures["curvature"].choice.options["3 smallest and 3 largest"][0] == "all, weighted"
    assert len({row["one"] for row in figures["pairs-direction"].rows}) == 16
    assert max(len(figure.rows) for figure in figures.values()) <= 24_000
    assert draw_svg(figures["nll"]).startswith("<svg")


@pytest.mark.parametrize(("width", "columns"), [(900, 4), (500, 3), (330, 2), (150, 1)])
def test_multiples_wrap_to_the_width(figures, width, columns):
    fitted = fit_width(figures["nll"].spec, width, 8)
    assert fitted["columns"] == columns
    assert fitted["spec"]["width"] == width // columns - 72
    assert "width" not in figures["nll"].spec["spec"]


def test_pictures_go_without_what_answers_the_pointer(figures):
    assert HOVER in json.dumps(figures["nll"].spec)
    assert f'"name": "{HOVER}"' not in json.dumps(remove_hover(figures["nll"].spec))


def test_a_method_keeps_its_colour_in_every_figure(figures):
    def pairs(node):
        if isinstance(node, dict):
            if node.get("field") == "method" and isinstance(node.get("scale"), dict):
                yield from zip(node["scale"]["domain"], node["scale"]["range"], strict=True)
            for item in node.values():
                yield from pairs(item)
        elif isinstance(node, list):
            for item in node:
                yield from pairs(item)

    found = {pair for figure in figures.values() for pair in pairs(figure.spec)}
    assert found == {(name, pick_color(i)) for i, name in enumerate(("T=1", "T=5", "T=100", "T=5 + CATS"))}


def contrast(one, other):
    def luminance(color):
        parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_stand_out_from_their_background(colors):
    for name in ("ink", "soft-ink", "better", "worse"):
        assert contrast(colors[name], colors["paper"]) >= 4.5, name
        assert contrast(colors[name], colors["soft"]) >= 4.5, name
    for index in range(SERIES):
        assert contrast(colors[f"series-{index + 1}"], colors["paper"]) >= 3, index


def test_colours_are_resolved_and_other_text_is_left():
    assert resolve_colors({"a": ["var(--paper)", "var(--nothing)"]}) == {"a": ["#ffffff", "var(--nothing)"]}


def test_specifications_compile_without_a_warning(figures, capfd):
    for figure in figures.values():
        spec = resolve_colors(fit_width(figure.spec, 900, 4)) | {"datasets": {"rows": figure.rows}}
        load_renderer().vegalite_to_vega(spec, vl_version="6.4")
    assert "WARN" not in capfd.readouterr().err
