import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catscale.data.batching import EXTRA, IGNORED, SOURCE_ALLOWANCE, make_batch, measure_padding, plan_batches
from catscale.data.direction import Direction
from catscale.data.preparation.prepare import prepare
from catscale.model.check_material import VOCABULARY as CHECKED_IDS
from catscale.run.config import load_config
from tests.data.toy_corpora import ROOT, real
from tests.unchecked import unchecked

lengths = st.lists(st.tuples(st.integers(0, 80), st.integers(0, 80)), min_size=0, max_size=300)
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)


def sides(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    array = np.array(pairs, dtype=np.int32).reshape(-1, 2)
    return array[:, 0], array[:, 1]


@relaxed
@given(lengths, st.integers(16, 600), st.none() | st.integers(0, 2**32))
def test_every_sentence_once_and_none_too_large(pairs, max_tokens, seed):
    source, target = sides(pairs)
    make = None if seed is None else np.random.default_rng(seed)
    batches = plan_batches(source, target, max_tokens, make)
    assert all(len(batch) for batch in batches)
    assert sorted(n for batch in batches for n in batch.tolist()) == list(range(len(pairs)))
    for batch in batches:
        if len(batch) > 1:
            assert (target[batch].max() + EXTRA) * len(batch) <= max_tokens
            assert (source[batch].max() + EXTRA) * len(batch) <= SOURCE_ALLOWANCE * max_tokens
    again = plan_batches(source, target, max_tokens, None if seed is None else np.random.default_rng(seed))
    assert [batch.tolist() for batch in again] == [batch.tolist() for batch in batches]


def test_epochs_differ_in_order_and_company():
    rng = np.random.default_rng(0)
    target = np.clip(rng.geometric(0.06, 20_000), 1, 80).astype(np.int32)
    source = np.clip(target + rng.integers(-4, 5, len(target)), 1, 90).astype(np.int32)
    plans = [plan_batches(source, target, 512, np.random.default_rng(seed)) for seed in (1, 2)]
    assert [len(p) for p in plans] == pytest.approx([len(plans[0])] * 2, rel=0.05)
    companies = [{frozenset(batch.tolist()) for batch in plan} for plan in plans]
    assert len(companies[0] & companies[1]) < 0.05 * len(companies[0])
    first = [[target[batch].mean() for batch in plan] for plan in plans]
    assert abs(np.corrcoef(first[0], np.arange(len(first[0])))[0, 1]) < 0.3  # not from short to long


@pytest.mark.parametrize("size", [150, 700, 5000])
def test_small_tasks_see_other_company_in_every_epoch(size):
    rng = np.random.default_rng(0)
    target = np.clip(rng.geometric(0.1, size), 1, 80).astype(np.int32)
    source = np.clip(target + rng.integers(-4, 5, size), 1, 90).astype(np.int32)
    plans = [plan_batches(source, target, 512, np.random.default_rng(seed)) for seed in (1, 2)]
    one, two = ({frozenset(batch.tolist()) for batch in plan} for plan in plans)
    assert len(one & two) < 0.5 * len(one)


def test_most_sub_batches_are_nearly_full():
    rng = np.random.default_rng(0)
    target = np.clip(rng.geometric(0.05, 20_000), 1, 100).astype(np.int32)
    source = np.clip(target + rng.integers(-5, 6, len(target)), 1, 100).astype(np.int32)
    filled = [target[b].sum() + EXTRA * len(b) for b in plan_batches(source, target, 512, rng)]
    assert np.mean(filled) > 0.6 * 512


class Tags:
    eos_id, pad_id = 2, 1

    def tag(self, language: str) -> int:
        return {"en": 100, "az": 101}[language]


def test_the_layout_of_a_batch():
    batch = make_batch([[10, 11], [12]], [[20], [21, 22, 23]], unchecked(Tags()), Direction("en", "az"))
    assert batch.input_ids.tolist() == [[100, 10, 11, 2], [100, 12, 2, 1]]
    assert batch.attention_mask is not None
    assert batch.attention_mask.tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]
    assert batch.decoder_input_ids.tolist() == [[2, 101, 20, 1, 1], [2, 101, 21, 22, 23]]
    x = IGNORED
    assert batch.labels.tolist() == [[x, 20, 2, x, x], [x, 21, 22, 23, 2]]
    assert batch.predicted.tolist() == [1, 2, 6, 7, 8, 9]
    assert batch.tokens == 6
    assert make_batch([[10], [12]], [[20], []], unchecked(Tags()), Direction("en", "az")).attention_mask is None


@relaxed
@given(lengths.filter(bool), st.integers(0, 1000))
def test_a_batch_holds_its_sentences(pairs, seed):
    rng = np.random.default_rng(seed)
    sources = [rng.integers(4, 100, n).tolist() for n, _ in pairs]
    targets = [rng.integers(4, 100, n).tolist() for _, n in pairs]
    batch = make_batch(sources, targets, unchecked(Tags()), Direction("en", "az"))
    assert batch.tokens == int((batch.labels != IGNORED).sum())
    assert batch.predicted.tolist() == (batch.labels != IGNORED).flatten().nonzero().flatten().tolist()
    for half in batch.halves():
        assert half.predicted.tolist() == (half.labels != IGNORED).flatten().nonzero().flatten().tolist()
    for row, (source, target) in enumerate(zip(sources, targets, strict=True)):
        assert batch.input_ids[row].tolist()[: len(source) + EXTRA] == [100, *source, 2]
        assert set(batch.input_ids[row].tolist()[len(source) + EXTRA :]) <= {1}
        labels = batch.labels[row]
        assert labels[labels != IGNORED].tolist() == [*target, 2]
        # What stands under a label is the piece before it.
        assert batch.decoder_input_ids[row][1:][labels[1:] != IGNORED].tolist() == [101, *target]
        if batch.attention_mask is not None:
            assert batch.attention_mask[row].tolist() == (batch.input_ids[row] != 1).long().tolist()


def test_a_batch_and_its_halves_know_their_direction():
    direction = Direction("en", "az")
    batch = make_batch([[5], [6, 7], [8]], [[9], [10], [11, 12]], CHECKED_IDS, direction)
    halves = batch.halves()
    assert [part.direction for part in (batch, batch.to(torch.device("cpu")), *halves)] == [direction] * 4
    assert [part.tokens for part in halves] == [2, 5]
    assert torch.cat([part.labels for part in halves]).equal(batch.labels)
    assert len(halves[0].halves()) == 1  # of one sentence


CORPORA = {"ted": "ted", "multi30k": "multi30k", "tatoeba": "tatoeba", "wmt-news": "wmt-news"}


@pytest.mark.parametrize(
    "name", [name if name == "ted" else pytest.param(name, marks=pytest.mark.slow) for name in CORPORA]
)
def test_padding_of_an_epoch(name, tmp_path, monkeypatch):
    monkeypatch.setenv("CATSCALE_DATA", str(real(name).parent))
    config = load_config(ROOT / "configs" / f"{name}.yaml", [f"data.store={tmp_path}"])
    store = prepare(config.data, config.vocabulary)
    pairs = [store.split("train", direction) for direction in store.directions]
    assert sum(map(len, pairs)) > 10_000
    for size in (512, config.training.pass_tokens):
        plans = [plan_batches(p.source_lengths, p.target_lengths, size, np.random.default_rng(0)) for p in pairs]
        padding = measure_padding(zip(pairs, plans, strict=True))
        print(f"{name}, sub-batches of {size}: source {padding.source:.2%}, target {padding.target:.2%}")
        assert padding.target <= 0.02
        assert padding.source <= 0.12
