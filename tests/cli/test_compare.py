"""`catscale compare` on folders of runs that never were."""

import json
from typing import Any

import pytest

from tests.comparison.fakes import write_run

CATS: dict[str, Any] = {"balancing": {"method": "cats"}}


@pytest.fixture
def runs(tmp_path):
    """Three seeds of T=5 and of CATS, as a sweep leaves them."""
    for seed in (1, 2, 3):
        write_run(tmp_path / "runs" / "T=5" / f"seed-{seed}", 0.5, seed)
        write_run(tmp_path / "runs" / "cats" / f"seed-{seed}", 0.75, seed, **CATS)
    return tmp_path / "runs"


def test_table_verdict_and_files(cli, runs, tmp_path):
    done = cli("compare", runs, "--out", tmp_path / "out", "--resamples", 300)
    assert done.status == 0
    written = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert (tmp_path / "out" / "comparison.csv").is_file()
    lines = {line.split()[1]: line for line in done.out.splitlines() if line.startswith("│")}
    for over in ("en-az", "en-be", "en-fr", "all"):
        row = next(r for r in written["rows"] if (r["metric"], r["over"], r["method"]) == ("bleu", over, "T=5 + CATS"))
        mark = "*" if row["difference"]["significant"] else ""
        difference = f"+{row['difference']['mean']:.1f} ±{row['difference']['seed_std']:.1f}{mark}"
        assert f"{row['mean']:.1f} ±{row['std']:.1f} ({difference})" in lines[over]
    assert list(lines)[:3] == ["en-az", "en-be", "en-fr"]
    assert written["verdict"] in done.out
    assert "baseline: T=5, the only plain temperature among the runs" in done.out
    assert "* significant at 5% over seeds and sentences, after Holm's correction for 6\n" in done.out
    assert "compared en-fr, 3 of 3 directions" in done.err


@pytest.mark.parametrize(("metric", "title"), [("chrf", "chrF on the test set"), ("nll", "NLL on the test set")])
def test_other_metrics(cli, runs, tmp_path, metric, title):
    done = cli("compare", runs, "--out", tmp_path / "out", "--resamples", 200, "--metric", metric)
    assert done.out.startswith(title)
    assert "(−" in done.out if metric == "nll" else "(+" in done.out
    verdict = f"T=5 + CATS against T=5: {'NLL (lower is better) −' if metric == 'nll' else 'chrF +'}"
    assert verdict in done.out
    assert verdict in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ([], "T=1, best of 2 temperatures by mean BLEU"),
        (["--metric", "nll"], "T=5, best of 2 temperatures by mean NLL"),
    ],
)
def test_the_metric_chooses_the_baseline_and_is_the_verdict_s(cli, tmp_path, option, told):
    """On dev T = 1 translates more words, T = 5 is given the lower NLL."""
    for temperature, dev, nll in ((1, 0.9, 3.0), (5, 0.6, 2.0)):
        run = write_run(tmp_path / "runs" / f"T={temperature}", dev=dev, sampling={"temperature": temperature})
        content = json.loads((run / "scores.dev.json").read_text())
        content["averages"]["all"]["nll"] = nll
        (run / "scores.dev.json").write_text(json.dumps(content))
    done = cli("compare", tmp_path / "runs", "--out", tmp_path / "out", "--resamples", 100, *option)
    assert f"baseline: {told} on the dev set: T=1 " in done.out
    other, metric = ("T=1", "NLL (lower is better)") if option else ("T=5", "BLEU")
    assert f"{other} against {told[:3]}: {metric} " in done.out


def test_the_baseline_that_was_asked_for(cli, runs, tmp_path):
    done = cli("compare", runs, "--out", tmp_path / "out", "--resamples", 200, "--baseline", "T=5 + CATS")
    assert "baseline: T=5 + CATS, named with --baseline" in done.out
    assert "T=5 against T=5 + CATS" in done.out


def test_runs_that_are_not_comparable_need_force(cli, runs, tmp_path):
    write_run(runs / "T=1" / "seed-1", sampling={"temperature": 1}, training={"batch_tokens": 999})
    command = ["compare", runs, "--out", tmp_path / "out", "--resamples", 200]
    refused = cli(*command)
    assert refused.status == 2
    assert "these runs are not comparable:\n  training.batch_tokens: 999 in" in refused.message
    assert "give --force" in refused.message
    assert not (tmp_path / "out").exists()
    forced = cli(*command, "--force")
    assert forced.status == 0
    assert "warning: training.batch_tokens: 999 in" in forced.out
    written = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert written["warnings"][0].startswith("training.batch_tokens: 999 in")


def test_runs_can_be_named_and_a_table_of_long_names_fits_a_terminal(cli, runs, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    long = "what came out of the fine-tuning of yesterday with a lower learning rate"
    done = cli(
        "compare", f"old={runs / 'T=5'}", f"{long}={runs / 'cats'}", "--out", tmp_path / "out", "--resamples", 100
    )
    assert done.status == 0
    table = [line for line in done.out.splitlines() if line and line[0] in "┏┃┡│├└"]
    assert max(map(len, table)) <= 80
    assert f"\n(1) old\n(2) {long}\n" in done.out
    assert f"{long} against old: BLEU +" in done.out


def test_a_metric_that_no_run_has(cli, tmp_path):
    for name, sections in (("a", {}), ("b", CATS)):
        write_run(tmp_path / "old" / name, nll=False, **sections)
    done = cli("compare", tmp_path / "old", "--out", tmp_path / "out", "--resamples", 200, "--metric", "nll")
    assert done.status == 2
    assert "there is no NLL to compare: no NLL: " in done.message


def test_dev(cli, tmp_path):
    for name, sections in (("a", {}), ("b", CATS)):
        write_run(tmp_path / "runs" / name, dev=0.5, **sections)
    done = cli("compare", tmp_path / "runs", "--out", tmp_path / "out", "--resamples", 200, "--split", "dev")
    assert done.out.startswith("BLEU on the dev set")


@pytest.mark.parametrize("option", ["--resamples", "--seed"])
def test_numbers_below_one(cli, capsys, option):
    with pytest.raises(SystemExit):
        cli("compare", "x", option, "0")
    message = capsys.readouterr().err
    assert "must be at least 1," in message
    assert "found '0'" in message
