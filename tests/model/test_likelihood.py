"""The losses against PyTorch's and transformers' own, in float64."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from catscale.data.batching import IGNORED, make_batch
from catscale.data.direction import Direction
from catscale.model.cross_entropy import SmoothedCrossEntropy
from catscale.model.likelihood import batch_losses, twice_differentiable_nll
from catscale.model.m2m100 import M2M100

VOCABULARY: Any = SimpleNamespace(size=40, bos_id=0, pad_id=1, eos_id=2, tag=lambda language: 38)
EN_AZ = Direction("en", "az")
SOURCES = [[5, 6, 7, 8, 9], [7], [10, 11, 12]]
TARGETS = [[8], [9, 10, 11, 12], [13, 14]]


@pytest.fixture(scope="module")
def model():
    config = M2M100(preset="tiny", encoder_layers=1, decoder_layers=1, width=16, heads=2, feed_forward=24)
    return config.build(VOCABULARY, (), 1).eval()


@pytest.fixture(scope="module")
def batch():
    return make_batch(SOURCES, TARGETS, VOCABULARY, EN_AZ)


def gradients(model, loss):
    return torch.autograd.grad(loss, list(model.parameters()))


def relative_difference(found, expected) -> float:
    difference = sum((a - b).double().square().sum() for a, b in zip(found, expected, strict=True))
    return float((difference / sum(b.double().square().sum() for b in expected)).sqrt())


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])
@pytest.mark.parametrize("scale", [1.0, 50.0])
def test_the_function_against_cross_entropy(smoothing, scale):
    torch.manual_seed(0)
    logits = (scale * torch.randn(7, 11)).requires_grad_()
    labels = torch.randint(0, 11, (7,))
    upstream = 0.37
    losses, nats = SmoothedCrossEntropy.apply(logits, labels, smoothing)
    loss, nll = losses.sum(), nats.sum()
    (found,) = torch.autograd.grad(loss * upstream, logits)
    exact = logits.detach().double().requires_grad_()
    expected = F.cross_entropy(exact, labels, reduction="sum", label_smoothing=smoothing)
    (gradient,) = torch.autograd.grad(expected * upstream, exact)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert nll.item() == pytest.approx(F.cross_entropy(exact, labels, reduction="sum").item(), rel=1e-5)
    torch.testing.assert_close(found.double(), gradient, rtol=1e-4, atol=1e-6)
    assert not nll.requires_grad


def test_the_gradient_has_the_type_of_the_logits_and_a_second_backward_is_refused():
    torch.manual_seed(0)
    logits = torch.randn(7, 11).bfloat16().requires_grad_()
    loss = SmoothedCrossEntropy.apply(logits, torch.arange(7), 0.1)[0].sum()
    loss.backward(retain_graph=True)
    assert logits.grad is not None
    assert logits.grad.dtype == torch.bfloat16
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_batch_against_the_whole_models_logits(model, batch, smoothing):
    logits = model.network(
        input_ids=batch.input_ids, attention_mask=batch.attention_mask, decoder_input_ids=batch.decoder_input_ids
    ).logits
    expected = F.cross_entropy(
        logits.flatten(0, 1), batch.labels.flatten(), ignore_index=IGNORED, reduction="sum", label_smoothing=smoothing
    )
    loss, nll = batch_losses(model, batch, smoothing)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert relative_difference(gradients(model, loss), gradients(model, expected)) < 1e-5
    assert (loss.dtype, nll.dtype) == (torch.float32, torch.float64)


def test_the_nll_is_the_loss_of_hugging_face(model, batch):
    theirs = model.network(
        input_ids=batch.input_ids,
        attention_mask=batch.attention_mask,
        decoder_input_ids=batch.decoder_input_ids,
        labels=batch.labels,
    ).loss
    loss, nll = batch_losses(model, batch, 0.0)
    assert nll.item() / batch.tokens == pytest.approx(theirs.item(), rel=1e-5)
    assert relative_difference(gradients(model, loss / batch.tokens), gradients(model, theirs)) < 1e-5


def test_padding_and_company_do_not_matter(model, batch):
    _, together = batch_losses(model, batch, 0.1)
    alone = [
        batch_losses(model, make_batch([source], [target], VOCABULARY, EN_AZ), 0.1)
        for source, target in zip(SOURCES, TARGETS, strict=True)
    ]
    assert together.item() == pytest.approx(sum(nll.item() for _, nll in alone), rel=1e-5)
    loss, _ = batch_losses(model, batch, 0.1)
    parts = [gradients(model, part) for part, _ in alone]
    assert relative_difference(gradients(model, loss), [sum(found) for found in zip(*parts, strict=True)]) < 1e-5


def test_the_tag_is_given_and_not_predicted(model):
    """Moving probability to or from the tag's own prediction changes nothing: the first label is ignored."""
    batch = make_batch([[5]], [[6]], VOCABULARY, EN_AZ)
    assert batch.labels.tolist() == [[IGNORED, 6, 2]]
    hidden = model.network.model(input_ids=batch.input_ids, decoder_input_ids=batch.decoder_input_ids).last_hidden_state
    scores = model.network.lm_head(hidden)[0].log_softmax(-1)
    _, nll = batch_losses(model, batch, 0.0)
    assert nll.item() == pytest.approx(-(scores[1, 6] + scores[2, 2]).item(), rel=1e-5)


def test_under_bf16_autocast(model, batch):
    exact, _ = batch_losses(model, batch, 0.1)
    with torch.autocast("cpu", torch.bfloat16):
        loss, nll = batch_losses(model, batch, 0.1)
    assert (loss.dtype, nll.dtype) == (torch.float32, torch.float64)
    assert loss.item() == pytest.approx(exact.item(), rel=0.02)
    assert relative_difference(gradients(model, loss), gradients(model, exact)) < 0.1


def test_it_has_no_second_derivative():
    logits = torch.randn(2, 3, requires_grad=True)
    losses, _ = SmoothedCrossEntropy.apply(logits, torch.tensor([0, 1]), 0.1)
    (gradient,) = torch.autograd.grad(losses.sum(), logits, create_graph=True)
    with pytest.raises(RuntimeError, match=r"does not require grad|once_differentiable"):
        gradient.sum().backward()


def test_the_one_that_has_a_second_derivative(model, batch):
    nll = twice_differentiable_nll(model, batch)
    loss, expected = batch_losses(model, batch, 0.0)
    assert nll.item() == pytest.approx(expected.item(), rel=1e-5)
    assert relative_difference(gradients(model, nll), gradients(model, loss)) < 1e-5
    bias = model.network.model.decoder.layers[0].fc1.bias
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        (first,) = torch.autograd.grad(twice_differentiable_nll(model, batch), bias, create_graph=True)
    (second,) = torch.autograd.grad(first.square().sum(), bias)
    assert second.norm() > 0
