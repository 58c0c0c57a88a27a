"""SIGKILL: the same command goes on, and ends in the run that nothing happened to."""

import random
import shutil
import time
from pathlib import Path

import pytest

from tests.faults.accidents import Accident, finish, run, start
from tests.faults.conftest import EVERY, SEED, TRIES
from tests.faults.same import assert_same_run, steps_lost


def kill_and_go_on(config: Path, expected: Path, at: int, tmp_path: Path) -> int:
    """Kill a training at a write, go on; returns the steps that had to be taken again."""
    folder, log = tmp_path / f"run{at}", tmp_path / f"{at}.log"
    ended = run(["train", config, "--out", folder], folder, log, Accident(at))
    assert ended.status == -9, ended.text
    again = run(["train", config, "--out", folder], folder, log)
    assert again.status == 0, again.text
    lost = steps_lost(ended.text, again.text)
    assert_same_run(folder, expected)
    shutil.rmtree(folder)
    return lost


def count_writes(config: Path, tmp_path: Path) -> int:
    """Writes of an undisturbed training."""
    ended = run(["train", config, "--out", tmp_path / "counted"], tmp_path / "counted", tmp_path / "counted.log")
    assert ended.status == 0
    shutil.rmtree(tmp_path / "counted")
    return len(ended.writes)


def test_killed_at_a_few_writes(config, trained, tmp_path):
    count = count_writes(config, tmp_path)
    assert count > 100
    for at in (count // 2, count - 1):
        assert kill_and_go_on(config, trained, at, tmp_path) <= 2


@pytest.mark.faults
@pytest.mark.timeout(7200)
def test_killed_at_every_write(config, trained, tmp_path, record):
    count = count_writes(config, tmp_path)
    tried = range(1, count + 1, EVERY)
    lost = [kill_and_go_on(config, trained, at, tmp_path) for at in tried]
    assert max(lost) <= 2
    record(f"train, SIGKILL before a write ({count} writes)", len(lost), f"at most {max(lost)} steps taken again")


@pytest.mark.faults
@pytest.mark.timeout(7200)
def test_killed_at_random_moments(config, trained, tmp_path, record):
    """Twice in a row each time."""
    started = time.monotonic()
    count_writes(config, tmp_path)
    duration, rng = time.monotonic() - started, random.Random(SEED)
    lost, kills = [], 0
    for _ in range(TRIES):
        folder, said = tmp_path / "run", []
        for number in range(2):
            log = tmp_path / f"{number}.log"
            child = start(["train", config, "--out", folder], folder, log, Accident())
            time.sleep(rng.uniform(0, duration))
            child.kill()
            ended = finish(child, log)
            said.append(ended.text)
            kills += ended.status == -9
        again = run(["train", config, "--out", folder], folder, tmp_path / "again.log")
        assert again.status == 0, again.text
        lost += [
            steps_lost(said[0], said[1] if "continuing" in said[1] else again.text),
            steps_lost(said[1], again.text),
        ]
        assert max(lost[-2:]) <= 2, [*said, again.text]
        assert_same_run(folder, trained)
        shutil.rmtree(folder)
    assert kills >= TRIES
    record("train, SIGKILL at random moments, two of each run", kills, f"at most {max(lost)} steps taken again")


def texts(folder: Path) -> dict[str, bytes]:
    """What `evaluate` writes."""
    paths = [folder / "scores.json", *(folder / "translations").iterdir()]
    return {path.name: path.read_bytes() for path in paths}


def kill_evaluation(trained: Path, whole: Path, tmp_path: Path, accident: Accident, seconds: float | None) -> None:
    folder, log = tmp_path / "run", tmp_path / "run.log"
    shutil.copytree(trained, folder)
    child = start(["evaluate", folder], folder, log, accident)
    if seconds is not None:
        time.sleep(seconds)
        child.kill()
    assert finish(child, log).status in ((-9,) if seconds is None else (-9, 0))
    again = run(["evaluate", folder], folder, log)
    assert again.status == 0, again.text
    assert texts(folder) == texts(whole)
    assert {path.name for path in folder.rglob(".*")} <= {".catscale"}
    shutil.rmtree(folder)


def test_an_evaluation_is_killed_at_a_few_writes(trained, whole, tmp_path):
    for at in (9, 17):
        kill_evaluation(trained, whole, tmp_path, Accident(at), None)


@pytest.mark.faults
@pytest.mark.timeout(7200)
def test_an_evaluation_is_killed_at_every_write(trained, whole, tmp_path, record):
    folder = shutil.copytree(trained, tmp_path / "counted")
    count = len(run(["evaluate", folder], folder, tmp_path / "counted.log").writes)
    tried = range(1, count + 1, EVERY)
    for at in tried:
        kill_evaluation(trained, whole, tmp_path, Accident(at), None)
    record(f"evaluate, SIGKILL before a write ({count} writes)", len(tried), "nothing but the time")


@pytest.mark.faults
@pytest.mark.timeout(7200)
def test_an_evaluation_is_killed_at_random_moments(trained, whole, tmp_path, record):
    rng = random.Random(SEED)
    for _ in range(TRIES):
        kill_evaluation(trained, whole, tmp_path, Accident(), rng.uniform(0, 1.0))
    record("evaluate, SIGKILL at random moments", TRIES, "nothing but the time")
