"""The pass that reads nothing back is transformers' own, bit for bit."""

import pytest
import torch
from benchmarks.counts import count_step

from catscale.data.batching import Batch, make_batch
from catscale.data.direction import Direction
from catscale.model.m2m100 import M2M100
from catscale.model.m2m100_model import M2M100Model
from catscale.model.masked_passes import run_network
from tests.training.test_trainer import VOCABULARY

SOURCES = {"padded": [[5, 6, 7], [8]], "whole": [[5, 6, 7], [8, 9, 10]]}


def batch_of(sources: list[list[int]], targets: list[list[int]]) -> Batch:
    return make_batch(sources, targets, VOCABULARY, Direction("en", "az"))


def model_of(dropout: float = 0.0) -> M2M100Model:
    sizes = M2M100(preset="tiny", encoder_layers=2, decoder_layers=2, width=16, heads=2, feed_forward=16)
    model = sizes.model_copy(update={"dropout": dropout}).build(VOCABULARY, (), 1)
    assert isinstance(model, M2M100Model)
    return model


def by_catscale(model: M2M100Model, batch: Batch) -> torch.Tensor:
    return run_network(model.network, batch)


def by_transformers(model: M2M100Model, batch: Batch) -> torch.Tensor:
    found: torch.Tensor = model.network.model(
        input_ids=batch.input_ids,
        attention_mask=batch.attention_mask,
        decoder_input_ids=batch.decoder_input_ids,
        use_cache=False,
    ).last_hidden_state
    return found


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("targets", [[[11, 12], [13]], [[11, 12], [13, 14]]])
@pytest.mark.parametrize("sources", SOURCES.values(), ids=SOURCES)
def test_outputs_and_gradients_are_those_of_transformers(sources, targets, dropout):
    model, batch = model_of(dropout).train(), batch_of(sources, targets)
    assert (batch.attention_mask is None) == (sources == SOURCES["whole"])
    assert model.network.config._attn_implementation == "sdpa"
    found = []
    for way in (by_catscale, by_transformers):
        torch.manual_seed(3)
        model.zero_grad()
        hidden = way(model, batch)
        hidden.square().sum().backward()
        found.append([hidden.detach(), *(p.grad for p in model.parameters() if p.grad is not None)])
    assert all(one.equal(two) for one, two in zip(*found, strict=True))


@pytest.mark.parametrize("sources", SOURCES.values(), ids=SOURCES)
def test_nothing_is_read_back(sources):
    model, batch = model_of().train(), batch_of(sources, [[11, 12], [13]])
    assert count_step(model, lambda: model.predict(batch.to(model.device))).waits == {}
    theirs = count_step(model, lambda: by_transformers(model, batch.to(model.device)))
    assert theirs.waits["__bool__"] >= 1
