"""The experiments: every table can be planned, and a small one is run, resumed and summed up."""

import argparse
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import yaml
from experiments.noise import cosines, least, population
from experiments.reassess import reassess
from experiments.record import write_record
from experiments.run import choose_runs, main, read_time, tell_progress, write_results
from experiments.summary import rename, summarise_terms
from experiments.tables import HERE, Table, find_corpus, load_table, split_name

from catscale.balancing.methods.cats import CATS
from catscale.comparison.compare import Question
from catscale.comparison.seeds import Seeds, judge
from catscale.errors import ConfigError
from catscale.run.config import differing_keys, load_config
from catscale.run.sweep_plan import PlannedRun
from catscale.sampling.every import Every
from tests.cli.toy import write_config, write_corpus
from tests.packages.scripts import load_script
from tests.unchecked import unchecked

DATA = Path(os.environ.get("CATSCALE_DATA", HERE.parent.parent / "shared" / "data"))
CORPORA = sorted(HERE.glob("*.yaml"))


def tables() -> list[tuple[Path, str]]:
    return [(path, name) for path in CORPORA for name in yaml.safe_load(path.read_text())["tables"]]


@pytest.mark.parametrize(("path", "name"), tables(), ids=lambda value: getattr(value, "stem", value))
def test_every_table_can_be_planned(path, name, tmp_path):
    table = load_table(path, name, tmp_path)
    folders = [row.folder for row in table.rows]
    assert len(set(folders)) == len(folders)
    configs = {row.config.model_dump_json() for row in table.rows}
    assert len(configs) == len(folders)  # no row is another one under a second name
    assert {row.config.training.max_steps for row in table.rows} == {table.rows[0].config.training.max_steps}
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def toy(tmp_path_factory) -> Path:
    """A description of a few rows on the toy corpus."""
    root = tmp_path_factory.mktemp("experiments")
    corpus = write_corpus(root / "corpus", "moses", {"xa": 600, "xb": 150})
    config = yaml.safe_load(write_config(root / "toy.yaml", corpus, root / "store").read_text())
    config["training"] |= {"max_steps": 24, "validate_every": 12, "log_every": 12}
    for key in ("sampling", "balancing"):
        config.pop(key, None)
    content = {
        "config": config,
        "rows": {
            "T=1": {"method": "T=1"},
            "cats wide": {
                "method": "T=5+cats:inner_steps=1,statistics_tokens=128,unbiased=true",
                "set": {"model.dropout": 0.0, "training.average.ema": 0.5},
            },
            "schedule": {"method": "cats_sampling:interval=2"},
            "surgery": {"method": "T=1+pcgrad"},
        },
        "tables": {
            "pilot": {"question": "Which?", "rows": ["T=1", "cats wide", "surgery"], "seeds": [1], "splits": ["dev"]},
            "main": {
                "question": "And on test?",
                "rows": ["T=1", "schedule"],
                "seeds": [1],
                "splits": ["dev", "test"],
            },
        },
    }
    path = root / "toys.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def run(toy: Path, table: str) -> dict:
    root = toy.parent
    main([str(toy), table, "--out", str(root / "runs"), "--results", str(root / "results")])
    return json.loads((root / "results" / f"toys-{table}.json").read_text())


