"""`catscale analyze`, and the same records while training, through the real command line."""

import hashlib
import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest
import yaml
from safetensors.torch import load_file, save_file

from catscale.analysis.analyzer import Analyzer
from catscale.cli.main import main
from catscale.training import live_analysis
from tests.cli.toy import write_config
from tests.run_records import metrics
from tests.torchrun import torchrun

QUICK = {"tokens": 40, "gradient_tokens": 60, "steps": 2, "max_iterations": 8, "traces": 2, "sentences": 4}
CATS = {"method": "cats", "inner_steps": 3}


def records(run: Path, kind: str | None = None) -> list[dict]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if kind is None or line["kind"] == kind]


def undisturbed(run: Path) -> list[dict]:
    """The records without those of the analysis, and without what a clock says."""
    return [record for record in metrics(run) if record["kind"] != "analysis"]


def flags() -> list[str]:
    return [part for key, value in QUICK.items() for part in ("--set", f"analysis.{key}={value}")]


def content(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def without_seconds(record: dict) -> dict:
    return {key: value for key, value in record.items() if key not in ("seconds", "history", "kind", "time")}


def claim_best(checkpoint: Path, step: int) -> None:
    """Let a checkpoint say that another step was the best one."""
    state = content(checkpoint / "state.json")
    state["progress"]["best_step"] = step
    (checkpoint / "state.json").write_text(json.dumps(state))
    sign(checkpoint)


def forget(checkpoint: Path, name: str) -> None:
    """Take one entry out of a checkpoint."""
    state, tensors = content(checkpoint / "state.json"), load_file(checkpoint / "state.safetensors")
    del state[name]
    (checkpoint / "state.json").write_text(json.dumps(state))
    save_file({k: v for k, v in tensors.items() if not k.startswith(f"{name}.")}, checkpoint / "state.safetensors")
    sign(checkpoint)


def sign(checkpoint: Path) -> None:
    """The manifest of the files as they are."""
    path = checkpoint / "manifest.json"
    files = {name: (checkpoint / name).read_bytes() for name in content(path)}
    sums = {name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()}
    path.write_text(json.dumps(sums))


@pytest.fixture(scope="module")
def plain(tmp_path_factory, corpus, store) -> Path:
    """A run of CATS without analysis, with dropout, three checkpoints kept."""
    root = tmp_path_factory.mktemp("plain")
    config = write_config(root / "toy.yaml", corpus, store, balancing=CATS, training={"keep": 3})
    assert main(["train", str(config), "--out", str(root / "run")]) == 0
    return root / "run"


@pytest.fixture(scope="module")
def live(tmp_path_factory, corpus, store) -> Path:
    """The same run, analysed every eight steps."""
    root = tmp_path_factory.mktemp("live")
    config = write_config(
        root / "toy.yaml", corpus, store, balancing=CATS, training={"keep": 3}, analysis={"every": 8, **QUICK}
    )
    assert main(["train", str(config), "--out", str(root / "run")]) == 0
    return root / "run"


def test_analysis_while_training_changes_nothing(plain, live):
    assert undisturbed(live) == undisturbed(plain)
    for name in ("model.safetensors", "state.safetensors"):
        one, two = (run / "checkpoints/step-24" / name for run in (plain, live))
        assert one.read_bytes() == two.read_bytes()
    assert [record["step"] for record in records(live, "analysis")] == [8, 16, 24]


def test_its_time_is_not_the_run_s(cli, corpus, store, tmp_path, monkeypatch):
    real, ahead = time.perf_counter, [0]
    monkeypatch.setattr(time, "perf_counter", lambda: real() + ahead[0])

    def slow(*arguments) -> dict:
        ahead[0] += 100
        return {"seconds": {}}

    monkeypatch.setattr(Analyzer, "measure", slow)
    monkeypatch.setattr(live_analysis, "find_unconverged", lambda record: [])
    config = write_config(tmp_path / "toy.yaml", corpus, store, training={"max_steps": 4}, analysis={"every": 1})
    assert cli("train", config, "--out", tmp_path / "run").status == 0
    assert [record["step"] for record in records(tmp_path / "run", "analysis")] == [1, 2, 3, 4]
    assert records(tmp_path / "run")[-1]["time"] < 100  # of 400 seconds and more


def test_a_signal_gives_a_measurement_up(cli, plain, live, corpus, store, tmp_path, monkeypatch):
    """The state is saved at once, its checkpoint gives the record, and the run goes on as if nothing had been."""
    real, parts = Analyzer.measure, []

    def signalled(self, step, weights, watch) -> dict:
        def watched(*told) -> None:
            parts.append(told)
            watch(*told)

        os.kill(os.getpid(), signal.SIGTERM)
        return real(self, step, weights, watched)

    config = write_config(
        tmp_path / "toy.yaml", corpus, store, balancing=CATS, training={"keep": 3}, analysis={"every": 8, **QUICK}
    )
    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(Analyzer, "measure", signalled)
        done = cli("train", config, "--out", run)
    assert done.status == 130
    assert len(parts) == 1
    assert "step 8  analysis given up; `catscale analyze --steps 8` makes up for it" in done.err
    assert records(run, "analysis") == []
    assert cli("analyze", run, "--steps", 8).status == 0
    assert without_seconds(content(run / "analysis.json")) == without_seconds(records(live, "analysis")[0])
    assert cli("train", config, "--out", run).status == 0
    assert undisturbed(run) == undisturbed(plain)
    assert [record["step"] for record in records(run, "analysis")] == [16, 24]


def test_the_cost_is_printed(cli, corpus, store, tmp_path):
    config = write_config(
        tmp_path / "toy.yaml", corpus, store, training={"max_steps": 2},
        analysis={"every": 2, **QUICK, "max_iterations": 1},
    )  # fmt: skip
    done = cli("train", config, "--out", tmp_path / "run")
    assert done.status == 0
    (line,) = [line for line in done.err.splitlines() if "analysis" in line]
    assert line.startswith("step 2  analysis  ")
    assert all(f"{part} " in line for part in ("curvature", "trace", "fisher", "similarity"))
    assert line.endswith("; λ not converged: en-xa, en-xb, the total")


def test_a_record_has_all_its_parts(live):
    record = records(live, "analysis")[0]
    tasks = {"en-xa", "en-xb"}
    assert set(record) == {
        "kind", "step", "time", "curvature", "total", "curvature_groups", "similarity", "similarity_error",
        "similarity_by_resource", "gradient_norms", "signal_to_noise", "seconds", "settings",
    }  # fmt: skip
    entry = {
        "lambda_max", "residual", "iterations", "converged", "trace", "trace_error", "fisher_trace", "fisher_error",
    }  # fmt: skip
    assert set(record["curvature"]) == tasks
    assert all(set(found) == entry for found in record["curvature"].values())
    assert set(record["total"]) == entry | {"weights", "squared_gradient"}
    (balance,) = [r for r in records(live, "balance") if r["step"] == 6]
    assert record["total"]["weights"] == balance["weights"]
    groups = {"all", "E.SA", "E.FC", "D.SA", "D.EA", "D.FC", "E.LN", "D.LN"}
    for part in ("similarity", "similarity_error"):
        assert set(record[part]) == {"direction", "magnitude"}
        for found in record[part].values():
            assert set(found) == groups
            assert all(set(pairs) == {"en-xa|en-xb"} for pairs in found.values())
    kinds = record["similarity_by_resource"]["direction"]["all"]
    assert {kind: found["pairs"] for kind, found in kinds.items()} == {"high-high": 0, "low-low": 0, "high-low": 1}
    assert kinds["high-low"]["mean"] == record["similarity"]["direction"]["all"]["en-xa|en-xb"]
    assert set(record["seconds"]) == {"curvature", "trace", "fisher", "similarity"}
    assert record["settings"] == {
        **QUICK, "split": "train", "directions": None, "tolerance": 0.02, "top": 1, "total": True, "groups": False,
        "seed": 1,
    }  # fmt: skip


def test_a_checkpoint_gives_the_record_that_was_made_live(cli, plain, live, tmp_path):
    run = shutil.copytree(plain, tmp_path / "run")
    done = cli("analyze", run, "--steps", "all", *flags())
    assert done.status == 0
    found = content(run / "analysis.json")
    assert [record["step"] for record in found["history"]] == [8, 16]
    for mine, theirs in zip([*found["history"], found], records(live, "analysis"), strict=True):
        assert without_seconds(mine) == without_seconds(theirs)
    for text in ("Curvature at step 24", "λ max", "en-xa", "Σ αₙ Lₙ", "high-low (1 pair)", "E.SA"):
        assert text in done.out
    assert "step 24  analysed in" in done.err
    assert "step 24  7/7  curvature of the total" in done.err


def test_live_records_are_taken_over_and_not_measured_again(cli, live, tmp_path, monkeypatch):
    run = shutil.copytree(live, tmp_path / "run")
    shutil.rmtree(run / "checkpoints/step-8")  # nothing but the metrics knows of it
    monkeypatch.setattr(Analyzer, "measure", lambda *arguments: pytest.fail("measured again"))
    done = cli("analyze", run)
    assert done.status == 0
    assert "step 24 was analysed with these settings before" in done.err
    found = content(run / "analysis.json")
    assert (found["step"], [record["step"] for record in found["history"]]) == (24, [8, 16])


def test_all_steps_go_on_where_they_were_interrupted(cli, plain, tmp_path, monkeypatch):
    run = shutil.copytree(plain, tmp_path / "run")
    real, measured = Analyzer.measure, []

    def interrupted(self, step, *rest):
        measured.append(step)
        if len(measured) == 3:
            raise KeyboardInterrupt
        return real(self, step, *rest)

    monkeypatch.setattr(Analyzer, "measure", interrupted)
    assert cli("analyze", run, "--steps", "all", *flags()).status == 130
    assert content(run / "analysis.json")["step"] == 16
    assert cli("analyze", run, "--steps", "all", *flags()).status == 0
    assert measured == [8, 16, 24, 24]
    assert cli("analyze", run, "--steps", "16", *flags(), "--set", "analysis.traces=3").status == 0
    assert measured[-1] == 16  # other settings: measured anew
    assert content(run / "analysis.json")["history"][-1]["settings"]["traces"] == 3


def test_a_checkpoint_that_the_run_removes_meanwhile(cli, plain, tmp_path, monkeypatch):
    run = shutil.copytree(plain, tmp_path / "run")
    real = Analyzer.measure

    def removing(self, step, *rest):
        shutil.rmtree(run / "checkpoints/step-16", ignore_errors=True)
        return real(self, step, *rest)

    monkeypatch.setattr(Analyzer, "measure", removing)
    done = cli("analyze", run, "--steps", "all", *flags())
    assert done.status == 0
    assert "step-16 is damaged" in done.err
    assert [record["step"] for record in content(run / "analysis.json")["history"]] == [8]


def test_it_writes_nothing_but_its_file(cli, plain, tmp_path):
    run = shutil.copytree(plain, tmp_path / "run")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert cli("analyze", run, "--split", "dev", "--directions", "en-xb", *flags()).status == 0
    after = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert after.keys() - before.keys() == {run / "analysis.dev.json"}
    assert all(after[path] == content for path, content in before.items())
    found = content(run / "analysis.dev.json")
    assert set(found["curvature"]) == set(found["total"]["weights"]) == {"en-xb"}
    assert found["settings"]["split"] == "dev"


def test_power_iteration_and_lanczos_agree_on_a_checkpoint(cli, plain, tmp_path):
    run = shutil.copytree(plain, tmp_path / "run")
    tight = ["--set", "analysis.tolerance=1e-4", "--set", "analysis.max_iterations=400", "--set", "analysis.traces=0"]
    assert cli("analyze", run, *flags(), *tight).status == 0
    power = content(run / "analysis.json")
    done = cli("analyze", run, "--top", 3, "--groups", *flags(), *tight)
    assert done.status == 0
    several = content(run / "analysis.json")
    for one, two in [
        *((power["curvature"][task], several["curvature"][task]) for task in power["curvature"]),
        (power["total"], several["total"]),
    ]:
        assert one["converged"]
        assert two["converged"]
        assert one["lambda_max"] == pytest.approx(two["lambda_max"], rel=1e-3)
        assert len(two["eigenvalues"]) == 3
        assert one["trace"] is None
    assert set(several["curvature_groups"]) == {"E.SA", "E.FC", "D.SA", "D.EA", "D.FC", "E.LN", "D.LN"}
    assert "Curvature of D.EA" in done.out


def test_the_best_step(cli, plain, tmp_path):
    run = shutil.copytree(plain, tmp_path / "run")
    best = content(run / "checkpoints/step-24/state.json")["progress"]["best_step"]
    assert cli("analyze", run, "--steps", "best", *flags()).status == 0
    found = content(run / "analysis.json")
    assert found["step"] == best
    assert found["total"] is not None


def test_the_best_model_without_its_checkpoint(cli, plain, tmp_path):
    """The run's own `best`, as if step 5 had been the best one."""
    run = shutil.copytree(plain, tmp_path / "run")
    claim_best(run / "checkpoints/step-24", 5)
    done = cli("analyze", run, "--steps", "best", *flags())
    assert done.status == 0
    assert "the total is left out: the checkpoint of step 5, which has its weights, is not kept" in done.err
    found = content(run / "analysis.json")
    assert (found["step"], found["total"]) == (5, None)


def test_weights_that_only_the_coming_step_gives(cli, corpus, store, tmp_path):
    config = write_config(tmp_path / "toy.yaml", corpus, store, balancing={"method": "mgda"}, training={"max_steps": 2})
    assert cli("train", config, "--out", tmp_path / "run").status == 0
    done = cli("analyze", tmp_path / "run", *flags())
    assert done.status == 0
    assert "the total is left out: mgda finds its weights from the gradients of the coming step" in done.err
    assert content(tmp_path / "run" / "analysis.json")["total"] is None


def test_the_best_model_of_a_run_whose_weights_never_move(cli, corpus, store, tmp_path):
    config = write_config(tmp_path / "toy.yaml", corpus, store, training={"max_steps": 3, "validate_every": 1})
    run = tmp_path / "run"
    assert cli("train", config, "--out", run, "--set", "training.keep=1").status == 0
    claim_best(run / "checkpoints/step-3", 2)
    assert cli("analyze", run, "--steps", "best", *flags()).status == 0
    total = content(run / "analysis.json")["total"]
    assert sum(total["weights"].values()) == pytest.approx(1)


def test_frozen_layer_norms(cli, corpus, store, tmp_path):
    sizes = {"layer_norm_parameters": False}
    config = write_config(tmp_path / "toy.yaml", corpus, store, model=sizes, training={"max_steps": 2})
    assert cli("train", config, "--out", tmp_path / "run").status == 0
    assert cli("analyze", tmp_path / "run", *flags()).status == 0
    groups = content(tmp_path / "run" / "analysis.json")["similarity"]["direction"]
    assert set(groups) == {"all", "E.SA", "E.FC", "D.SA", "D.EA", "D.FC"}


def test_a_run_from_before_the_section_existed(cli, plain, tmp_path):
    run = shutil.copytree(plain, tmp_path / "run")
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config.pop("analysis")["every"] is None
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    (run / "old.yaml").write_text(yaml.safe_dump(config))
    assert cli("analyze", run, *flags()).status == 0
    more = ["--set", "training.max_steps=28", "--set", "analysis.every=4", *flags()]
    done = cli("train", run / "old.yaml", "--out", run, *more)
    assert done.status == 0
    assert [record["step"] for record in records(run, "analysis")] == [28]


def test_a_checkpoint_of_another_version(cli, plain, tmp_path):
    run = shutil.copytree(plain, tmp_path / "run")
    forget(run / "checkpoints/step-24", "balancer")
    for step in (8, 16):
        shutil.rmtree(run / f"checkpoints/step-{step}")
    for command in (["analyze", run, "--steps", "all"], ["train", run / "config.yaml", "--out", run]):
        done = cli(*command)
        assert done.status == 2
        assert "step-24 has no balancer: another version of catscale wrote it; use that one, or" in done.message
    assert not (run / "analysis.json").exists()


def test_no_step_is_the_best_before_the_first_validation(cli, plain, tmp_path):
    run = shutil.copytree(plain, tmp_path / "run")
    claim_best(run / "checkpoints/step-24", 0)
    done = cli("analyze", run, "--steps", "best")
    assert done.status == 2
    assert "has no best step yet, which the first validation gives; choose newest" in done.message


def test_names_of_directions_are_not_yaml(cli, plain):
    assert (
        "no train data of no, [x; there are those of en-xa" in cli("analyze", plain, "--directions", "no, [x,").message
    )
    assert "analysis.directions: list should have at least 1 item" in cli("analyze", plain, "--directions", ",").message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--steps", "9"], "keeps no checkpoint of step 9; there are those of 8, 16, 24; choose among them"),
        (["--directions", "en-xq"], "analysis.directions: no train data of en-xq; there are those of en-xa, en-xb"),
        (["--set", "analysis.tokns=3"], "analysis.tokns: unknown key; did you mean tokens?"),
        (["--set", "training.seed=3"], "--set of `catscale analyze` takes settings of analysis, as in analysis.tokens"),
        (
            ["--top", "100000", "--set", "analysis.steps=1"],
            "analysis.top: input should be less than or equal to 10000, found 100000",
        ),
        (["--device", "nowhere"], "'nowhere' cannot be used here"),
    ],
)
def test_mistakes(cli, plain, arguments, message):
    done = cli("analyze", plain, *arguments)
    assert done.status == 2
    assert message in done.message
    assert not (plain / "analysis.json").exists()


