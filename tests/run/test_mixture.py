"""The table that is printed before training says what training then sees."""

import numpy as np
import pytest

from catscale.errors import ConfigError
from catscale.run.device import choose_device
from catscale.run.mixture import describe_replay, make_mixture_rows, show_mixture
from catscale.sampling import MultiDDS, PretrainFinetune, Sampler, TemperatureSampling, TemperatureSchedule
from catscale.training.config import TrainingConfig
from catscale.training.stream import MixtureStream
from tests.run.corpus import VOCABULARY, given_shares, sampler_of, tasks_of


@pytest.mark.parametrize("temperature", [1, 5])
def test_expected_epochs_agree_with_what_is_delivered(temperature):
    tasks = tasks_of({"az": 300, "be": 1000, "fr": 4000})
    sampler = sampler_of(tasks, TemperatureSampling(temperature=temperature))
    probabilities = sampler.probabilities(1)
    stream = MixtureStream(tasks, sampler, VOCABULARY, sub_batches=8, max_tokens=256, seed=3)
    steps = 300
    delivered: dict[str, int] = {}
    for step in range(1, steps + 1):
        for task, batches in stream.take(step).items():
            delivered[task] = delivered.get(task, 0) + sum(batch.tokens for batch in batches)
    for row, (direction, pairs), share in zip(
        make_mixture_rows(tasks, stream, steps), tasks.items(), probabilities, strict=True
    ):
        tokens = sum(len(pairs.target(i)) + 1 for i in range(len(pairs)))
        assert row["direction"] == str(direction)
        assert row["pairs"] == len(pairs)
        assert row["share"] == pytest.approx(share)
        drawn = 8 * stream.token_shares(1)[list(tasks).index(direction)]
        chance = drawn % 1  # of one draw more than the whole ones in a step
        noise = np.sqrt(steps * chance * (1 - chance)) / (steps * drawn)
        assert row["epochs"] == pytest.approx(delivered[str(direction)] / tokens, rel=0.01 + 3 * noise)
        assert noise < 0.08
        position = stream.state_dict()[str(direction)]
        assert position[0] == pytest.approx(row["epochs"], abs=1.2)


def test_shares_of_sentences_are_those_asked_for():
    tasks = tasks_of({"az": 50, "be": 700}, longest=60) | tasks_of({"fr": 3000}, longest=20)
    probabilities = np.array([0.2, 0.3, 0.5])
    stream = MixtureStream(
        tasks, given_shares(tasks, [0.2, 0.3, 0.5]), VOCABULARY, sub_batches=5, max_tokens=200, seed=1
    )
    sentences, tokens = dict.fromkeys(map(str, tasks), 0), 0
    for step in range(1, 801):
        for task, batches in stream.take(step).items():
            sentences[task] += sum(len(batch.labels) for batch in batches)
            tokens += sum(batch.tokens for batch in batches)
    found = np.array(list(sentences.values())) / sum(sentences.values())
    assert np.abs(found - probabilities).max() < 0.02
    assert tokens / 800 == pytest.approx(5 * 200, rel=0.01)


def test_in_proportion_to_the_data_every_task_sees_as_many_epochs():
    tasks = tasks_of({"az": 50, "be": 700}, longest=60) | tasks_of({"fr": 3000}, longest=20)
    sampler = sampler_of(tasks, TemperatureSampling(temperature=1))
    stream = MixtureStream(tasks, sampler, VOCABULARY, sub_batches=5, max_tokens=200, seed=1)
    epochs = [row["epochs"] for row in make_mixture_rows(tasks, stream, 1000)]
    assert epochs == pytest.approx([epochs[0]] * 3)


def test_a_step_is_never_empty_even_where_sentences_are_longer_than_sub_batches():
    tasks = tasks_of({"az": 20, "be": 20}, shortest=50, longest=60)
    stream = MixtureStream(tasks, given_shares(tasks, [0.5, 0.5]), VOCABULARY, sub_batches=1, max_tokens=16, seed=1)
    taken = [stream.take(step) for step in range(1, 60)]
    assert all(any(parts) for step in taken for parts in step.values())
    assert all(step for step in taken)


def same(left, right) -> bool:
    return left.keys() == right.keys() and all(
        len(left[task]) == len(right[task])
        and all(
            a.input_ids.equal(b.input_ids) and a.labels.equal(b.labels)
            for a, b in zip(left[task], right[task], strict=True)
        )
        for task in left
    )


def test_the_state_continues_where_it_was():
    def make(seed: int) -> MixtureStream:
        tasks = tasks_of({"az": 40, "fr": 400})
        return MixtureStream(
            tasks, given_shares(tasks, [0.4, 0.6]), VOCABULARY, sub_batches=4, max_tokens=100, seed=seed
        )

    first, second, other = make(1), make(1), make(2)
    for step in range(1, 41):
        first.take(step)
    second.load_state_dict(first.state_dict())
    assert first.state_dict()["en-az"][0] > 0  # epochs have passed
    differs = False
    for step in range(41, 80):
        expected = first.take(step)
        assert same(second.take(step), expected)
        differs |= not same(other.take(step), expected)
    assert differs