@pytest.mark.slow  # half a minute of training
def test_a_table_is_run_once_and_summed_up(toy, capsys):
    pilot = run(toy, "pilot")
    assert "3 runs, 3 to do" in capsys.readouterr().out
    assert pilot["command"] == "python -m experiments.run toys pilot"
    assert list(pilot["rows"]) == ["T=1", "cats wide", "surgery"]
    assert "comparison" not in pilot
    (plain,), (cats,), (surgery,) = pilot["rows"].values()
    assert plain["scores"].keys() == {"dev"}
    assert {"all", "en-xa", "en-xb"} <= plain["scores"]["dev"].keys()
    assert [step for step, _ in plain["dev_nll"]] == [12, 24]
    assert sum(cats["weights"].values()) == pytest.approx(1, abs=1e-3)
    assert "weights" not in plain
    assert plain["dev_nll_by_task"].keys() == {"en-xa", "en-xb"}
    means = [mean(values) for values in zip(*plain["dev_nll_by_task"].values(), strict=True)]
    assert means == pytest.approx([value for _, value in plain["dev_nll"]], abs=1e-3)
    assert [step for step, _ in cats["dev_nll_ema"]] == [12, 24]
    assert cats["dev_nll_ema"] != cats["dev_nll"]
    assert plain["train_nll_by_task"].keys() == plain["dev_nll_by_task"].keys()
    ema = [mean(values) for values in zip(*cats["dev_nll_ema_by_task"].values(), strict=True)]
    assert ema == pytest.approx([value for _, value in cats["dev_nll_ema"]], abs=1e-3)
    assert "dev_nll_ema" not in plain
    assert cats["signal_to_noise"].keys() == {"en-xa", "en-xb"}
    assert all(value >= 0 for value in cats["signal_to_noise"].values())
    assert cats["weights_along"][-1][1] == cats["weights"]
    assert "cosine" in cats
    assert "cosine" not in plain
    assert surgery["weights"].keys() == {"en-xa", "en-xb"}  # which a method of conflicts between gradients may not have
    table = run(toy, "main")
    assert "2 runs, 2 to do" in capsys.readouterr().out  # T=1 lacks its test scores, but is not trained again
    (first,) = table["rows"]["T=1"]
    assert (first["dev_nll"], first["seconds"]) == (plain["dev_nll"], plain["seconds"])
    assert first["scores"].keys() == {"dev", "test"}
    assert sum(table["rows"]["schedule"][0]["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    assert table["comparison"]["baseline"] == "T=1"
    assert table["comparison"]["differences"]["schedule"]["all"]["bleu"].keys() >= {"mean", "interval", "significant"}
    assert run(toy, "main") == table
    assert "2 runs, 0 to do" in capsys.readouterr().out


@pytest.mark.parametrize(("path", "name"), tables(), ids=lambda value: getattr(value, "stem", value))
def test_every_table_has_one_word(path, name):
    """As `make results-CORPUS-TABLE` gives it, though names hold hyphens."""
    assert split_name(f"{path.stem}-{name}") == (path.stem, name)


@dataclass(frozen=True)
class Run:
    """What a table wants to know of a planned run."""

    method: str
    seed: int
    is_done: bool
    folder: Path = Path("nowhere")


@pytest.mark.parametrize(("name", "differ"), [("architectures", True), ("samplers", False)])
def test_rows_of_different_models_are_compared_because_the_table_wants_it(name, differ, tmp_path, monkeypatch):
    planned = load_table(HERE / "cldr.yaml", name, tmp_path)
    monkeypatch.setattr(PlannedRun, "is_done", True)
    asked: list[bool] = []

    def note(folders: object, out: object, question: Question, say: object, names: object) -> None:
        assert (question.metric, question.baseline, names) == (None, None, None)
        asked.append(question.force)

    monkeypatch.setattr("experiments.run.compare", note)
    monkeypatch.setattr("experiments.run.summarise", lambda *_: {"groups": {}, "rows": {}})
    write_results(planned, tmp_path, tmp_path)
    assert asked == [differ]


def test_differences_are_those_of_the_metric_that_a_table_is_judged_by(page):
    """Three digits of nats; of BLEU one, where a record names no metric."""
    entry = {"all": {"bleu": {"mean": 1.25, "significant": True}, "nll": {"mean": -0.0125, "significant": False}}}
    assert page._difference({"differences": {"a": entry}}, "a", "all", "nll") == "−0.013"
    assert page._difference({"differences": {"a": entry}}, "a", "all", "bleu") == "+1.2*"
    scores = {"test": {"all": {"bleu": 1.0, "chrf": 2.0, "nll": 3.0}}}
    run_ = {"seed": 1, "commit": "x", "scores": scores}
    content: dict[str, Any] = {
        "rows": {"b": [run_], "a": [run_]}, "budget": {"max_steps": 1, "batch_tokens": 2}, "machine": "m",
        "command": "c",
        "comparison": {"baseline": "b", "reason": "r", "resamples": 9, "corrected_for": 3, "differences": {"a": entry}},
    }  # fmt: skip
    assert page._groups(content, "test").splitlines()[0].endswith("| NLL all | Δ BLEU all |")
    content["comparison"]["metric"] = "nll"
    assert page._groups(content, "test").splitlines()[0].endswith("| NLL all | Δ NLL all |")
    assert page._groups(content, "test").splitlines()[3].endswith("| −0.013 |")
    content["comparison"]["metric"] = "comet"
    entry["all"]["comet"] = {"mean": 0.0346, "significant": True}
    assert page._groups(content, "test").splitlines()[0].endswith("| NLL all | Δ COMET all |")
    assert page._groups(content, "test").splitlines()[3].endswith("| +0.035* |")


@pytest.mark.parametrize("compares", [False, True])
def test_runs_on_record_are_not_lost(compares, tmp_path, monkeypatch):
    """Seed 1 of the first row was trained elsewhere; seed 2 is here, anew; a row left the table."""
    recorded = {"T=1": [{"seed": 1, "old": True}, {"seed": 2, "old": True}], "left": [{"seed": 1}]}
    path = tmp_path / "toys-parts.json"
    path.write_text(json.dumps({"machine": "one; two", "rows": recorded}))
    rows = [Run("T=1", 1, False), Run("T=1", 2, True), Run("T=2", 1, False)]
    table = Table("toys", "parts", "?", unchecked(rows), compares, None)
    monkeypatch.setattr(
        "experiments.run.summarise",
        lambda *_: {"machine": "three", "groups": {}, "rows": {"T=1": [{"seed": 2}], "T=2": []}},
    )
    said: list[str] = []
    monkeypatch.setattr("experiments.run.say", said.append)
    write_results(table, tmp_path, tmp_path)
    content = json.loads(path.read_text())
    found = content["rows"]
    assert content["machine"] == ("one; two" if compares else "one; two; three")
    if compares:
        assert found == recorded
        assert "is not written, which holds runs that are not done under" in said[-1]
    else:
        assert found == {"T=1": [{"seed": 1, "old": True}, {"seed": 2}], "T=2": []}
        assert "as recorded: T=1 seed 1" in said[-1]


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("14m", 840), ("1.5h", 5400)])
def test_a_time_is_a_number_with_its_unit(text, seconds):
    assert read_time(text) == seconds


