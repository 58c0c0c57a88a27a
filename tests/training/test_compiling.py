"""The decision whether layers are compiled; devices, clocks and compilers are stood in for."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from catscale.errors import ConfigError
from catscale.model.check_material import DIRECTIONS, VOCABULARY, batch_of
from catscale.model.contract import TranslationModel
from catscale.model.m2m100 import M2M100
from catscale.training import compiling as module
from catscale.training.compiling import Compiling, decide_compiling
from catscale.training.config import TrainingConfig
from catscale.training.pass_trial import PassTrial
from tests.unchecked import unchecked

SIZES: dict[str, Any] = {"preset": "tiny", "width": 8, "heads": 2, "feed_forward": 8, "dropout": 0.3}


class FakeModel:
    """A model that says where it is, and how it was left."""

    def __init__(self, device: str) -> None:
        self.device, self.is_compiled = torch.device(device), False


class FakeTrial:
    """A pass that takes the given seconds, or fails where layers are compiled."""

    def __init__(self, device: str = "cuda", plain: float = 2.0, compiled: float = 1.0, fails: bool = False) -> None:
        self.model, self.seconds, self.fails, self.taken = FakeModel(device), (plain, compiled), fails, 0

    def take(self) -> None:
        self.taken += 1
        if self.fails and self.model.is_compiled:
            raise RuntimeError("no compiler\nand more")

    def time(self) -> float:
        return self.seconds[self.model.is_compiled]


@pytest.fixture(autouse=True)
def _stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(is_compiled: bool) -> Any:
        return lambda model: setattr(model, "is_compiled", is_compiled)

    monkeypatch.setattr(module, "compile_layers", leave(True))
    monkeypatch.setattr(module, "leave_uncompiled", leave(False))


def decide(trial: FakeTrial, setting: Any = "auto", is_possible: bool = True, recorded: Any = None) -> Compiling:
    found = decide_compiling(TrainingConfig(compile=setting), is_possible, unchecked(trial), recorded)
    assert trial.model.is_compiled is found.is_on
    return found


def test_auto_takes_what_is_faster_on_a_gpu_and_says_so() -> None:
    assert decide(FakeTrial()) == Compiling(
        True, 2.0, "compile auto: layers are compiled, at 2 times the speed of a pass here"
    )
    slower = decide(FakeTrial(compiled=4.0))
    assert (slower.is_on, slower.speed) == (False, 0.5)
    assert slower.note == "compile auto: layers are not compiled, at 0.5 times the speed of a pass here"
    assert not decide(FakeTrial(compiled=2.0)).is_on


def test_auto_is_off_on_a_processor_and_tries_nothing() -> None:
    trial = FakeTrial("cpu")
    assert decide(trial) == Compiling(False)
    assert trial.taken == 0


@pytest.mark.parametrize("used", [False, True])
def test_a_run_that_goes_on_keeps_what_was_decided(used: bool) -> None:
    trial = FakeTrial(plain=1.0 + used, compiled=2.0 - used)
    recorded = Compiling(not used, 1.5).to_json()
    assert decide(trial, recorded=recorded) == Compiling(not used, 1.5)
    assert decide(FakeTrial(), setting=used, recorded=recorded).is_on is used  # but for a setting that says it


def test_what_cannot_be_compiled_here_is_left_out_or_refused() -> None:
    said = r"training\.compile: torch\.compile fails on this machine with RuntimeError \(no compiler\); set it to false"
    found = decide(FakeTrial(fails=True))
    assert (found.is_on, found.speed) == (False, None)
    assert found.note.startswith("compile auto: no. training.compile: torch.compile fails")
    trial = FakeTrial("cpu", fails=True)
    with pytest.raises(ConfigError, match=said):
        decide(trial, setting=True)
    assert not trial.model.is_compiled
    assert decide(FakeTrial("cpu"), setting=True) == Compiling(True)


@pytest.mark.parametrize("setting", ["auto", True, False])
def test_layers_that_are_sharded_or_read_more_than_their_input_are_not_compiled(setting: Any) -> None:
    found = decide(FakeTrial(), setting, is_possible=False)
    assert (found.note != "") is (setting is True)
    assert "training.compile is ignored where layers are sharded" in found.note or not found.note


def tiny() -> TranslationModel:
    return M2M100(**SIZES, encoder_layers=1, decoder_layers=1).build(VOCABULARY, DIRECTIONS, 1).eval()


def test_a_pass_changes_nothing() -> None:
    """Neither gradients, nor the mode, nor the random numbers of the run."""
    model = tiny()
    before, draws = [p.detach().clone() for p in model.parameters()], torch.get_rng_state()
    modes: list[bool] = []
    model.register_forward_pre_hook(lambda *given: None)
    layer = model.layers()[0]
    layer.register_forward_hook(lambda *given: modes.append(layer.training))
    PassTrial(model, batch_of(DIRECTIONS[0]), torch.bfloat16).take()
    assert modes == [True]
    assert torch.get_rng_state().equal(draws)
    assert not model.training
    assert all(p.grad is None for p in model.parameters())
    assert all(map(torch.equal, before, model.parameters()))


def test_the_first_pass_does_not_count() -> None:
    looks = iter([0, 90, 100, 105, 200, 203, 300, 304, 400, 404, 500, 509])
    trial = replace(PassTrial(tiny(), batch_of(DIRECTIONS[0])), clock=lambda: float(next(looks)))
    assert trial.time() == 3
    assert next(looks, None) is None
