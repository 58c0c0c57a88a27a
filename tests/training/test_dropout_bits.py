"""Masks of dropout from bits: their distribution, their draws, what is left to PyTorch, and that it is restored."""

import math
import subprocess
import sys
import warnings
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from catscale.balancing.methods.cats import CATS
from catscale.training.dropout_bits import AT_ONCE, draw_masks_from_bits
from catscale.training.pass_trial import PassTrial
from tests.training.test_precision import batches_of, model
from tests.training.test_trainer import make

__all__ = ["model"]
CPU = torch.device("cpu")
MANY = 2**20
PLAIN = torch.empty(1000).bernoulli_(0.5, generator=torch.Generator().manual_seed(3))
TYPES = [torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.bool, torch.int64, torch.uint8]


def draw(p: float, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """A mask from bits."""
    with draw_masks_from_bits(CPU):
        return torch.empty(shape, dtype=dtype).bernoulli_(p)


def transcribe(seed: int, p: float, count: int) -> list[bool]:
    """The mask by numpy's generator of the same name, number by number: two draws of 32 bits are four numbers."""
    twister, ones = np.random.RandomState(seed), math.floor(65536 * p + 0.5)
    mask: list[bool] = []
    while len(mask) < count:
        high, low = (int(word) for word in twister.randint(0, 2**32, 2, dtype=np.uint32))
        mask += [((word >> shift & 0xFFFF) ^ 0x8000) < ones for word in (low, high) for shift in (0, 16)]
    return mask[:count]


def is_pytorch_s() -> bool:
    """Whether PyTorch draws as it did when this file was read."""
    torch.manual_seed(3)
    return torch.empty(1000).bernoulli_(0.5).equal(PLAIN)


@pytest.mark.parametrize("p", [0.9, 0.7, 0.5, 2 / 3, 1 / 65536, 1 - 1 / 65536])
@pytest.mark.parametrize("count", [1, 3, 4, 1001])
def test_a_mask_is_the_transcription_s(p, count):
    torch.manual_seed(8)
    assert draw(p, count).bool().tolist() == transcribe(8, p, count)


def test_a_mask_in_parts_goes_on_with_the_same_bits():
    torch.manual_seed(9)
    count = AT_ONCE + 6
    assert draw(0.9, 2, count // 2).flatten().bool().tolist() == transcribe(9, 0.9, count)


@pytest.mark.parametrize("p", [0.9, 0.7, 0.5, 0.1])
def test_the_share_kept_is_p_wherever_a_number_lies(p):
    """In all numbers, and in each of the eight places of two words; within five standard errors."""
    torch.manual_seed(1)
    mask = draw(p, MANY)
    assert abs(mask.mean().item() - p) < 5 * math.sqrt(p * (1 - p) / MANY)
    assert (mask.view(-1, 8).mean(0) - p).abs().max() < 5 * math.sqrt(8 * p * (1 - p) / MANY)


@pytest.mark.parametrize("apart", [1, 2, 3, 4, 5, 8, 256, 624, 1248, 2496])
def test_numbers_of_a_mask_are_uncorrelated(apart):
    """The distances are those within a word, between words, of rows and of the generator's state."""
    torch.manual_seed(2)
    mask = (draw(0.7, MANY) - 0.7) / math.sqrt(0.7 * 0.3)
    assert abs((mask[apart:] * mask[:-apart]).mean().item()) < 5 / math.sqrt(MANY)


def test_masks_differ_and_follow_from_the_state_of_the_generator():
    torch.manual_seed(4)
    first, state = draw(0.5, 100), torch.get_rng_state()
    second, third = draw(0.5, 100), draw(0.5, 100)
    torch.set_rng_state(state)
    assert draw(0.5, 100).equal(second)
    assert not any(one.equal(other) for one, other in ((first, second), (second, third), (first, third)))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 0), (2, 3, 5)])
def test_all_types_and_shapes_have_the_same_numbers(dtype, shape):
    torch.manual_seed(6)
    mask = draw(0.5, *shape, dtype=dtype)
    assert (mask.dtype, mask.shape) == (dtype, shape)
    assert mask.flatten().bool().tolist() == transcribe(6, 0.5, math.prod(shape))


@pytest.mark.parametrize("call", [
    lambda generator: torch.empty(50).bernoulli_(0.5, generator=generator),
    lambda generator: torch.empty(5, 10).t().bernoulli_(0.5),
    lambda generator: torch.empty(50).bernoulli_(0.0),
    lambda generator: torch.empty(50).bernoulli_(1.0),
    lambda generator: torch.empty(50).bernoulli_(1e-7),
    lambda generator: torch.empty(50).bernoulli_(1 - 1e-7),
    lambda generator: torch.bernoulli(torch.full((50,), 0.5)),
])  # fmt: skip
def test_the_rest_is_left_to_pytorch(call):
    def found() -> Tensor:
        torch.manual_seed(7)
        result: Tensor = torch.stack([call(torch.Generator().manual_seed(5)), torch.rand(50).view(call(None).shape)])
        return result

    expected = found()
    with draw_masks_from_bits(CPU):
        assert found().equal(expected)


