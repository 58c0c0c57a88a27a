"""Layers whose parameters are cast together: the numbers of autocast, in a few operations."""

from typing import Any, NoReturn

import pytest
import torch
from benchmarks.counts import StepCounts, count_step
from torch import Tensor
from torch.nn import Linear
from transformers.models.m2m_100.modeling_m2m_100 import M2M100Attention

from catscale.model.adapted_model import AdaptedModel
from catscale.model.autocast import compute_in, keep_casts
from catscale.model.check_material import DIRECTIONS, VOCABULARY, batch_of
from catscale.model.checks import check_casts
from catscale.model.contract import TranslationModel
from catscale.model.layer_casts import LayerCasts, may_cast_layers
from catscale.model.likelihood import Objective
from catscale.model.m2m100 import M2M100
from catscale.model.m2m100_model import M2M100Model
from tests.unchecked import unchecked

CPU, BF16 = torch.device("cpu"), torch.bfloat16
SIZES: dict[str, Any] = {"preset": "tiny", "width": 16, "heads": 2, "feed_forward": 24, "dropout": 0.2}
LAYERS = 4
LINEAR = 2 * 6 + 2 * 10
"""Modules in two layers of an encoder, six each, and two of a decoder."""


def make() -> tuple[TranslationModel, LayerCasts]:
    model = M2M100(**SIZES).build(VOCABULARY, (), 1).train()
    return model, LayerCasts(Objective(model), model.layers())


def run(model: TranslationModel, casts: LayerCasts, is_kept: bool, passes: int = 2) -> list[Tensor]:
    """Return losses, and gradients by the parameters, of passes that are each followed by its own backward pass."""
    torch.manual_seed(3)
    model.zero_grad()
    losses = []
    with keep_casts(CPU), casts.kept(BF16 if is_kept else None):
        for number in range(passes):
            with compute_in(BF16, CPU):
                loss, nll = casts(batch_of(DIRECTIONS[number]), 0.1)
            loss.backward()
            losses += [loss.detach(), nll]
    return losses + [torch.zeros(1) if p.grad is None else p.grad.clone() for p in model.parameters()]


def count(model: TranslationModel, casts: LayerCasts, is_kept: bool, passes: int = 2) -> StepCounts:
    return count_step(model, lambda: run(model, casts, is_kept, passes))


def test_losses_and_gradients_are_those_of_autocast_to_the_bit() -> None:
    model, casts = make()
    apart, together = (run(model, casts, is_kept) for is_kept in (False, True))
    assert all(map(torch.equal, apart, together))
    assert sum(bool(found.any()) for found in together) > 2 * LINEAR
    assert {p.grad.dtype for p in model.parameters() if p.grad is not None} == {torch.float32}


def test_a_layer_is_cast_by_one_operation_and_so_are_its_gradients_in_every_pass() -> None:
    model, casts = make()
    apart, together = (count(model, casts, is_kept) for is_kept in (False, True))
    assert together.launches["_foreach_copy_"] - apart.launches["_foreach_copy_"] == LAYERS * (1 + 2)
    saved = apart.launches["_to_copy"] - together.launches["_to_copy"]
    assert saved == 2 * LINEAR * (1 + 2)  # a matrix and a bias each; once, and its gradient in each of two passes
    others = {name: n for name, n in together.launches.items() if name not in ("_foreach_copy_", "_to_copy")}
    assert others == {name: n for name, n in apart.launches.items() if name not in ("_foreach_copy_", "_to_copy")}


def test_parameters_are_cast_anew_where_they_may_have_moved() -> None:
    model, casts = make()
    first = run(model, casts, is_kept=True)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5)
    moved, apart = (run(model, casts, is_kept) for is_kept in (True, False))
    assert all(map(torch.equal, moved, apart))
    assert not torch.equal(first[0], moved[0])


def test_nothing_is_kept_after_the_block_nor_after_an_error() -> None:
    model, casts = make()
    parameters = dict(model.named_parameters())

    def call() -> None:
        with compute_in(BF16, CPU):
            casts(batch_of(DIRECTIONS[0]), 0.1)

    def fail() -> NoReturn:
        with casts.kept(BF16):
            call()
            assert dict(model.named_parameters()) == parameters
            raise ZeroDivisionError

    plain = count_step(model, call).launches
    assert plain["_to_copy"] >= 2 * LINEAR
    assert run(model, casts, is_kept=True)
    assert count_step(model, call).launches == plain
    with pytest.raises(ZeroDivisionError):
        fail()
    assert count_step(model, call).launches == plain


