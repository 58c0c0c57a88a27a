from hypothesis import given
from hypothesis import strategies as st

from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.decoding.batches import length_limit, plan_batches


@given(
    lengths=st.lists(st.integers(0, 120)),
    batch_tokens=st.integers(1, 500),
    ratio=st.floats(0.1, 3),
    positions=st.integers(8, 200),
)
def test_every_sentence_is_planned_once_within_the_batch_size(lengths, batch_tokens, ratio, positions):
    settings = EvaluationConfig(batch_tokens=batch_tokens, max_length_ratio=ratio)
    plan = plan_batches(lengths, settings, positions)
    planned = sorted(i for batch in plan for i in batch.indices)
    assert planned == [i for i, length in enumerate(lengths) if length]
    for batch in plan:
        width = max(lengths[i] for i in batch.indices) + 2
        assert len(batch.indices) == 1 or width * len(batch.indices) <= batch_tokens
        assert {length_limit(lengths[i], settings, positions) for i in batch.indices} == {batch.max_tokens}


def test_the_limit_is_a_power_of_two_with_tag_and_end():
    settings = EvaluationConfig(max_length=100, max_length_ratio=2)
    assert [length_limit(n, settings, 1024) for n in (1, 3, 4, 11, 12, 40)] == [18, 18, 34, 34, 66, 102]


def test_the_limit_stays_within_the_models_positions():
    assert length_limit(60, EvaluationConfig(), positions=64) == 64


def test_sentences_of_like_length_share_batches():
    plan = plan_batches([3, 50, 3, 50, 3], EvaluationConfig(), 1024)
    assert [batch.indices for batch in plan] == [[1, 3], [0, 2, 4]]
