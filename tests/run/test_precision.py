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
    agree_on_precision(TrainingConfig(), MODEL, tmp_path, Processes())
    write(tmp_path, checkpoint=False, precision={"used": "bf16"})  # of a try that took no step
    agree_on_precision(TrainingConfig(), MODEL, tmp_path, Processes())
    assert recorded == [None, None]


def test_the_model_s_own_matrices_are_timed_with_the_tokens_of_a_pass(tmp_path, monkeypatch):
    timed = []
    monkeypatch.setattr(
        module, "time_products", lambda matrices, *about: timed.append((list(matrices), *about)) or (1, 2)
    )
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: True)
    found = agree_on_precision(TrainingConfig(batch_tokens=4096), MODEL, tmp_path, Processes())
    assert found.dtype is None
    ((matrices, *about),) = timed
    assert about == [512, torch.device("cpu")]
    assert {id(matrix) for matrix in matrices} == {id(p) for p in MODEL.parameters() if p.dim() == 2}


def test_the_latest_visit_counts(tmp_path, recorded):
    first, second = {"used": "bf16", "bf16_speed": 2.0}, {"used": "fp32", "bf16_speed": 2.0}
    write(tmp_path, precision=first, continued_by=[{"step": 5, "precision": second}, {"step": 7, "device": "cpu"}])
    agree_on_precision(TrainingConfig(), MODEL, tmp_path, Processes())
    assert recorded == [second]


def test_a_run_of_version_0_1_keeps_what_that_version_took(tmp_path, recorded):
    write(tmp_path, catscale="0.1.0")
    agree_on_precision(TrainingConfig(), MODEL, tmp_path, Processes())
    assert recorded == [{"used": "bf16"}]


def test_the_first_process_decides_for_all(tmp_path, recorded):
    class Second(Processes):
        def exchange(self, text: str) -> list[str]:
            return [json.dumps({"used": "bf16", "bf16_speed": 3.0}), text]

    assert agree_on_precision(TrainingConfig(), MODEL, tmp_path, Second(1, 2)).to_json() == {
        "used": "bf16",
        "bf16_speed": 3.0,
    }
    assert not recorded
