"""BLEU on dev while training."""

import pytest

from tests.report.figures.drawn import figures_of, missing_of, only, source_of


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
