"""`catscale train`: its folder, its data, and what it says; whole trainings are in `tests/cli`."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from catscale.distributed.processes import Processes
from catscale.errors import ConfigError, DataError
from catscale.run.commands import train as module
from catscale.run.commands.train import describe_computing, occupied, prepare_data, record_visit
from catscale.run.folder.readback import read_environment
from catscale.run.folder.run_lock import is_held
from catscale.training.compiling import NOT_COMPILED
from tests.comparison.fakes import write_run
from tests.run.plans import make_config
from tests.unchecked import unchecked

FIRST, SECOND = Processes(), Processes(rank=1, size=2)


def test_a_folder_is_held_for_the_time_of_the_block(tmp_path):
    with occupied(tmp_path / "run", make_config(), FIRST):
        assert is_held(tmp_path / "run", "train")
    assert not is_held(tmp_path / "run", "train")
    assert (tmp_path / "run").is_dir()


def test_a_folder_made_for_nothing_is_removed_again_and_one_that_was_there_is_not(tmp_path):
    (tmp_path / "there").mkdir()
    for name in ("new", "there"):
        with pytest.raises(DataError, match=r"^a mistake$"), occupied(tmp_path / name, make_config(), FIRST):
            raise DataError("a mistake")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_run_of_another_configuration_is_refused(tmp_path):
    write_run(tmp_path / "run", sentences=1, training={"max_steps": 12, "seed": 1}, vocabulary={"size": 777})
    with (
        pytest.raises(ConfigError, match=r"(?s)another configuration:\n  vocabulary\.size: 777 there, 8000 now"),
        occupied(tmp_path / "run", make_config(seed=1), FIRST),
    ):
        raise AssertionError


def test_the_other_processes_make_no_folder(tmp_path):
    with occupied(tmp_path / "run", make_config(), SECOND):
        assert not (tmp_path / "run").exists()


def test_the_model_must_have_room_before_the_data_are_prepared(monkeypatch):
    def refuse(parameters: int) -> None:
        raise ConfigError(f"no memory for {parameters > 1_000_000}")

    monkeypatch.setattr(module, "check_memory", refuse)
    monkeypatch.setattr(module, "prepare", None)
    with pytest.raises(ConfigError, match="no memory for True"):
        prepare_data(make_config(), FIRST, print)


def test_data_are_prepared_with_the_threads_of_the_setting(monkeypatch):
    threads = torch.get_num_threads()
    monkeypatch.setattr(module, "check_memory", lambda parameters: None)
    monkeypatch.setattr(
        module, "prepare", lambda *a, **k: SimpleNamespace(fingerprint="f", threads=torch.get_num_threads())
    )
    try:
        store: Any = prepare_data(make_config(threads=1), FIRST, print)
        assert (store.fingerprint, store.threads) == ("f", 1)
    finally:
        torch.set_num_threads(threads)


def setup_of(size: int, sharded: bool, folder=None) -> Any:
    model = torch.nn.Linear(999, 2)  # 999·2 weights and 2 biases
    return SimpleNamespace(
        model=model,
        trainable_parameters=lambda: {name: p for name, p in model.named_parameters() if p.requires_grad},
        config=SimpleNamespace(sharded=sharded, seed=7),
        processes=Processes(size=size),
        validated={"en-az": [1, 2, 3]},
        precision=SimpleNamespace(to_json=lambda: {"used": "fp32"}),
        compiling=NOT_COMPILED,
        folder=folder,
    )


def test_the_line_on_what_it_is_trained_on(monkeypatch):
    describe = unchecked(describe_computing)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert describe(setup_of(1, False)) == "2,000 parameters, 1 thread, cpu"
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    assert describe(setup_of(2, True)) == "2,000 parameters, 4 threads, cpu, 2 processes, sharded"
    assert describe(setup_of(3, False)).endswith("cpu, 3 processes")
    frozen = setup_of(1, False)
    frozen.model.weight.requires_grad_(False)
    assert describe(frozen) == "2,000 parameters, of which 2 are trained, 4 threads, cpu"


def test_a_visit_is_on_record(tmp_path):
    assembly = SimpleNamespace(
        store=SimpleNamespace(fingerprint="f" * 64),
        sizes={"en-az": 500},
        train_tokens={"en-az": 4500},
        config=SimpleNamespace(model=SimpleNamespace(describe_base=lambda: None)),
    )
    unchecked(record_visit)(assembly, setup_of(1, False, tmp_path), 0)
    found = read_environment(tmp_path)
    assert {key: found[key] for key in ("seed", "data_fingerprint", "train_pairs", "validation_pairs")} == {
        "seed": 7, "data_fingerprint": "f" * 64, "train_pairs": {"en-az": 500}, "validation_pairs": {"en-az": 3}
    }  # fmt: skip
    assert (found["device"], found["processes"], found["precision"]) == ("cpu", 1, {"used": "fp32"})
    assert found["compiled"] == {"used": False, "speed": None}