@pytest.mark.parametrize("text", ["14", "m", "0m", "-3m", "14 m", "1h30m", "14min"])
def test_other_times_are_refused(text, capsys):
    with pytest.raises(argparse.ArgumentTypeError, match=r"a time is a number with s, m or h, found .* write 14m"):
        read_time(text)
    with pytest.raises(SystemExit):
        main(["cldr", "main", f"--for={text}"])
    assert "a time is a number with s, m or h" in capsys.readouterr().err


def test_what_could_be_finished_is_said(tmp_path, monkeypatch):
    rows = load_table(find_corpus("ted-paper"), "main", tmp_path).rows[:4]
    steps = {row.folder: taken for row, taken in zip(rows, (25_000, 25_000, 1234, 0), strict=True)}
    monkeypatch.setattr(PlannedRun, "steps", property(lambda run: steps[run.folder]))
    monkeypatch.setattr(PlannedRun, "is_done", property(lambda run: run.folder == rows[0].folder))
    said: list[str] = []
    monkeypatch.setattr("experiments.run.say", said.append)
    tell_progress(rows)
    names = [row.name for row in rows]
    assert said == [
        f"{names[0]}: done",
        f"{names[1]}: trained, not scored",
        f"{names[2]}: step 1,234 of 25,000",
        f"{names[3]}: not begun",
        "1 of 4 runs are done; the same command goes on",
    ]
    said.clear()
    tell_progress(rows[:1])
    assert said[-1] == "1 of 1 runs are done"


