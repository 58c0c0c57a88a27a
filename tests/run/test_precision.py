"""The decision is on record, and a run that goes on keeps it."""

import json

import pytest
import torch

from catscale.distributed.processes import Processes
from catscale.model.m2m100 import M2M100
from catscale.run import precision as module
from catscale.run.precision import agree_on_precision
from catscale.training import precision
from catscale.training.config import TrainingConfig
from catscale.training.precision import Precision
from tests.training.test_trainer import VOCABULARY

MODEL = M2M100(preset="tiny", width=16, heads=2, feed_forward=16).build(VOCABULARY, [], 1)


def draw(tokens, count):
    raise AssertionError("nothing is to be timed")


@pytest.fixture
def recorded(monkeypatch):
    """What the decision was told of the run's past."""
    found = []
    monkeypatch.setattr(
        module, "choose_precision", lambda config, device, measure, record: found.append(record) or Precision(None)
    )
    return found


def write(folder, *, checkpoint: bool = True, **environment) -> None:
    if checkpoint:
        (folder / "checkpoints" / "step-5").mkdir(parents=True)
    (folder / "environment.json").write_text(json.dumps(environment))


def test_a_new_run_has_no_past(tmp_path, recorded):
    agree_on_precision(TrainingConfig(), MODEL, draw, tmp_path, Processes())
    write(tmp_path, checkpoint=False, precision={"used": "bf16"})  # of a try that took no step
    agree_on_precision(TrainingConfig(), MODEL, draw, tmp_path, Processes())
    assert recorded == [None, None]


def test_passes_of_the_model_are_timed_on_a_processor(tmp_path, monkeypatch):
    drawn, timed = [], []

    def draw_some(tokens, count):
        drawn.append((tokens, count))
        return ["batches"]

    def time_passes(model, batches):
        timed.append((model, batches))
        return 1.0, 2.0

    monkeypatch.setattr(module, "time_passes", time_passes)
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: True)
    training = TrainingConfig(batch_tokens=4096)
    found = agree_on_precision(training, MODEL, draw_some, tmp_path, Processes())
    assert (found.dtype, found.speed) == (None, 0.5)
    assert drawn == [(512, 6)]
    assert timed == [(MODEL, ["batches"])]


def test_a_product_is_timed_on_other_devices(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "time_products", lambda device: (2.0, 1.0) if device.type == "cuda" else None)
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: True)
    found = agree_on_precision(TrainingConfig(), MODEL, draw, tmp_path, Processes(device=torch.device("cuda")))
    assert (found.dtype, found.speed) == (torch.bfloat16, 2.0)


def test_the_latest_visit_counts(tmp_path, recorded):
    first, second = {"used": "bf16", "bf16_speed": 2.0}, {"used": "fp32", "bf16_speed": 2.0}
    write(tmp_path, precision=first, continued_by=[{"step": 5, "precision": second}, {"step": 7, "device": "cpu"}])
    agree_on_precision(TrainingConfig(), MODEL, draw, tmp_path, Processes())
    assert recorded == [second]


def test_a_run_of_version_0_1_keeps_what_that_version_took(tmp_path, recorded):
    write(tmp_path, catscale="0.1.0")
    agree_on_precision(TrainingConfig(), MODEL, draw, tmp_path, Processes())
    assert recorded == [{"used": "bf16"}]


def test_the_first_process_decides_for_all(tmp_path, recorded):
    class Second(Processes):
        def exchange(self, text: str) -> list[str]:
            return [json.dumps({"used": "bf16", "bf16_speed": 3.0}), text]

    assert agree_on_precision(TrainingConfig(), MODEL, draw, tmp_path, Second(1, 2)).to_json() == {
        "used": "bf16",
        "bf16_speed": 3.0,
    }
    assert not recorded
