"""NLL by sentence against the corpus' NLL, and against each sentence alone."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from benchmarks.counts import count_step

from catscale.data.batching import make_batch
from catscale.data.direction import Direction
from catscale.evaluation.nll import SentenceNLL, measure_nll, measure_sentences
from catscale.model.likelihood import batch_losses
from catscale.model.m2m100 import M2M100
from tests.run.corpus import RandomPairs

VOCABULARY: Any = SimpleNamespace(size=40, bos_id=0, pad_id=1, eos_id=2, tag={"en": 37, "az": 38, "fr": 39}.get)


def some_pairs(count: int, seed: int) -> RandomPairs:
    """Make pairs of one to eight pieces on either side."""
    rng = np.random.default_rng(seed)
    return RandomPairs(*[[rng.integers(3, 20, size) for size in lengths] for lengths in rng.integers(1, 9, (2, count))])


@pytest.fixture(scope="module")
def measured():
    """A model and two directions."""
    config = M2M100(preset="tiny", encoder_layers=1, decoder_layers=1, width=16, heads=2, feed_forward=24)
    pairs = {Direction("en", "az"): some_pairs(40, 1), Direction("en", "fr"): some_pairs(53, 2)}
    return config.build(VOCABULARY, (), 1).eval(), pairs


def test_the_mean_is_what_it_was(measured):
    model, pairs = measured
    found = measure_sentences(model, pairs, VOCABULARY, batch_tokens=64)
    expected = measure_nll(model, pairs, VOCABULARY, batch_tokens=64)
    assert {str(d): nll.mean for d, nll in found.items()} == pytest.approx(expected, rel=1e-12)
    assert all(len(found[d].nats) == len(split.target_lengths) for d, split in pairs.items())


def test_each_line_is_of_its_own_sentence(measured):
    model, pairs = measured
    direction, split = next(iter(pairs.items()))
    found = measure_sentences(model, pairs, VOCABULARY, batch_tokens=64)[direction]
    for i in (0, 3, 17):
        batch = make_batch([split.source(i)], [split.target(i)], VOCABULARY, direction)
        with torch.no_grad():
            _, alone = batch_losses(model, batch, 0.0)
        assert found.nats[i] == pytest.approx(alone.item(), rel=1e-5)
        assert found.tokens[i] == batch.tokens == len(split.target(i)) + 1


def test_the_model_goes_back_to_its_mode(measured):
    model, pairs = measured
    model.train()
    measure_sentences(model, pairs, VOCABULARY)
    assert model.training


def test_lines_keep_every_digit():
    nll = SentenceNLL(np.array([1 / 3, 2.0]), np.array([2, 7]))
    assert nll.lines() == "0.3333333333333333\t2\n2.0\t7\n"
    assert nll.mean == pytest.approx((1 / 3 + 2) / 9)


def test_all_batches_of_all_directions_are_read_at_once(measured):
    model, pairs = measured
    found = {}

    def measure() -> None:
        found.update(measure_nll(model, pairs, VOCABULARY, batch_tokens=64))

    counts = count_step(model, measure)
    assert counts.waits == {"tolist": 1}
    assert found == measure_nll(model, pairs, VOCABULARY, batch_tokens=64)
    assert measure_nll(model, {}, VOCABULARY) == {}


def test_sentences_are_read_once_for_each_direction_and_follow_the_type_of_mixed_precision(measured):
    model, pairs = measured
    found = {}

    def measure() -> None:
        found.update(measure_sentences(model, pairs, VOCABULARY, batch_tokens=64))

    assert count_step(model, measure).waits == {"cpu": len(pairs)}
    half = measure_sentences(model, pairs, VOCABULARY, batch_tokens=64, autocast=torch.bfloat16)
    for direction, full in found.items():
        assert half[direction].nats == pytest.approx(full.nats, rel=0.05)
        assert (half[direction].nats != full.nats).any()