def test_the_paper_s_setting_is_one_in_the_table_and_in_the_configuration(tmp_path):
    """And each row holds what its name says; every language has 4,096 tokens where it is in every step."""
    alone = load_config(HERE.parent / "configs" / "ted-paper.yaml")
    rows = {row.method: row.config for row in load_table(find_corpus("ted-paper"), "main", tmp_path).rows}
    (differs,) = differing_keys(alone.model_dump(), rows["equal weights"].model_dump())
    assert differs.startswith("data.store: ")
    small = {row.method: row.config for row in load_table(find_corpus("ted-paper-low"), "main", tmp_path).rows}
    assert small.keys() | {"cats paper"} == rows.keys()
    for table, languages in ((rows, 8), (small, 7)):
        settings = table["cats"]
        assert settings.model == alone.model
        assert settings.training.batch_tokens == languages * 4096
        for config in table.values():
            if isinstance(config.sampling, Every):
                assert config.sampling.tokens_of_each(languages, config.training.batch_tokens) == 4096
        plain, late, on_dev = (table[name].balancing for name in ("cats", "cats late", "cats on dev"))
        assert isinstance(plain, CATS)
        assert isinstance(on_dev, CATS)
        assert late == plain.model_copy(update={"start_step": round(0.6 * settings.training.max_steps)})
        assert (on_dev.statistics_split, on_dev.statistics_mode) == ("dev", "evaluation")


@pytest.mark.slow  # a minute: it trains, is stopped, goes on, and is scored
def test_a_table_goes_on_where_its_time_was_over(toy, tmp_path, capsys):
    content = yaml.safe_load(toy.read_text())
    content["config"]["training"] |= {"max_steps": 100_000, "validate_every": 100_000}
    path = tmp_path / "toys.yaml"
    path.write_text(yaml.safe_dump(content))
    call = [str(path), "pilot", "--out", str(tmp_path / "runs"), "--results", str(tmp_path), "--rows", "T=1"]
    main([*call, "--for", "45s"])
    told = capsys.readouterr().out
    found = re.search(r"T=1 seed 1: step ([\d,]+) of 100,000\n0 of 1 runs are done; the same command goes on", told)
    assert found, told
    folder = tmp_path / "runs" / "toys" / "T=1" / "seed-1"
    assert sorted(path.name for path in (folder / "checkpoints").iterdir())  # saved where it was stopped
    text = path.read_text().replace("max_steps: 100000", f"max_steps: {int(found[1].replace(',', '')) + 2}")
    path.write_text(text)
    main([*call, "--for", "5m"])
    assert "T=1 seed 1: done\n1 of 1 runs are done" in capsys.readouterr().out


@pytest.mark.slow  # two minutes: preparing, and three updates of a small model
@pytest.mark.skipif(not (DATA / "ted").is_dir(), reason="TED talks and Tatoeba, where CATSCALE_DATA says, are not here")
@pytest.mark.parametrize("row", ["cats", "cats on dev", "T=1 as weights"])
def test_a_row_of_the_paper_s_setting_takes_updates_on_a_processor(row, tmp_path, monkeypatch):
    monkeypatch.setenv("CATSCALE_DATA", str(DATA))
    content = yaml.safe_load(find_corpus("ted-paper-low").read_text())
    small = {"encoder_layers": 1, "decoder_layers": 1, "width": 64, "feed_forward": 64}
    content["config"]["model"] |= small
    content["config"]["vocabulary"]["size"] = 2000
    steps = {"max_steps": 3, "validate_every": 3, "log_every": 1, "precision": "fp32", "batch_tokens": 7 * 256}
    content["config"]["training"] |= steps | {"sub_batch_tokens": 64, "validate_sentences": 20}
    content["config"]["evaluation"] = {"beam": 1, "max_length": 8}
    method = (
        content["rows"][row]["method"].replace("tokens=4096", "tokens=256").replace("inner_steps=100", "inner_steps=2")
    )
    content["rows"] = {row: {"method": method.replace("tokens=8192", "tokens=256")}}
    content["tables"] = {"main": {"question": "?", "rows": [row], "seeds": [1], "splits": ["dev"]}}
    path = tmp_path / "low.yaml"
    path.write_text(yaml.safe_dump(content))
    main([str(path), "main", "--out", str(tmp_path / "runs"), "--results", str(tmp_path)])
    (found,) = json.loads((tmp_path / "low-main.json").read_text())["rows"][row]
    assert found["target_tokens"] == pytest.approx(3 * 7 * 256, rel=0.4)
    assert len(found["last_dev_nll"]) == 7


