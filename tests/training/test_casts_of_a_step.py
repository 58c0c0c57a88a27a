"""Which steps cast a layer's parameters together, and that it changes no run."""

from typing import Any

import pytest
import torch
from benchmarks.counts import count_step

from catscale.balancing.methods.cats import CATS
from catscale.balancing.methods.famo import FAMO
from catscale.balancing.methods.fixed import Fixed
from catscale.distributed.processes import Processes
from catscale.model.compiled import compile_layers, is_compiled, leave_uncompiled
from catscale.model.m2m100_model import M2M100Model
from catscale.optimisation.sam import SAM
from catscale.training.trainer import Trainer
from tests.balancing.engine.twin import pair_with_twin
from tests.training.test_trainer import fresh_model, make

BF16 = torch.bfloat16
SAM_OFTEN = SAM.model_validate({"from": 0})


def begin(folder, method, launch=0.0, **settings) -> Trainer:
    """A trainer with dropout that computes in bfloat16, whatever the machine is good at.

    It takes one pass for each sub-batch, or joined ones where a pass costs more.
    """
    folder.mkdir(exist_ok=True)
    trainer = make(folder, method, max_steps=5, **settings)
    trainer.builder.autocast, trainer.builder.launch = BF16, launch
    network: Any = trainer.model.stored
    network.model.encoder.dropout = network.model.decoder.dropout = 0.2
    trainer.start()
    return trainer


def count_together(trainer: Trainer) -> int:
    """Count the operations that cast together, in the second step: a layer each, and its gradients in every pass."""
    trainer.step()
    return count_step(trainer.model, trainer.step).launches["_foreach_copy_"]


def without(trainer: Trainer) -> int:
    trainer.builder.may_cast = False
    return count_together(trainer)


WAYS: dict[str, tuple[Any, dict[str, Any]]] = {
    "fixed": (Fixed(), {}),
    "famo": (FAMO(), {}),
    "cats": (CATS(inner_steps=3), {}),
    "sam": (Fixed(), {"optimizer": SAM_OFTEN}),
}


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("launch", [0.0, 1e9], ids=["one by one", "joined"])
def test_runs_are_the_same_to_the_bit(tmp_path, name, launch):
    method, settings = WAYS[name]
    one, other = (begin(tmp_path / way, method, launch, **settings) for way in "ab")
    other.builder.may_cast = False
    for trainer in (one, other):
        torch.manual_seed(2)
        for _ in range(4):
            trainer.step()
    first = fresh_model().state_dict()
    for key, tensor in one.model.state_dict().items():
        assert torch.equal(tensor, other.model.state_dict()[key]), key
    assert not torch.equal(one.model.state_dict()["network.model.shared.weight"], first["network.model.shared.weight"])
    assert one.latest_nll == other.latest_nll


@pytest.mark.parametrize(("name", "times"), [("fixed", 1), ("famo", 1), ("cats", 1), ("sam", 2)])
def test_steps_that_measure_nothing_cast_layers_together(tmp_path, name, times):
    method, settings = WAYS[name]
    trainer = begin(tmp_path / "a", method, **settings)
    plain = without(begin(tmp_path / "b", method, **settings))
    assert count_together(trainer) - plain == 2 * (1 + 3) * times  # layers; casts, and gradients of three passes


@pytest.mark.parametrize(
    ("method", "settings"),
    [(CATS(inner_steps=1), {}), (Fixed(), {"gradient_checkpointing": True})],
    ids=["measured", "computed again"],
)
def test_others_leave_it_to_autocast(tmp_path, method, settings):
    trainer, other = (begin(tmp_path / way, method, **settings) for way in "ab")
    assert count_together(trainer) == without(other)


def test_so_do_models_that_do_not_say_that_their_layers_may_be_cast(tmp_path, monkeypatch):
    monkeypatch.setattr(M2M100Model, "casts_layers", False)
    trainer, other = (begin(tmp_path / way, Fixed()) for way in "ab")
    assert count_together(trainer) == without(other)


def test_so_do_compiled_layers(tmp_path):
    trainer = begin(tmp_path, Fixed())
    assert not is_compiled(trainer.model)
    compile_layers(trainer.model)
    assert is_compiled(trainer.model)
    with trainer.builder._keep_casts():
        assert trainer.builder.casts._dtype is None
    leave_uncompiled(trainer.model)
    with trainer.builder._keep_casts():
        assert trainer.builder.casts._dtype == BF16
    assert trainer.builder.casts._dtype is None


def test_so_does_a_run_in_float32(tmp_path):
    trainer, other = (begin(tmp_path / way, Fixed()) for way in "ab")
    trainer.builder.autocast = other.builder.autocast = None
    assert count_together(trainer) == without(other)


def test_several_processes_sum_while_the_last_pass_goes_on(tmp_path, monkeypatch):
    """As in float32: nothing that casts runs a backward pass of its own."""
    twin = pair_with_twin(monkeypatch)
    trainer = begin(tmp_path, Fixed())
    trainer.processes = trainer.builder.processes = trainer.stopping.processes = Processes(0, 2)
    trainer.step()
    assert any(twin.were_passing)