def test_errors_are_pytorch_s():
    with draw_masks_from_bits(CPU):
        for p in (-0.1, 1.1, math.nan):
            with pytest.raises(RuntimeError, match=r"expects p to be in \[0, 1\]"):
                torch.empty(2).bernoulli_(p)
        with pytest.raises(RuntimeError, match="more than one element"):
            torch.empty(1).expand(4).bernoulli_(0.5)


def test_pytorch_is_restored_after_each_of_several_blocks():
    before = torch._C._dispatch_dump_table("aten::bernoulli_.float")
    for _ in range(3):
        with draw_masks_from_bits(CPU):
            assert not is_pytorch_s()
        assert is_pytorch_s()
        assert torch._C._dispatch_dump_table("aten::bernoulli_.float") == before


def test_pytorch_is_restored_after_an_error():
    with pytest.raises(ValueError, match="inside"), draw_masks_from_bits(CPU):
        raise ValueError("inside")
    assert is_pytorch_s()


def test_blocks_may_be_nested():
    with draw_masks_from_bits(CPU):
        with draw_masks_from_bits(CPU):
            assert torch.empty(9).bernoulli_(1.0).all()  # which the outer one leaves to PyTorch too
        assert not is_pytorch_s()
    assert is_pytorch_s()


def test_other_devices_are_left_alone():
    with draw_masks_from_bits(torch.device("cuda")):
        assert is_pytorch_s()


def test_nothing_is_said():
    """In a process of its own, since PyTorch warns once in each."""
    code = (
        "import torch\nfrom catscale.training.dropout_bits import draw_masks_from_bits\n"
        "with draw_masks_from_bits(torch.device('cpu')):\n    torch.empty(9).bernoulli_(0.5)\n"
    )
    for options in ([], ["-W", "always::UserWarning"], ["-W", "error::UserWarning"]):
        done = subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_other_warnings_are_heard_inside_and_once():
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("default")
        for _ in range(3):
            with draw_masks_from_bits(CPU):
                warnings.warn("of a step", UserWarning, stacklevel=1)
    assert [str(one.message) for one in heard] == ["of a step"]


def gradient_of(x: Tensor, function: Any) -> tuple[Tensor, Tensor]:
    """The value and the gradient of a function with dropout, drawn from the same state each time."""
    torch.manual_seed(11)
    x = x.clone().requires_grad_()
    value = function(x)
    value.float().sum().backward()
    assert x.grad is not None
    return value.detach(), x.grad


@pytest.mark.parametrize("half", [False, True])
def test_dropout_s_gradient_is_its_mask(half):
    weight = torch.eye(16)
    context = torch.autocast("cpu", torch.bfloat16) if half else nullcontext()
    with draw_masks_from_bits(CPU), context:
        value, gradient = gradient_of(torch.ones(64, 16), lambda x: F.dropout(F.linear(x, weight), 0.25))
    expected = torch.tensor(transcribe(11, 0.75, 1024)).view(64, 16) / 0.75
    assert value.dtype == (torch.bfloat16 if half else torch.float32)
    assert torch.allclose(value.float(), expected, rtol=0.01 if half else 1e-6)
    assert torch.allclose(gradient, expected, rtol=0.01 if half else 1e-6)


def test_attention_drops_its_weights():
    torch.manual_seed(12)
    x = torch.randn(2, 3, 5, 8)
    mask = torch.tensor(transcribe(11, 0.8, 150)).view(2, 3, 5, 5)

    def by_hand(x: Tensor) -> Tensor:
        weights = torch.softmax(x @ x.transpose(-1, -2) / math.sqrt(8), -1)
        return weights * mask / 0.8 @ x

    with draw_masks_from_bits(CPU):
        found = gradient_of(x, lambda x: F.scaled_dot_product_attention(x, x, x, dropout_p=0.2))
    for one, other in zip(found, gradient_of(x, by_hand), strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_a_checkpoint_computes_the_same_masks_again():
    def block(x: Tensor) -> Tensor:
        return F.dropout(torch.tanh(F.dropout(x, 0.5)), 0.3)

    x = torch.arange(1.0, 400)
    with draw_masks_from_bits(CPU):
        plain = gradient_of(x, block)
        again = gradient_of(x, lambda x: checkpoint(block, x, use_reentrant=False, preserve_rng_state=True))
    assert all(one.equal(other) for one, other in zip(plain, again, strict=True))


def layer_of(model: Any) -> Any:
    """The first layer of its decoder."""
    return model.network.model.decoder.layers[0]


def test_steps_of_a_run_draw_masks_from_bits(tmp_path, monkeypatch):
    """Those of gradients that are measured apart too, and none between steps."""
    trainer = make(tmp_path, CATS(), max_steps=2)
    trainer.start()
    passes, measured = [], []
    layer_of(trainer.model).register_forward_pre_hook(lambda *given: passes.append(is_pytorch_s()))
    monkeypatch.setattr(trainer.statistics, "measure", lambda number: measured.append(is_pytorch_s()))
    trainer.step()
    assert (set(passes), measured) == ({False}, [False])
    assert is_pytorch_s()


def test_a_trial_of_a_pass_draws_as_training_does(model):
    seen = []
    handle = layer_of(model).register_forward_pre_hook(lambda *given: seen.append(is_pytorch_s()))
    PassTrial(model, batches_of((1, 3))[0]).take()
    handle.remove()
    assert seen == [False]
    assert is_pytorch_s()
