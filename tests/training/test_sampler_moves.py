"""Moves by losses that training and validation know anyway, and rewards over several processes."""

from types import SimpleNamespace
from typing import Any

import pytest

from catscale.errors import DivergedError
from catscale.sampling import ADO, ODM, DevLoss, MultiDDS, OwnGap, PiKE, RewardRequest, Sampler
from catscale.training.records.metrics_file import read_metrics
from catscale.training.sampler_moves import SamplerMoves
from tests.training.test_rewards import AZ, BE, make_stream, make_trainer
from tests.unchecked import unchecked

SIZES = {"en-az": 30, "en-be": 40, "en-fr": 200}


def records_of(folder: Any, kind: str) -> list[dict[str, Any]]:
    return [record for record in read_metrics(folder / "metrics.jsonl") if record["kind"] == kind]


def test_training_losses_move_a_sampler_after_every_step(tmp_path: Any) -> None:
    trainer = make_trainer(tmp_path, ODM(warm_up=0), log_every=1)
    trainer.start()
    for _ in range(3):
        trainer.step()
        trainer.reporter.tell_step(1.0)
    expected = Sampler(ODM(warm_up=0), SIZES)
    rows = [record["nll"] for record in records_of(tmp_path, "train")]
    for row in rows:
        expected.update(row)
    assert trainer.stream.sampler.probabilities(4) == pytest.approx(expected.probabilities(4), rel=1e-9)
    assert [record["rewards"] for record in records_of(tmp_path, "sample")] == [pytest.approx(row) for row in rows]


def test_a_longer_interval_gives_the_mean_of_its_tokens(tmp_path: Any) -> None:
    trainer = make_trainer(tmp_path, ADO(interval=2, warm_up=0, refit=100), log_every=2)
    trainer.start()
    for _ in range(4):
        trainer.step()
        trainer.reporter.tell_step(1.0)
    rows = [record["nll"] for record in records_of(tmp_path, "train")]
    assert [record["rewards"] for record in records_of(tmp_path, "sample")] == [pytest.approx(row) for row in rows]
    kept = unchecked(trainer.stream.sampler.state).losses[:, :3]
    for number, row in enumerate(rows):
        for task, loss in row.items():
            assert kept[list(SIZES).index(task), number].item() == pytest.approx(loss)
    assert bool(kept[:, 2].isnan().all())


def test_moves_by_losses_are_recorded_no_more_often_than_the_training_loss(tmp_path: Any) -> None:
    trainer = make_trainer(tmp_path, ODM(warm_up=0), log_every=2)
    trainer.start()
    for _ in range(3):
        trainer.step()
    assert [record["step"] for record in records_of(tmp_path, "sample")] == [2]


def test_validations_move_a_sampler_but_not_the_last_of_a_short_budget(tmp_path: Any) -> None:
    trainer = make_trainer(tmp_path, DevLoss(smoothing=0), max_steps=3, validate_every=2)
    trainer.fit()
    first, last = records_of(tmp_path, "valid")
    assert (first["step"], last["step"]) == (2, 3)
    (record,) = records_of(tmp_path, "sample")
    assert record["step"] == 2
    assert record["rewards"] == first["nll"]
    losses = unchecked(trainer.stream.sampler.state).losses.tolist()
    assert losses[::2] == pytest.approx([first["nll"]["en-az"], first["nll"]["en-fr"]])
    assert losses[1] != losses[1]  # en-be has no dev split


def moves(method: Any, measured: Any) -> SamplerMoves:
    def measure(request: RewardRequest, step: int) -> Any:
        if isinstance(measured, Exception):
            raise measured
        return measured

    processes = SimpleNamespace(size=2, sum=lambda values: [2 * value for value in values])

    def list_tasks(request: RewardRequest) -> list[str]:
        return ["en-be"] if request.may_lack_tasks else ["en-az", "en-be"]

    stream = make_stream({AZ: 30, BE: 40}, method)
    return SamplerMoves(
        stream, unchecked(SimpleNamespace(measure=measure, list_tasks=list_tasks)), unchecked(processes)
    )


def test_pairs_and_numbers_are_means_over_the_processes() -> None:
    pairs = {"en-az": (1.5, 2.0), "en-be": (-0.5, 4.0)}
    assert moves(PiKE(interval=1), pairs).move(1, {}, {}) == (pairs, None)
    numbers = {"en-az": 0.5, "en-be": -0.25}
    assert moves(MultiDDS(interval=1), numbers).move(1, {}, {}) == (numbers, None)
    assert moves(MultiDDS(interval=2), numbers).move(1, {}, {}) == (None, None)
    lacking = moves(MultiDDS(interval=1, reward="uncertainty"), {"en-be": 0.5})
    assert lacking.move(1, {}, {}) == ({"en-be": 0.5}, None)