def test_mistakes_are_named(toy, tmp_path):
    with pytest.raises(ConfigError, match=r"no experiments are described in .*nothing.yaml; there are .*cldr"):
        find_corpus("nothing")
    with pytest.raises(ConfigError, match="no experiments are described for 'cdlr-main'; write CORPUS-TABLE"):
        split_name("cdlr-main")
    with pytest.raises(ConfigError, match="has no table 'mian'; there are main, pilot"):
        load_table(toy, "mian", tmp_path)


def test_signal_and_noise_of_gradients_that_are_known():
    """h of three tasks, sub-batches with independent noise around it: both are found, and the least point with them."""
    rng = np.random.default_rng(0)
    h = np.array([[2.0, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0]])
    scale, n, noise_numbers = np.array([0.5, 1.0, 2.0]), 4000, 40
    rows = np.concatenate(
        [
            np.hstack([np.tile(h[k], (n, 1)), np.zeros((n, noise_numbers))])
            + scale[k] * rng.normal(size=(n, 44)) / 44**0.5
            for k in range(3)
        ]
    )
    means, noise = population(rows @ rows.T, 3)
    np.testing.assert_allclose(means, h @ h.T, atol=0.05)
    np.testing.assert_allclose(noise, scale**2, rtol=0.02)
    exact, _ = population(np.repeat(np.repeat(h @ h.T, 5, axis=0), 5, axis=1), 3)
    np.testing.assert_allclose(exact, h @ h.T)
    assert least(np.diag([1.0, 3.0])) == pytest.approx([0.75, 0.25], abs=1e-3)
    assert cosines(np.array([1.0, 1.0]), np.array([4.0, -0.1]), np.array([1.0, 1.0])) == [0.5, None]


def test_the_terms_are_those_of_the_step_s_tasks():
    """Two updates of three tasks, the second over two: by hand from what the first left."""
    first = {"weights": {"a": 0.5, "b": 1.0, "c": 0.7}, "multipliers": {"curvature": 3.0, "simplex": 2.0}}
    second = {"weights": {"a": 0.4, "b": 0.9, "c": 0.7}, "multipliers": {"curvature": 4.0, "simplex": 2.5}}
    rest = {"kind": "balance", "curvature": 0.3}
    records = [
        {**rest, **first, "step": 10, "gradient_norms": {"a": 1.0, "b": 1.0, "c": 1.0}},
        {"kind": "train", "step": 15, "mean": 6.0},
        {**rest, **second, "step": 20, "gradient_norms": {"a": 1.0, "b": 1.0}},
    ]
    (term,) = summarise_terms(records)
    assert (term["step"], term["present"], term["loss"]) == (20, 2, 6.0)
    assert (term["sum"], term["sum_present"]) == (2.2, 1.5)
    assert term["curvature"] == pytest.approx(2 * 3 * 0.3 / 1.5)
    assert term["simplex"] == pytest.approx(2 * 2 * 0.5)
    assert summarise_terms(records[:2]) == []