def test_a_word_that_stands_for_no_step(cli, plain, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli("analyze", plain, "--steps", "newst")
    assert stopped.value.code == 2
    assert "must be newest, best, all or the number of a step, found 'newst'" in capsys.readouterr().err


def test_no_run_and_no_checkpoint(cli, plain, tmp_path):
    assert "is not a run's folder: config.yaml is missing" in cli("analyze", tmp_path).message
    run = shutil.copytree(plain, tmp_path / "run")
    shutil.rmtree(run / "checkpoints")
    done = cli("analyze", run)
    assert done.status == 2
    assert "has no checkpoint yet, which the first validation writes" in done.message


def test_older_checkpoints_are_not_read_for_the_newest(cli, plain, tmp_path):
    """They may be many, and of gigabytes."""
    run = shutil.copytree(plain, tmp_path / "run")
    (run / "checkpoints/step-8/model.safetensors").write_bytes(b"spoilt")
    assert "damaged" not in cli("analyze", run, *flags()).err
    done = cli("analyze", run, "--steps", "all", *flags())
    assert done.status == 0
    assert "warning: checkpoint" in done.err
    assert "step-8 is damaged" in done.err
    assert [record["step"] for record in content(run / "analysis.json")["history"]] == [16]


def test_damage(cli, plain, tmp_path):
    run = shutil.copytree(plain, tmp_path / "run")
    (run / "checkpoints/step-24/model.safetensors").write_bytes(b"spoilt")
    done = cli("analyze", run, *flags())
    assert done.status == 0
    assert "step-24 is damaged: model.safetensors does not match its checksum; it is passed over" in done.err
    assert content(run / "analysis.json")["step"] == 16
    done = cli("analyze", run, "--steps", "24")
    assert done.status == 2
    assert "does not match its checksum; choose another one, or wait for the next" in done.message
    for step in (8, 16):
        (run / f"checkpoints/step-{step}/manifest.json").unlink()
    done = cli("analyze", run)
    assert done.status == 2
    assert "no usable checkpoint in" in done.message
    run = shutil.copytree(plain, tmp_path / "other")
    for text in ("{", "[1]", "{}"):
        (run / "analysis.json").write_text(text)
        done = cli("analyze", run)
        assert done.status == 2
        assert "analysis.json cannot be read" in done.message
        assert (run / "analysis.json").read_text() == text


def test_no_dev_data(cli, plain, tmp_path, monkeypatch):
    from catscale.data.store.store import Store

    monkeypatch.setattr(Store, "has_split", lambda self, name, direction: name == "train")
    done = cli("analyze", plain, "--split", "dev")
    assert done.status == 2
    assert "no direction has a dev split, which chooses the best model; add one, or set data.holdout" in done.message


def test_other_data(cli, plain, monkeypatch):
    from catscale.vocabulary.sentencepiece import SentencePieceVocabulary

    load = SentencePieceVocabulary.load

    def other(folder):
        vocabulary = load(folder)
        return SentencePieceVocabulary(vocabulary.model, ("en", "xq")) if folder.name == "best" else vocabulary

    monkeypatch.setattr(SentencePieceVocabulary, "load", other)
    done = cli("analyze", plain)
    assert done.status == 2
    assert "the training data have changed since" in done.message


@pytest.mark.slow
def test_two_processes(corpus, store, tmp_path):
    """The first one measures; the run is the one that nobody looked at. A sharded model is refused."""
    plain = write_config(tmp_path / "plain.yaml", corpus, store, balancing=CATS)
    looked_at = write_config(tmp_path / "live.yaml", corpus, store, balancing=CATS, analysis={"every": 8, **QUICK})
    for config in (plain, looked_at):
        done = torchrun(2, "train", config, "--out", tmp_path / config.stem)
        assert done.returncode == 0, done.stderr
    models = [(tmp_path / name / "checkpoints/step-24/model.safetensors").read_bytes() for name in ("plain", "live")]
    assert models[0] == models[1]
    assert [record["step"] for record in records(tmp_path / "live", "analysis")] == [8, 16, 24]
    done = torchrun(2, "train", looked_at, "--out", tmp_path / "sharded", "--set", "training.sharded=true")
    assert "analysis.every measures whole gradients, and training.sharded splits them" in done.stderr
