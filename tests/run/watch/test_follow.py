"""Keeping up with a file that grows, is cut back, and holds what is no record."""

import json
import os

import pytest

from catscale.run.watch import follow as module
from catscale.run.watch.follow import Curve, Followed, Follower
from catscale.training.records.metrics_file import read_metrics


def valid(step: int, mean: float | None = 2.0, **more: object) -> dict:
    return {"kind": "valid", "step": step, "time": float(step), "mean": mean, "nll": {"en-az": mean}, **more}


def write(path, records, mode="a") -> None:
    with path.open(mode) as file:
        file.writelines(json.dumps(record) + "\n" for record in records)


def test_what_is_new_is_taken_in_once(tmp_path):
    path = tmp_path / "metrics.jsonl"
    follower = Follower(path)
    assert follower.look().step == 0  # not there yet
    write(path, [valid(1, 3.0), {"kind": "train", "step": 2, "mean": 2.5, "tokens_per_second": 7.0}])
    found = follower.look()
    assert (found.step, found.valid.points, found.train.points) == (2, [[1, 3.0]], [[2, 2.5]])
    assert found.latest["tokens_per_second"] == 7.0
    write(path, [valid(3, 2.0, bleu={"en-az": 4.0, "en-fr": 6.0}), {"kind": "skip", "step": 4}, valid(5, 2.5)])
    found = follower.look()
    assert found.valid.points == [[r["step"], r["mean"]] for r in read_metrics(path) if r["kind"] == "valid"]
    assert (found.best, found.bleu.points, found.skipped) == ((3, 2.0), [[3, 5.0]], 1)


def test_half_a_line_waits_for_its_end(tmp_path):
    path = tmp_path / "metrics.jsonl"
    text = json.dumps(valid(1)) + "\n"
    path.write_text(text[:20])
    follower = Follower(path)
    assert follower.look().step == 0
    path.write_text(text)
    assert follower.look().step == 1


def test_a_continued_run_cuts_the_file_and_goes_on(tmp_path):
    """Also where it is longer again by the time of the next look."""
    path = tmp_path / "metrics.jsonl"
    write(path, [valid(step) for step in range(1, 6)])
    follower = Follower(path)
    follower.look()
    write(path, [valid(1), *(valid(step, 1.0) for step in range(2, 9))], "w")
    assert follower.look().valid.points == [[1, 2.0], *([step, 1.0] for step in range(2, 9))]
    path.unlink()
    assert follower.look().step == 0


def test_lines_that_are_no_records_are_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LONGEST", 300)
    monkeypatch.setattr(module, "AT_ONCE", 100)
    path = tmp_path / "metrics.jsonl"
    lines = [json.dumps(valid(1)), "{", "[1]", '{"kind": "valid", "step": "x"}', "x" * 1000, json.dumps(valid(2))]
    path.write_text("\n".join(lines) + "\n")
    follower = Follower(path)
    sizes = [len(follower._rest) for _ in range(30) if follower.look()]
    assert follower.found.valid.points == [[1, 2.0], [2, 2.0]]
    assert max(sizes) <= 400


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/etc/passwd")])
def test_what_is_no_file_is_not_read(tmp_path, make):
    make(tmp_path / "metrics.jsonl")
    assert Follower(tmp_path / "metrics.jsonl").look().step == 0


def test_a_curve_stays_bounded_and_keeps_its_ends():
    curve = Curve()
    for step in range(50_000):
        curve.add(step, 1.0)
    curve.add(50_000, None)
    assert len(curve.points) < 2 * module.POINTS
    assert (curve.points[0][0], curve.points[-1][0]) == (0, 49_999)
    assert [point[0] for point in curve.points] == sorted(point[0] for point in curve.points)


def test_an_average_can_be_the_best():
    found = Followed()
    for step, mean, average in ((1, 3.0, None), (2, 2.5, 2.0), (3, 2.4, 2.1), (4, 2.2, None)):
        scores = {"last": {"mean": average, "of": 2}} if step > 1 else {}
        found.take({"kind": "valid", "step": step, "mean": mean, "average": scores})
    assert found.best == (2, 2.0)
    assert found.valid.points[-1] == [4, 2.2]
