"""`catscale analyze`: which steps are measured; `tests/cli/test_analyze.py` measures them."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from catscale.errors import CheckpointError, ConfigError
from catscale.run.commands import analyze as module
from catscale.run.commands.analyze import analyze
from catscale.run.folder.snapshots import Snapshot
from tests.comparison.fakes import write_run


def snapshot(step: int) -> Snapshot:
    return Snapshot(step, Path(f"step-{step}"), Path(f"step-{step}"))


class Bench:
    """Stands for the checkpoints of a run and for what measures them."""

    def __init__(self) -> None:
        self.steps, self.gone = [10, 20], set[int]()
        self.settings = {"top": 1}
        self.measured: list[int] = []

    def choose(self, folder: Path, which: str, warn: Any) -> list[Snapshot]:
        return [snapshot(step) for step in self.steps]

    def prepare(self, assembly: Any, chosen: Snapshot, device: Any, say: Any) -> tuple[Any, dict[str, float]]:
        if chosen.step in self.gone:
            raise CheckpointError(f"step {chosen.step} is gone")
        return SimpleNamespace(settings=self.settings, measure=self.measure), {"en-az": 1.0}

    def measure(self, step: int, weights: dict[str, float], watch: Any) -> dict[str, Any]:
        self.measured.append(step)
        watch(1, 2, "en-az")
        return {"settings": self.settings, "seconds": {"gradients": 0.5, "curvature": 1.0}}


@pytest.fixture
def run(tmp_path) -> Path:
    return write_run(tmp_path / "run", sentences=1, training={"device": "cpu"})


@pytest.fixture
def bench(monkeypatch) -> Bench:
    bench = Bench()
    monkeypatch.setattr(module, "choose_snapshots", bench.choose)
    monkeypatch.setattr(module, "find_store", lambda folder, config, say: None)
    monkeypatch.setattr(module, "_prepare", bench.prepare)
    monkeypatch.setattr(module, "read_records", lambda path: read(path))
    return bench


def read(path: Path) -> list[dict[str, Any]]:
    """The records of `analysis.json`, whose schema asks for more than this test measures."""
    if not path.exists():
        return []
    content = json.loads(path.read_text())
    return [*content.pop("history"), content]


def test_steps_are_measured_in_order_and_written(run, bench, capsys):
    found = analyze(run, "all", [], None, print)
    assert [record["step"] for record in found] == bench.measured == [10, 20]
    assert read(run / "analysis.json") == found
    assert "step 10  1/2  en-az\nstep 10  analysed in 1.5 s: gradients 0.5, curvature 1.0\n" in capsys.readouterr().err


def test_what_was_measured_with_the_same_settings_is_not_measured_again(run, bench):
    analyze(run, "all", [], None, print)
    bench.steps = [20, 30]
    said: list[str] = []
    found = analyze(run, "all", [], None, said.append)
    assert bench.measured == [10, 20, 30]
    assert said == ["step 20 was analysed with these settings before"]
    assert [record["step"] for record in found] == [20, 30]
    assert [record["step"] for record in read(run / "analysis.json")] == [10, 20, 30]
    bench.settings = {"top": 2}
    analyze(run, "all", [], None, print)
    assert bench.measured == [10, 20, 30, 20, 30]


def test_a_checkpoint_that_training_has_removed_is_passed_over(run, bench):
    bench.gone = {10}
    said: list[str] = []
    assert [record["step"] for record in analyze(run, "all", [], None, said.append)] == [20]
    assert said == ["warning: step 10 is gone"]
    bench.gone, bench.settings = {20}, {"top": 2}
    assert [record["step"] for record in analyze(run, "all", [], None, said.append)] == [10]
    assert said[1:] == ["warning: step 20 is gone"]


def test_where_all_are_gone_it_is_an_error(run, bench):
    bench.gone = {10, 20}
    with pytest.raises(CheckpointError, match="step 20 is gone"):
        analyze(run, "all", [], None, lambda line: None)
    assert not (run / "analysis.json").exists()


def test_the_dev_set_has_a_file_of_its_own_and_a_wrong_setting_is_refused(run, bench):
    analyze(run, "all", ["analysis.split=dev"], "cpu", print)
    assert (run / "analysis.dev.json").is_file()
    assert not (run / "analysis.json").exists()
    with pytest.raises(ConfigError, match=r"analysis\.top: .* greater than or equal to 1, found 0"):
        analyze(run, "all", ["analysis.top=0"], None, print)
    with pytest.raises(CheckpointError, match="is not a run's folder"):
        analyze(run / "none", "all", [], None, print)
