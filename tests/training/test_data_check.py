"""No model is written before the data are known to be whole."""

from typing import Any

import pytest

from catscale.distributed.processes import Processes
from catscale.errors import DataError, Interrupted
from catscale.training import trainer as module
from catscale.training.data_check import Confirmation
from tests.training.test_trainer import make, scores


class Asked:
    """Damaged, which is known from the question of a number on."""

    def __init__(self, known_at: int = 1) -> None:
        self.questions: list[bool] = []
        self.known_at = known_at

    def __call__(self, wait: bool) -> None:
        self.questions.append(wait)
        if wait or len(self.questions) >= self.known_at:
            raise DataError("the token store is damaged")


def test_training_stops_at_the_step_at_which_damage_is_known(tmp_path, monkeypatch):
    trainer = make(tmp_path, confirm=Asked(known_at=3), max_steps=100, validate_every=50)
    with pytest.raises(DataError, match="the token store is damaged"):
        trainer.fit()
    assert trainer.progress.step == 3


@pytest.mark.parametrize("interrupted", [False, True])
def test_neither_a_best_model_nor_a_checkpoint_is_written(tmp_path, monkeypatch, interrupted):
    scores(monkeypatch, [5], [5])
    asked = Asked(known_at=1000)
    trainer = make(tmp_path, confirm=asked, max_steps=100, validate_every=50 if interrupted else 2)
    if interrupted:
        monkeypatch.setattr(module.Trainer, "_agree", lambda *_: True)
    with pytest.raises(DataError, match="the token store is damaged"):
        trainer.fit()
    assert asked.questions == [False] * (1 if interrupted else 2) + [True]
    assert not (tmp_path / "best").exists()
    assert not (tmp_path / "checkpoints").exists()


def test_an_interrupted_run_of_whole_data_is_saved(tmp_path, monkeypatch):
    asked: list[Any] = []
    trainer = make(tmp_path, confirm=asked.append, max_steps=100, validate_every=50)
    monkeypatch.setattr(module.Trainer, "_agree", lambda *_: True)
    with pytest.raises(Interrupted):
        trainer.fit()
    assert asked == [False, True]
    assert (tmp_path / "checkpoints" / "step-1").exists()


def test_waiting_is_not_training(tmp_path, monkeypatch):
    scores(monkeypatch, [5, 4], [5, 4])
    trainer = make(tmp_path, max_steps=2)
    started = []

    def settle(self):
        started.append(trainer._started)
        return 0.25

    monkeypatch.setattr(Confirmation, "settle", settle)
    trainer.fit()
    assert [trainer._started - before for before in started] == pytest.approx([0.5, 0.25])


class Two(Processes):
    """The other of two processes found damage."""

    def sum(self, values):
        return [value + 1 for value in values]


def test_damage_that_another_process_found():
    confirmation = Confirmation(lambda wait: None, Two())
    with pytest.raises(DataError, match="of another process is damaged; its message names the file"):
        confirmation.settle()


def test_it_is_asked_until_it_is_settled():
    asked: list[Any] = []
    confirmation = Confirmation(asked.append, Processes())
    confirmation.look()
    assert confirmation.settle() >= 0
    confirmation.look()
    assert confirmation.settle() == 0
    assert asked == [False, True]
