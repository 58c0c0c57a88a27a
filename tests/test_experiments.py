"""The experiments: every table can be planned, and a small one is run, resumed and summed up."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import yaml
from experiments.noise import cosines, least, population
from experiments.reassess import reassess
from experiments.run import main, write_results
from experiments.summary import summarise_terms
from experiments.tables import HERE, Table, find_corpus, load_table, split_name

from catscale.comparison.seeds import Seeds, judge
from catscale.errors import ConfigError
from tests.cli.toy import write_config, write_corpus
from tests.packages.scripts import load_script
from tests.unchecked import unchecked

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
    config["training"] |= {"max_steps": 4, "validate_every": 2, "log_every": 2}
    for key in ("sampling", "balancing"):
        config.pop(key, None)
    content = {
        "config": config,
        "rows": {
            "T=1": {"method": "T=1"},
            "cats wide": {"method": "T=5+cats:inner_steps=1", "set": {"model.dropout": 0.0}},
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
    assert [step for step, _ in plain["dev_nll"]] == [2, 4]
    assert sum(cats["weights"].values()) == pytest.approx(1, abs=1e-3)
    assert "weights" not in plain
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


@pytest.mark.parametrize("compares", [False, True])
def test_runs_on_record_are_not_lost(compares, tmp_path, monkeypatch):
    """Seed 1 of the first row was trained elsewhere; seed 2 is here, anew; a row left the table."""
    recorded = {"T=1": [{"seed": 1, "old": True}, {"seed": 2, "old": True}], "left": [{"seed": 1}]}
    path = tmp_path / "toys-parts.json"
    path.write_text(json.dumps({"rows": recorded}))
    rows = [Run("T=1", 1, False), Run("T=1", 2, True), Run("T=2", 1, False)]
    table = Table("toys", "parts", "?", unchecked(rows), compares, None)
    monkeypatch.setattr("experiments.run.summarise", lambda *_: {"rows": {"T=1": [{"seed": 2}], "T=2": []}})
    said: list[str] = []
    monkeypatch.setattr("experiments.run.say", said.append)
    write_results(table, tmp_path, tmp_path)
    found = json.loads(path.read_text())["rows"]
    if compares:
        assert found == recorded
        assert "is not written, which holds runs that are not done under" in said[-1]
    else:
        assert found == {"T=1": [{"seed": 1, "old": True}, {"seed": 2}], "T=2": []}
        assert "as recorded: T=1 seed 1" in said[-1]


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


@pytest.fixture(scope="module")
def page() -> ModuleType:
    """`docs/make_results.py`, which lies in no package."""
    module: ModuleType = load_script(HERE.parent / "docs" / "make_results.py")
    return module


def test_gaps_and_efficiency_by_hand(page):
    """Two seeds of one row: a task that the last record of one seed lacks counts by the other's alone."""
    runs = [
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
    steps = page._efficiency(content, "dev").splitlines()
    assert steps[0] == "|  | NLL 4 | NLL 3 | NLL 2 | NLL 1.5 |"  # no row ends below 1 in both seeds
    assert steps[2:] == ["| T=1 | 11 | 15 | 19 | – |"]


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


def test_the_page_of_results_is_up_to_date(page, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["make_results.py", "--check"])
    monkeypatch.chdir(HERE.parent)
    assert page.main() == 0, "run `make results`"