@pytest.mark.parametrize(
    "method",
    [TemperatureSchedule(knots=[(1, 1), (200, 100)]), PretrainFinetune(steps=120, high=["en-fr"], temperature=2)],
)
def test_expected_epochs_follow_a_schedule(method):
    tasks = tasks_of({"az": 300, "fr": 4000})
    stream = MixtureStream(tasks, sampler_of(tasks, method), VOCABULARY, sub_batches=8, max_tokens=256, seed=3)
    delivered = dict.fromkeys(map(str, tasks), 0)
    for step in range(1, 301):
        for task, batches in stream.take(step).items():
            delivered[task] += sum(batch.tokens for batch in batches)
            assert step > 120 or task == "en-fr" or method.name == "temperature_schedule"
    for row, pairs in zip(make_mixture_rows(tasks, stream, 300), tasks.values(), strict=True):
        tokens = sum(len(pairs.target(i)) + 1 for i in range(len(pairs)))
        assert row["epochs"] == pytest.approx(delivered[row["direction"]] / tokens, rel=0.05)
        number = list(delivered).index(row["direction"])
        assert row["share"] == method.probabilities(stream.sampler.state, 1)[number]
        assert row["last share"] == method.probabilities(stream.sampler.state, 300)[number]


def test_many_steps_are_looked_at_in_strides():
    tasks = tasks_of({"az": 300, "fr": 300})
    method = PretrainFinetune(steps=30_000, high=["en-fr"])
    stream = MixtureStream(tasks, sampler_of(tasks, method), VOCABULARY, sub_batches=1, max_tokens=100, seed=3)
    rows = make_mixture_rows(tasks, stream, 40_000)
    share = stream.token_shares(40_000)[0] / 4  # of the whole run
    assert rows[0]["epochs"] == pytest.approx(40_000 * 100 * share / sum(tasks_tokens(tasks)[:1]), rel=1e-3)


def tasks_tokens(tasks) -> list[int]:
    return [sum(len(pairs.target(i)) + 1 for i in range(len(pairs))) for pairs in tasks.values()]


@pytest.mark.parametrize(
    ("method", "shown", "hidden"),
    [
        (TemperatureSampling(temperature=1), ["share", "25.0%"], ["at first", "learns"]),
        (
            TemperatureSchedule(knots=[(1, 1), (50, 1e9)]),
            ["share at first", "at step 50", "25.0%", "50.0%"],
            ["learns"],
        ),
        (PretrainFinetune(steps=3, temperature=1), ["0.0%", "25.0%", "100.0%", "75.0%"], ["learns"]),
        (MultiDDS(), ["share", "25.0%", "before the sampler learns"], ["at first"]),
    ],
)
def test_the_table_says_whether_shares_move(capsys, method, shown, hidden):
    tasks = tasks_of({"az": 100, "fr": 300})
    stream = MixtureStream(tasks, sampler_of(tasks, method), VOCABULARY, sub_batches=8, max_tokens=256, seed=3)
    counts = {"source_tokens": 500, "source_unknown": 0, "target_tokens": 400, "target_unknown": 14}
    show_mixture(
        tasks, stream, TrainingConfig(max_steps=50), print, {"en-az": {"train": counts}, "en-fr": {"train": {}}}
    )
    text = capsys.readouterr().err
    assert "<unk>" in text
    assert "0%/3.5%" in text
    assert "–/–" in text
    assert all(word in text for word in shown), text
    assert not any(word in text for word in hidden), text


def test_devices():
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type in ("cpu", "cuda")
    with pytest.raises(ConfigError, match=r"training\.device: 'cuda:99' cannot be used here .*use auto or cpu"):
        choose_device("cuda:99")


def test_the_share_of_old_directions_is_told_where_there_are_old_and_new_ones():
    sizes = {"en-fr": 300, "en-ru": 100, "en-gl": 100}
    told = describe_replay(Sampler(TemperatureSampling(temperature=1, replay=0.25), sizes, ["en-fr", "en-ru"]))
    assert told.startswith("2 of 3 directions are between languages that the model knows, and have 25.0% of the")
    assert told.endswith("sampling.replay sets another share, null the sampler's own (at first 80.0%)")
    told = describe_replay(Sampler(TemperatureSampling(temperature=1, replay=None), sizes, ["en-fr"]))
    assert told.endswith("and have 60.0% of the sentence pairs, the sampler's own; sampling.replay sets a share")
    assert describe_replay(Sampler(TemperatureSampling(), sizes)) == ""
    assert describe_replay(Sampler(TemperatureSampling(), sizes, list(sizes))) == ""
