"""Steps that are made ahead are the steps of the stream, wherever it is saved, moved or broken."""

import threading
from typing import Any

import pytest

from catscale.data.batching import Batch
from catscale.errors import DataError
from catscale.training import stream as module
from catscale.training.ahead import StepsAhead
from catscale.training.stream import MixtureStream
from tests.run.corpus import VOCABULARY, given_shares, tasks_of
from tests.training.test_trainer import make

SIZES = {"az": 40, "fr": 300}


def stream_of(shares: list[float] | None = None) -> MixtureStream:
    """A stream of two tasks, one of which is planned in blocks."""
    tasks = tasks_of(SIZES)
    return MixtureStream(tasks, given_shares(tasks, shares or [0.3, 0.7]), VOCABULARY, 4, 60, seed=1)


def made_of(steps: StepsAhead) -> Any:
    """The step that is being made."""
    assert steps._ahead is not None
    return steps._ahead


def numbers_of(batches: dict[str, list[Batch]]) -> dict[str, list[Any]]:
    return {
        task: [[part.input_ids.tolist(), part.labels.tolist()] for part in parts] for task, parts in batches.items()
    }


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 100)


def test_steps_and_states_are_those_of_the_stream():
    plain, made = stream_of(), stream_of()
    with StepsAhead(made, is_on=True) as steps:
        for step in range(1, 30):
            assert numbers_of(plain.take(step)) == numbers_of(steps.take(step))
            assert plain.state_dict() == made.state_dict()
            assert [one.epochs for one in plain.streams] == [one.epochs for one in made.streams]
    assert plain.streams[0].position.epoch > 2


def test_a_step_is_made_before_it_is_asked_for(monkeypatch):
    stream = stream_of()
    with StepsAhead(stream, is_on=True) as steps:
        steps.take(1)
        made_of(steps).wait()
        monkeypatch.setattr(stream, "take_of", None)  # nobody draws from the stream itself
        assert steps.take(2)


def test_a_saved_state_is_that_of_the_steps_taken():
    first, second = stream_of(), stream_of()
    with StepsAhead(first, is_on=True) as steps:
        for step in (1, 2, 3):
            steps.take(step)
        state = first.state_dict()
        expected = [numbers_of(steps.take(step)) for step in (4, 5)]
    second.load_state_dict(state)
    with StepsAhead(second, is_on=True) as again:
        assert [numbers_of(again.take(step)) for step in (4, 5)] == expected


def test_a_move_of_the_sampler_throws_away_what_was_drawn_before_it(monkeypatch):
    plain, made = stream_of(), stream_of()
    with StepsAhead(made, is_on=True) as steps:
        for step in range(1, 9):
            if step == 4:
                for stream in (plain, made):
                    monkeypatch.setattr(stream, "sampler", given_shares(tasks_of(SIZES), [0.9, 0.1]))
            assert numbers_of(plain.take(step)) == numbers_of(steps.take(step))
            assert plain.state_dict() == made.state_dict()


def test_another_step_or_place_than_was_made_ahead():
    plain, made = stream_of(), stream_of()
    with StepsAhead(made, is_on=True) as steps:
        for step in (1, 5, 6):
            assert numbers_of(plain.take(step)) == numbers_of(steps.take(step))
        for stream in (plain, made):
            stream.load_state_dict(stream_of().state_dict())
        assert numbers_of(plain.take(7)) == numbers_of(steps.take(7))


def test_an_error_of_the_thread_is_raised_where_its_step_is_taken():
    stream = stream_of()
    with StepsAhead(stream, is_on=True) as steps:
        steps.take(1)
        steps.take(2)
        before = stream.state_dict()
        made_of(steps).wait()
        made_of(steps)._error = DataError("fr.ids is damaged")
        with pytest.raises(DataError, match=r"fr\.ids is damaged"):
            steps.take(3)
        assert stream.state_dict() == before


def test_an_error_is_kept_by_the_thread(monkeypatch):
    stream = stream_of()

    def fail(chosen: Any) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise DataError("fr.ids is damaged")

    monkeypatch.setattr(MixtureStream, "take_of", lambda self, chosen: fail(chosen) or {})
    with StepsAhead(stream, is_on=True) as steps:
        steps.take(1)
        with pytest.raises(DataError, match=r"fr\.ids is damaged"):
            steps.take(2)


def test_no_thread_is_left():
    before = threading.active_count()
    steps = StepsAhead(stream_of(), is_on=True)
    with steps:
        steps.take(1)
        assert threading.active_count() <= before + 1
    assert steps._ahead is None
    assert threading.active_count() == before


def test_a_processor_makes_nothing_ahead(tmp_path):
    stream = stream_of()
    with StepsAhead(stream, is_on=False) as steps:
        steps.take(1)
        assert steps._ahead is None
    assert not make(tmp_path).batches._is_on


def test_the_trainer_takes_its_steps_from_there(tmp_path, monkeypatch):
    trainer = make(tmp_path)
    asked, take = [], trainer.stream.take
    monkeypatch.setattr(trainer.batches, "take", lambda step: asked.append(step) or take(step))
    trainer.start()
    trainer.step()
    trainer.step()
    assert asked == [1, 2]