def test_old_tables_are_judged_over_seeds_too():
    """From the interval over sentences and the seeds' scores on record, as a comparison does from its draws."""

    def scored(bleu):
        entry = {"bleu": bleu, "chrf": 50.0, "nll": 2.0}
        return {"scores": {"test": {"all": entry, "en-az": entry}}}

    one = {"mean": 3.0, "interval": [2.02, 3.98], "p_corrected": 0.0, "significant": True}
    same = {"mean": 0.0, "interval": [-0.1, 0.1], "p_corrected": 1.0, "significant": False}
    by_metric = {"bleu": one, "chrf": same, "nll": same}
    content = {
        "rows": {"T=5": [scored(20.0), scored(22.0)], "new": [scored(23.0), scored(25.0)], "not run": []},
        "comparison": {"baseline": "T=5", "differences": {"new": {"all": by_metric, "en-az": by_metric}}},
    }
    found = reassess(json.loads(json.dumps(content)))["comparison"]
    difference = found["differences"]["new"]["all"]["bleu"]
    p_value, ends = judge(3.0, 0.5, Seeds(2, 2.0), Seeds(2, 2.0))
    assert difference["p_seeds"] == pytest.approx(p_value, abs=1e-6)
    assert difference["interval_seeds"] == pytest.approx(ends, abs=0.01)
    assert (difference["p_corrected"], difference["significant"]) == (pytest.approx(2 * p_value, abs=1e-4), False)
    assert found["differences"]["new"]["all"]["nll"]["p_seeds"] == 1.0


def test_what_a_comparison_says_is_told_by_the_rows_names() -> None:
    names = {"T=5 dropout=none": "T=5", "T=5 dropout=none …": "T=5, dropout", "T=1": "T=1"}
    said = "best of 3 temperatures: T=1 27.56, T=5 dropout=none 22.36, T=5 dropout=none … 24.14"
    assert rename(said, names) == "best of 3 temperatures: T=1 27.56, T=5 22.36, T=5, dropout 24.14"
    assert rename(said, {}) == said


@pytest.fixture(scope="module")
def page() -> ModuleType:
    """`docs/make_results.py`, which lies in no package."""
    module: ModuleType = load_script(HERE.parent / "docs" / "make_results.py")
    return module


def test_a_record_holds_what_it_was_given_and_a_line_for_each_list_of_numbers(tmp_path: Path) -> None:
    content = {
        "rows": {"a [1, 2]": [{"nll": [[200, 5.25], [400, -1e-05]], "epochs": [None, 1.5, 3e20], "empty": []}]},
        "text": "[\n  1,\n  2\n]",
        "mixed": [1, "2", True],
    }
    write_record(tmp_path / "a.json", content)
    text = (tmp_path / "a.json").read_text()
    assert json.loads(text) == content
    lines = [line.strip() for line in text.splitlines()]
    assert {"[200, 5.25],", "[400, -1e-05]", '"epochs": [null, 1.5, 3e+20],'} <= set(lines)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_record(tmp_path / "b.json", {"a": float("nan")})


def test_gaps_and_efficiency_by_hand(page):
    """Two seeds of one row: a task that the last record of one seed lacks counts by the other's alone."""
    runs: list[dict[str, Any]] = [
        {
            "last_train_nll": {"a": 0.5, "c": 2.0},
            "last_dev_nll": {"a": 1.0, "b": 9.0, "c": 1.5},
            "dev_nll": [[10, 5.0], [20, 1.0], [30, 2.5], [40, 0.9]],
        },
        {
            "last_train_nll": {"a": 0.7, "b": 2.7, "c": 2.2},
            "last_dev_nll": {"a": 1.2, "b": 3.2, "c": 1.7},
            "dev_nll": [[10, 4.0], [20, 2.0], [30, 1.8], [40, 1.7]],
        },
    ]
    content = {"groups": {"a": "low", "b": "low", "c": "high"}, "rows": {"T=1": runs, "not run": []}}
    gaps = page._gaps(content, "dev").splitlines()
    assert gaps[0] == "|  | train low | dev low | gap low | train high | dev high | gap high |"
    assert gaps[2:] == ["| T=1 | 1.30 | 1.80 | +0.50 | 2.10 | 1.60 | −0.50 |"]
    last = [{**run, "last_train_nll": {"a": run["last_train_nll"]["a"]}} for run in runs]
    forgotten = page._gaps({**content, "rows": {"T=1": last}}, "dev").splitlines()
    assert forgotten[2:] == ["| T=1 | 0.60 | 1.10 | +0.50 | – | 1.60 | – |"]  # c is drawn no more
    steps = page._efficiency(content, "dev").splitlines()
    assert steps[0] == "|  | NLL 4 | NLL 3 | NLL 2 | NLL 1.5 |"  # no row ends below 1 in both seeds
    assert steps[2:] == ["| T=1 | 11 | 15 | 19 | – |"]


