"""The experiments: every table can be planned, and a small one is run, resumed and summed up."""

import json
from pathlib import Path

import pytest
import yaml
from experiments.run import main
from experiments.tables import HERE, find_corpus, load_table

from catscale.errors import ConfigError
from cli.toy import write_config, write_corpus

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
        },
        "tables": {
            "pilot": {"question": "Which?", "rows": ["T=1", "cats wide"], "seeds": [1], "splits": ["dev"]},
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


def test_a_table_is_run_once_and_summed_up(toy, capsys):
    pilot = run(toy, "pilot")
    assert "2 runs, 2 to do" in capsys.readouterr().out
    assert pilot["command"] == "python -m experiments.run toys pilot"
    assert list(pilot["rows"]) == ["T=1", "cats wide"]
    assert "comparison" not in pilot
    (plain,), (cats,) = pilot["rows"].values()
    assert plain["scores"].keys() == {"dev"}
    assert {"all", "en-xa", "en-xb"} <= plain["scores"]["dev"].keys()
    assert [step for step, _ in plain["dev_nll"]] == [2, 4]
    assert sum(cats["weights"].values()) == pytest.approx(1, abs=1e-3)
    assert len(cats["terms"]) == 12
    assert cats["terms"][-1]["step"] == 4
    assert "weights" not in plain
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


def test_mistakes_are_named(toy, tmp_path):
    with pytest.raises(ConfigError, match=r"no experiments are described in .*nothing.yaml; there are .*cldr"):
        find_corpus("nothing")
    with pytest.raises(ConfigError, match="has no table 'mian'; there are main, pilot"):
        load_table(toy, "mian", tmp_path)
