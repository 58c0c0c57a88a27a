"""A part of a split is some of its pairs, the same ones whenever it is drawn."""

import numpy as np
import pytest
import torch

from catscale.data.batching import collate
from catscale.data.direction import Direction
from catscale.data.store.sampled_pairs import SampledPairs, take_part
from catscale.evaluation import nll
from tests.run.corpus import VOCABULARY, random_pairs, tasks_of
from tests.unchecked import unchecked

AZ, FR = Direction("en", "az"), Direction("en", "fr")


def test_every_look_at_a_part_is_the_look_at_its_pairs():
    whole = random_pairs(50, seed=1)
    part = SampledPairs(whole, 20, AZ)
    numbers = part.numbers
    assert len(part) == len(set(numbers.tolist())) == 20
    assert numbers.tolist() == sorted(numbers.tolist())
    assert part.source_lengths.tolist() == whole.source_lengths[numbers].tolist()
    assert part.target_lengths.tolist() == whole.target_lengths[numbers].tolist()
    assert part.target_tokens == whole.target_lengths[numbers].sum()
    one, two = part.lengths(np.array([3, 1])), whole.lengths(numbers[[3, 1]])
    assert [side.tolist() for side in one] == [side.tolist() for side in two]
    ours, theirs = (collate(pairs, at, VOCABULARY, AZ) for pairs, at in ((part, [4, 0]), (whole, numbers[[4, 0]])))
    assert ours.input_ids.equal(theirs.input_ids)
    assert ours.labels.equal(theirs.labels)


def test_texts_are_those_of_the_numbers():
    whole = random_pairs(9, seed=1)
    whole.source_text = lambda: [f"source {n}" for n in range(9)]
    whole.target_text = lambda: [f"target {n}" for n in range(9)]
    whole.further_references = lambda: [[f"other {n}" for n in range(9)]]
    part = SampledPairs(whole, 4, AZ)
    assert part.source_text() == [f"source {n}" for n in part.numbers]
    assert part.target_text() == [f"target {n}" for n in part.numbers]
    assert part.further_references() == [[f"other {n}" for n in part.numbers]]


def test_the_draw_is_the_same_each_time_and_another_for_each_direction():
    whole = random_pairs(200, seed=1)
    numbers = [SampledPairs(whole, 50, direction).numbers.tolist() for direction in (AZ, AZ, FR)]
    assert numbers[0] == numbers[1] != numbers[2]


def test_every_pair_is_as_likely():
    whole = random_pairs(10, seed=1)
    drawn = np.zeros(10)
    for number in range(2000):
        drawn[SampledPairs(whole, 3, Direction("en", f"x{number}")).numbers] += 1
    assert drawn.sum() == 6000
    assert drawn == pytest.approx(600, abs=5 * np.sqrt(2000 * 0.3 * 0.7))


def test_what_is_small_stays_whole():
    tasks = tasks_of({"az": 5, "fr": 30})
    assert take_part(tasks, None) == tasks
    part = take_part(tasks, 10)
    assert part[AZ] is tasks[AZ]
    assert (len(part[AZ]), len(part[FR])) == (5, 10)


def test_validation_on_a_part_is_the_mean_over_its_sentences():
    """Against the sentences' own NLL, here made up of their first target piece."""

    def losses(batch, smoothing):
        first = batch.labels[:, 1].sum() + 0.0
        return first, first

    class Model:
        training, device = False, torch.device("cpu")

        def eval(self): ...

        def train(self, mode): ...

    part = take_part(tasks_of({"fr": 40}), 15)
    found = nll.measure_nll(unchecked(Model()), part, VOCABULARY, 64, None, losses)
    pairs = part[FR]
    total = sum(int(pairs.target(n)[0]) for n in range(15))
    assert found == {"en-fr": pytest.approx(total / (pairs.target_tokens + 15))}