def test_a_failure_of_any_process_is_everyone_s() -> None:
    rewards, failure = moves(PiKE(interval=1), DivergedError("not finite here")).move(1, {}, {})
    assert rewards is None
    assert "not finite here" in str(failure)
    elsewhere = moves(MultiDDS(interval=1), {"en-az": 0.5, "en-be": 0.5})
    elsewhere.processes = unchecked(SimpleNamespace(size=2, sum=lambda values: [*values[:-1], 1.0]))
    rewards, failure = elsewhere.move(1, {}, {})
    assert rewards is None
    assert "another process found others" in str(failure)


@pytest.mark.parametrize(
    ("method", "measured", "sent"),
    [
        (OwnGap(interval=1), {"en-be": (0.5, 2.0)}, 3),
        (MultiDDS(interval=1, reward="uncertainty"), {"en-be": 0.5}, 2),
        (PiKE(interval=1), {"en-az": (1.0, 1.0), "en-be": (1.0, 1.0)}, 5),
    ],
)
def test_a_process_that_fails_sends_as_many_numbers_as_the_others(method: Any, measured: Any, sent: int) -> None:
    counts = []
    for result in (measured, DivergedError("not finite here")):
        found = moves(method, result)

        def count(values: list[float]) -> list[float]:
            counts.append(len(values))
            return values

        found.processes = unchecked(SimpleNamespace(size=1, sum=count))
        found.move(1, {}, {})
    assert counts == [sent, sent]


def test_a_loss_that_is_not_finite_is_an_error_of_the_move() -> None:
    rewards, failure = moves(ODM(warm_up=0), {}).move(1, {"en-az": float("nan")}, {"en-az": 1})
    assert rewards is None
    assert "the sampling reward of task 'en-az' must be finite" in str(failure)


def test_rewards_of_two_processes_are_averaged_task_by_task_and_number_by_number() -> None:
    found = moves(PiKE(interval=1), {"en-az": (1.0, 4.0), "en-be": (3.0, 0.0)})
    other = [2.0, 0.0, 5.0, 1.0, 0.0]  # halves of the other process's numbers, in the order of the tasks, no failure
    found.processes = unchecked(
        SimpleNamespace(size=2, sum=lambda values: [a + b for a, b in zip(values, other, strict=True)])
    )
    mean = {"en-az": (2.5, 2.0), "en-be": (6.5, 1.0)}
    assert found.move(1, {}, {}) == (mean, None)
    expected = Sampler(PiKE(interval=1), {"en-az": 30, "en-be": 40})
    expected.update(mean)
    assert found.stream.sampler.probabilities(2).tolist() == expected.probabilities(2).tolist()


def test_training_losses_are_means_over_tokens_and_need_no_passes() -> None:
    found = moves(ADO(interval=2, warm_up=0, refit=100), RuntimeError("no pass is due"))
    assert found.move(1, {"en-az": 6.0}, {"en-az": 2}) == (None, None)
    assert found.move(2, {"en-az": 2.0, "en-be": 5.0}, {"en-az": 6, "en-be": 2}) == ({"en-az": 1.0, "en-be": 2.5}, None)
    assert found.move(3, {"en-az": 9.0}, {"en-az": 1}) == (None, None)
    assert found.move(4, {"en-az": 1.0}, {"en-az": 1}) == ({"en-az": 5.0}, None)


def test_validations_move_only_those_who_ask_for_them() -> None:
    nll = {"en-az": 2.0}
    for method in (ODM(warm_up=0), MultiDDS(interval=1)):
        other = moves(method, {})
        before = other.stream.sampler.probabilities(1).tolist()
        assert other.move_by_validation(nll) == (None, None)
        assert other.stream.sampler.probabilities(1).tolist() == before
    asked = moves(DevLoss(), RuntimeError("no pass is due"))
    assert asked.move(1, {"en-az": 6.0}, {"en-az": 2}) == (None, None)
    assert asked.move_by_validation(nll) == (nll, None)
    rewards, failure = asked.move_by_validation({"en-az": float("inf")})
    assert rewards is None
    assert "the sampling reward of task 'en-az' must be finite, found inf" in str(failure)
    assert unchecked(asked.stream.sampler.state).losses[0].item() == 2
