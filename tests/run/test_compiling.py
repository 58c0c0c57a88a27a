"""Whether layers are compiled is decided by the first process, on record, and kept."""

import json
from pathlib import Path
from typing import Any

import pytest

from catscale.distributed.processes import Processes
from catscale.run import compiling as module
from catscale.run.commands.train import record_visit
from catscale.run.compiling import agree_on_compiling
from catscale.run.folder.readback import read_environment
from catscale.training.compiling import Compiling
from catscale.training.config import TrainingConfig
from tests.run.test_assembly import make
from tests.unchecked import unchecked


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Any]]:
    """The setting and the record that each decision was told of."""
    found: list[tuple[Any, Any]] = []

    def decide(config: TrainingConfig, is_possible: bool, trial: Any, recorded: Any = None) -> Compiling:
        found.append((config.compile, recorded))
        return Compiling(config.compile is not False, 1.5, "a note")

    monkeypatch.setattr(module, "decide_compiling", decide)
    return found


def agree(folder: Path, processes: Processes | None = None) -> Compiling:
    return agree_on_compiling(TrainingConfig(), True, unchecked(None), folder, processes or Processes())


def write(folder: Path, **environment: Any) -> None:
    (folder / "checkpoints" / "step-5").mkdir(parents=True)
    (folder / "environment.json").write_text(json.dumps(environment))


def test_a_new_run_decides_and_one_that_goes_on_is_told(tmp_path: Path, asked: list[tuple[Any, Any]]) -> None:
    assert agree(tmp_path).note == "a note"
    write(tmp_path, compiled={"used": True, "speed": 2.0}, continued_by=[{"step": 5, "device": "cpu"}])
    agree(tmp_path)
    (tmp_path / "environment.json").write_text("{}")  # of a version that compiled nothing
    agree(tmp_path)
    assert [record for _, record in asked] == [None, {"used": True, "speed": 2.0}, {"used": False, "speed": None}]


@pytest.mark.parametrize("used", [False, True])
def test_the_first_process_decides_for_all(tmp_path: Path, asked: list[tuple[Any, Any]], used: bool) -> None:
    class Second(Processes):
        def exchange(self, text: str) -> list[str]:
            return [json.dumps({"used": used, "speed": 3.0}), text]

    assert agree(tmp_path, Second(1, 2)) == Compiling(used, 3.0)
    assert asked == [(used, None)]


def test_a_run_on_a_processor_is_not_compiled_and_that_is_on_record(tmp_path: Path) -> None:
    assembly = make()
    unchecked(assembly.store).fingerprint = "f" * 8
    setup = assembly.build_setup(tmp_path, Processes(), print)
    assert setup.compiling == Compiling(False)
    assert not any("forward" in vars(layer) for layer in setup.model.layers())
    record_visit(assembly, setup, 0)
    assert read_environment(tmp_path)["compiled"] == {"used": False, "speed": None}