def test_parameters_that_are_held_fixed_are_left_to_autocast() -> None:
    model, casts = make()
    held = [p for layer in list(model.layers())[:3] for p in layer.parameters()]
    for parameter in held:
        parameter.requires_grad_(False)
    next(each for each in model.layers()[3].modules() if isinstance(each, Linear)).weight.requires_grad_(False)
    apart, together = (run(model, casts, is_kept) for is_kept in (False, True))
    assert all(map(torch.equal, apart, together))
    assert count(model, casts, is_kept=True).launches["_foreach_copy_"] == 1 + 2  # of the layer that has some left


class _Own(Linear):
    """A linear module that may read its parameters otherwise."""


def test_classes_derived_from_linear_modules_are_left_to_autocast() -> None:
    model, _ = make()
    for module in model.layers()[0].modules():
        if isinstance(module, Linear):
            module.__class__ = _Own
    casts = LayerCasts(Objective(model), model.layers())
    apart, together = (run(model, casts, is_kept) for is_kept in (False, True))
    assert all(map(torch.equal, apart, together))
    assert count(model, casts, is_kept=True).launches["_foreach_copy_"] == (LAYERS - 1) * 3


def test_a_layer_that_takes_no_part_in_a_pass_gets_no_gradient() -> None:
    class Some(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = Linear(3, 3), Linear(3, 3)

        def forward(self, rows: Tensor) -> Tensor:
            return self.first(rows).float().sum()

    module = Some()
    casts = LayerCasts(module, [module])
    with casts.kept(BF16), compute_in(BF16, CPU):
        casts(torch.ones(2, 3)).backward()
    assert module.second.weight.grad is None
    assert module.first.weight.grad is not None
    assert module.first.weight.grad.dtype == torch.float32


def test_nothing_is_cast_where_no_gradient_is_asked_for() -> None:
    _, casts = make()
    with torch.no_grad(), casts.kept(BF16), compute_in(BF16, CPU):
        casts(batch_of(DIRECTIONS[0]), 0.1)
        assert casts._casts is None


def test_layers_without_linear_modules_have_no_casts() -> None:
    norm = torch.nn.LayerNorm(3)
    casts = LayerCasts(norm, [norm])
    with casts.kept(BF16):
        assert casts(torch.ones(2, 3)).dtype == torch.float32
        assert casts._casts == {}


def test_gradients_of_a_layer_are_there_when_its_backward_pass_ends_in_every_pass() -> None:
    """Which sums over processes begin by; cast before the pass, they would all wait for its end."""
    layers = [torch.nn.Sequential(Linear(4, 4), torch.nn.LayerNorm(4)) for _ in range(3)]
    module = torch.nn.Sequential(*layers)
    casts, order = LayerCasts(module, layers), list[int]()
    for number, layer in enumerate(layers):
        for parameter in layer.parameters():
            parameter.register_post_accumulate_grad_hook(lambda _, number=number: order.append(number))
    with casts.kept(BF16):
        for _ in range(2):
            with compute_in(BF16, CPU):
                loss = casts(torch.randn(2, 4)).square().sum()
            loss.backward()
    assert order == [2] * 4 + [1] * 4 + [0] * 4 + [2] * 4 + [1] * 4 + [0] * 4


def test_float64_is_left_to_autocast() -> None:
    linear = Linear(3, 3).double()
    casts = LayerCasts(linear, [linear])
    with casts.kept(BF16), compute_in(BF16, CPU):
        assert casts(torch.ones(2, 3).double()).dtype == torch.float64


def test_a_class_says_for_itself_whether_its_layers_may_be_cast() -> None:
    class Derived(M2M100Model):
        pass

    network = make()[0].stored
    assert may_cast_layers(M2M100Model(unchecked(network)))
    assert not may_cast_layers(Derived(unchecked(network)))
    assert "casts_layers" not in vars(AdaptedModel)


def test_matrices_without_a_bias_are_cast_too() -> None:
    linear, rows = Linear(3, 2, bias=False), torch.randn(4, 3)
    casts = LayerCasts(linear, [linear])
    with casts.kept(BF16), compute_in(BF16, CPU):
        assert casts(rows).equal(linear(rows))
    assert casts(rows).dtype == torch.float32


def test_the_contract_finds_layers_that_read_their_parameters_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    architecture = M2M100(**SIZES)
    check_casts(architecture)
    forward = M2M100Attention.forward

    def reading(self: Any, hidden_states: Tensor, *given: Any, **named: Any) -> Any:
        return forward(self, hidden_states.to(self.q_proj.weight.dtype) * 1.001, *given, **named)

    monkeypatch.setattr(M2M100Attention, "forward", reading)
    with pytest.raises(AssertionError, match="casts_layers"):
        check_casts(architecture)
