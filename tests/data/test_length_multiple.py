"""Lengths of batches that are rounded up: a few shapes, and the same losses and gradients."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from catscale.data.batching import IGNORED, collate
from catscale.data.direction import Direction
from catscale.data.joining import join_batches
from catscale.model.likelihood import batch_losses, joined_losses
from catscale.model.m2m100 import M2M100
from catscale.training.config import TrainingConfig
from catscale.training.stream import MixtureStream
from tests.run.corpus import given_shares, random_pairs
from tests.run.test_assembly import make as assemble

EN_AZ, EN_FR = Direction("en", "az"), Direction("en", "fr")
VOCABULARY: Any = SimpleNamespace(size=110, bos_id=0, pad_id=1, eos_id=2, tag={"en": 105, "az": 106, "fr": 107}.get)
SIZES: dict[str, Any] = {"preset": "tiny", "width": 16, "heads": 2, "feed_forward": 24, "dropout": 0.0}


def batches(multiple: int):
    pairs = random_pairs(12, 1)
    return [
        collate(pairs, rows, VOCABULARY, d, multiple) for rows, d in (([0, 3], EN_AZ), ([5], EN_FR), ([7, 8, 9], EN_AZ))
    ]


@pytest.mark.parametrize("multiple", [1, 3, 8, 64])
def test_both_sides_are_multiples_and_the_sentences_are_the_same(multiple: int) -> None:
    for plain, rounded in zip(batches(1), batches(multiple), strict=True):
        for before, after in zip(plain.shape[1:], rounded.shape[1:], strict=True):
            assert after % multiple == 0
            assert before <= after < before + multiple
        _, source, target = plain.shape
        assert rounded.input_ids[:, :source].equal(plain.input_ids)
        assert rounded.decoder_input_ids[:, :target].equal(plain.decoder_input_ids)
        assert rounded.labels[:, :target].equal(plain.labels)
        assert set(rounded.input_ids[:, source:].flatten().tolist()) <= {VOCABULARY.pad_id}
        assert set(rounded.labels[:, target:].flatten().tolist()) <= {IGNORED}
        assert rounded.tokens == plain.tokens
        said = rounded.labels.flatten()[rounded.predicted]
        assert said.equal(plain.labels.flatten()[plain.predicted])
        mask = rounded.input_ids != VOCABULARY.pad_id
        assert mask.all() if rounded.attention_mask is None else rounded.attention_mask.bool().equal(mask)


def test_padding_changes_no_loss_and_no_gradient() -> None:
    model = M2M100(**SIZES, encoder_layers=1, decoder_layers=1).build(VOCABULARY, (EN_AZ,), 1).train().double()
    found = []
    for multiple in (1, 8):
        parts = batches(multiple)
        losses = [batch_losses(model, batch, 0.1)[0] for batch in parts]
        joined, _ = joined_losses(model, join_batches(parts, [0, 1, 2], VOCABULARY.pad_id), 0.1, 3)
        total = torch.stack(losses).sum() + joined.sum()
        gradients = torch.autograd.grad(total, model.shared_parameters())
        found.append([*(loss.detach() for loss in losses), joined.detach(), *gradients])
    for one, two in zip(*found, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-6, atol=1e-7)


def test_a_stream_draws_the_same_sentences_in_fewer_shapes() -> None:
    tasks = {EN_AZ: random_pairs(80, 1), EN_FR: random_pairs(50, 2)}

    def take(multiple: int):
        stream = MixtureStream(tasks, given_shares(tasks, [0.6, 0.4]), VOCABULARY, 4, 60, 1, multiple=multiple)
        return [batch for step in range(1, 9) for parts in stream.take(step).values() for batch in parts]

    plain, rounded = take(1), take(8)
    assert [batch.tokens for batch in plain] == [batch.tokens for batch in rounded]
    said = [[batch.labels.flatten()[batch.predicted].tolist() for batch in found] for found in (plain, rounded)]
    assert said[0] == said[1]
    shapes = [len({batch.shape[1:] for batch in found}) for found in (plain, rounded)]
    assert shapes[1] < shapes[0]
    assert np.all([width % 8 == 0 for batch in rounded for width in batch.shape[1:]])


def test_the_multiple_is_one_on_a_processor_and_eight_on_a_gpu_unless_it_is_given() -> None:
    assert [TrainingConfig().multiple_on(device) for device in ("cpu", "cuda", "mps")] == [1, 8, 8]
    assert [TrainingConfig(length_multiple=4).multiple_on(device) for device in ("cpu", "cuda")] == [4, 4]
    found = [assemble().build_stream(*device).streams[0].multiple for device in ((), ("cuda",))]
    assert found == [1, 8]
    assert assemble(training={"length_multiple": 2}).build_stream().streams[1].multiple == 2
