"""Sub-batches in one rectangle are the sub-batches; passes are joined where that costs least."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from catscale.data.batching import IGNORED, Batch, make_batch
from catscale.data.direction import Direction
from catscale.data.joining import join_batches, plan_joins
from tests.run.corpus import VOCABULARY

shapes = st.lists(st.tuples(st.integers(1, 9), st.integers(2, 30), st.integers(2, 30)), max_size=9)


def batch_of(sizes: list[tuple[int, int]], language: str, seed: int) -> Batch:
    rng = np.random.default_rng(seed)
    sources, targets = ([rng.integers(4, 99, pair[side]).tolist() for pair in sizes] for side in (0, 1))
    return make_batch(sources, targets, VOCABULARY, Direction("en", language))


PARTS = [batch_of([(3, 5), (2, 5)], "az", 1), batch_of([(7, 2)], "fr", 2), batch_of([(4, 4), (4, 1), (4, 2)], "az", 3)]


def test_a_joined_batch_holds_the_sentences_of_all_in_their_order():
    joined = join_batches(PARTS, [0, 1, 0], VOCABULARY.pad_id)
    batch, row = joined.batch, 0
    assert batch.tokens == sum(part.tokens for part in PARTS) == len(joined.owners)
    assert batch.attention_mask is not None
    assert batch.labels.flatten()[batch.predicted].tolist() == [
        label for part in PARTS for label in part.labels.flatten()[part.predicted].tolist()
    ]
    assert joined.owners.tolist() == [0] * PARTS[0].tokens + [1] * PARTS[1].tokens + [0] * PARTS[2].tokens
    for part in PARTS:
        for n in range(len(part.labels)):
            source, target = part.input_ids[n], part.decoder_input_ids[n]
            mask = torch.ones_like(source) if part.attention_mask is None else part.attention_mask[n]
            assert batch.input_ids[row][: len(source)].equal(source)
            assert batch.attention_mask[row][: len(source)].equal(mask)
            assert batch.attention_mask[row][len(source) :].sum() == 0
            assert set(batch.input_ids[row][len(source) :].tolist()) <= {VOCABULARY.pad_id}
            assert batch.decoder_input_ids[row][: len(target)].equal(target)
            assert set(batch.decoder_input_ids[row][len(target) :].tolist()) <= {VOCABULARY.pad_id}
            assert set(batch.labels[row][len(target) :].tolist()) <= {IGNORED}
            row += 1
    assert row == len(batch.labels)


def test_equal_widths_without_padding_need_no_mask():
    one, two = batch_of([(3, 2), (3, 4)], "az", 1), batch_of([(3, 7)], "fr", 2)
    assert join_batches([one, two], [0, 1], VOCABULARY.pad_id).batch.attention_mask is None
    three = batch_of([(5, 2)], "az", 3)
    assert three.attention_mask is None
    mask = join_batches([one, three], [0, 0], VOCABULARY.pad_id).batch.attention_mask
    assert mask is not None
    assert mask.sum(1).tolist() == [5, 5, 7]
    moved = join_batches([one, two], [0, 1], VOCABULARY.pad_id).to(torch.device("cpu"))
    assert moved.owners.tolist() == [0] * one.tokens + [1] * two.tokens


def cost_of(passes: list[list[int]], sizes: list[tuple[int, int, int]], launch: float) -> float:
    return sum(
        launch + sum(sizes[n][0] for n in found) * (max(sizes[n][1] for n in found) + max(sizes[n][2] for n in found))
        for found in passes
    )


def splits(numbers: list[int]):
    """Yield every way to cut a list into runs."""
    for cuts in range(2 ** max(0, len(numbers) - 1)):
        places = [0, *(n for n in range(1, len(numbers)) if cuts >> (n - 1) & 1), len(numbers)]
        yield [numbers[start:end] for start, end in pairwise(places) if end > start]


@settings(deadline=None, max_examples=80)
@given(shapes, st.sampled_from([0.0, 20.0, 300.0]), st.sampled_from([1, 100, 10_000]))
def test_no_other_cut_of_the_ordered_sub_batches_costs_less(sizes, launch, limit):
    passes = plan_joins(sizes, launch, limit)
    order = [number for found in passes for number in found]
    assert sorted(order) == list(range(len(sizes)))
    assert order == sorted(order, key=lambda n: (sizes[n][2], sizes[n][1], n))

    def fits(found: list[int]) -> bool:
        return len(found) == 1 or sum(sizes[n][0] for n in found) * max(sizes[n][2] for n in found) <= limit

    assert all(map(fits, passes))
    best = min(cost_of(found, sizes, launch) for found in splits(order) if all(map(fits, found)))
    assert cost_of(passes, sizes, launch) == pytest.approx(best)