def test_a_metric_by_group_and_language_by_hand(page):
    """Directions from the poorest; two seeds, NLL with three digits."""
    scores = [{"all": {"nll": n}, "low": {"nll": n + 1}, "a": {"nll": 2.0}, "b": {"nll": n - 1}} for n in (1.0, 1.5)]
    rows = {"T=1": [{"scores": {"dev": score}} for score in scores], "not run": []}
    lines = page._metric({"rows": rows, "train_pairs": {"a": 900, "b": 20}}, "dev", metric="nll").splitlines()
    assert lines[0] == "| NLL | all | low | b | a |"
    assert lines[2:] == ["| T=1 | 1.250 ±0.354 | 2.250 ±0.354 | 0.250 ±0.354 | 2.000 ±0.000 |"]


def test_signals_are_means_over_tasks_and_seeds(page):
    runs = [{"signal_to_noise": {"a": 0.5, "b": 1.5}, "cosine": -0.25}, {"signal_to_noise": {"a": 3.0, "b": 3.0}}, {}]
    assert page._signal(runs, "signal_to_noise") == "2.00"
    assert page._signal(runs, "cosine") == "−0.25"
    assert page._signal(runs[2:], "cosine") == "–"


def test_seeds_and_rows_are_chosen(tmp_path):
    table = load_table(find_corpus("multi30k-overfit"), "wide", tmp_path)
    chosen = choose_runs(table, ["T=1", "T=2"], [3])
    assert [(run.method, run.seed) for run in chosen] == [("T=1", 3), ("T=2", 3)]
    assert choose_runs(table, None, None) == table.rows
    with pytest.raises(ConfigError, match="no seeds 4, 5; there are 1, 2, 3"):
        choose_runs(table, None, [5, 1, 4])
    with pytest.raises(ConfigError, match="no rows T=3"):
        choose_runs(table, ["T=3"], None)


def test_before_and_after_by_hand(page):
    """The model before training has no difference; a metric that nothing was measured of stays empty."""
    after = {
        "old": {"nll": {"mean": 3.2504, "std": 0.1, "difference": -0.0996, "significant": True}},
        "new": {"chrf": {"mean": 20.04, "std": None, "difference": 15.0, "significant": False}},
    }
    before = {"old": {"nll": {"mean": 3.35, "std": None}}, "new": {"chrf": {"mean": 5.04, "std": None}}}
    found = {"old": ["en-fr"], "new": ["en-gl"], "corrected_for": 2, "rows": {"T=5": after, "before training": before}}
    lines = page._forgetting({"rows": {"T=5": []}, "comparison": {"forgetting": found}}, "test").splitlines()
    assert lines[0] == "|  | NLL old | chrF old | BLEU old | NLL new | chrF new | BLEU new |"
    assert lines[2:4] == [
        "| before training | 3.350 | – | – | – | 5.0 | – |",
        "| T=5 | 3.250 (−0.100*) | – | – | – | 20.0 (+15.0) | – |",
    ]
    assert "old (en-fr) and new (en-gl)" in lines[-1]


def test_a_table_that_a_result_lacks_is_said_and_one_that_there_is_not_is_an_error(page):
    assert set(page.PARTS) == {"answer", "prediction", "turning", "crossing", "weights"}
    assert page.make_table("cldr-samplers/crossing") == "Not measured yet.\n"
    with pytest.raises(KeyError, match="crosing"):
        page.make_table("cldr-samplers/crosing")


def test_the_page_of_results_is_up_to_date(page, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["make_results.py", "--check"])
    monkeypatch.chdir(HERE.parent)
    assert page.main() == 0, "run `make results`"
