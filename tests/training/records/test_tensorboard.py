"""The scalars are those of metrics.jsonl, also after a run was continued."""

import sys

import pytest

from catscale.errors import ConfigError
from catscale.training.records.tensorboard import TensorBoardLog, find_scalars


def read(folder) -> dict[str, list[tuple[int, float]]]:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(folder))
    events.Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def test_every_number_is_written_under_its_place_in_the_record(tmp_path):
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    log = TensorBoardLog(tmp_path / "board", 0)
    log.write("valid", 5, {"mean": 1.5, "nll": {"en-az": 2.25, "en-fr": None}, "done": True, "name": "x"})
    log.write("valid", 10, {"mean": 0.5})
    log.close()
    assert read(tmp_path / "board") == {"valid/mean": [(5, 1.5), (10, 0.5)], "valid/nll/en-az": [(5, 2.25)]}


def test_what_came_after_the_checkpoint_is_dropped_when_a_run_is_continued(tmp_path):
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    log = TensorBoardLog(tmp_path / "board", 0)
    for step in (1, 2, 3):
        log.write("train", step, {"loss": float(step)})
    log.close()
    again = TensorBoardLog(tmp_path / "board", 1)
    again.write("train", 2, {"loss": 20.0})
    again.close()
    assert read(tmp_path / "board") == {"train/loss": [(1, 1.0), (2, 20.0)]}


def test_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ConfigError, match=r"tensorboard is not installed; pip install 'catscale\[tensorboard\]'"):
        TensorBoardLog(tmp_path / "board", 0)


def test_infinities_and_texts_are_left_out():
    assert dict(find_scalars({"a": float("inf"), "b": "1", "c": [1.0], "d": {"e": 3}}, "k")) == {"k/d/e": 3.0}
