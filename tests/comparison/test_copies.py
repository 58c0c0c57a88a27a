"""A run's copy under another seed is no other seed."""

import re
import shutil
from typing import Any

from catscale.comparison.compare import Question, compare_runs
from catscale.comparison.outside import OutsideSystem
from catscale.run.folder.evaluated import read_run
from tests.comparison.fakes import write_run

CATS: dict[str, Any] = {"balancing": {"method": "cats"}}


def compare(folders, outside=()):
    return compare_runs([read_run(folder, "test") for folder in folders], Question(resamples=50, outside=outside))


def test_a_copy_under_another_seed_is_told_of(tmp_path):
    runs = [write_run(tmp_path / f"t5-{seed}", 0.5, seed) for seed in (1, 2)]
    runs += [write_run(tmp_path / "cats-1", 0.6, 1, **CATS)]
    copy = tmp_path / "cats-2"
    shutil.copytree(runs[2], copy)
    config = (copy / "config.yaml").read_text()
    (copy / "config.yaml").write_text(re.sub(r"(?m)^(  seed: )1$", r"\g<1>2", config))
    (line,) = compare([*runs, copy]).warnings
    assert line.startswith(f"{runs[2]} and {copy} have the same translations and NLL: one model twice says nothing")
    assert "differences of T=5 + CATS look surer than they are; leave one of them out" in line


def test_an_outside_system_given_twice_is_told_of(tmp_path):
    run = write_run(tmp_path / "run", 0.5, 1)
    one = tmp_path / "one"
    shutil.copytree(run / "translations", one)
    shutil.copytree(one, tmp_path / "two")
    (line,) = compare([run], (OutsideSystem("mine", (one, tmp_path / "two")),)).warnings
    assert line.startswith(f"{one} and {tmp_path / 'two'} have the same")


def test_other_nll_is_another_model(tmp_path):
    """Models that do not translate yet may all say the same."""
    runs = [write_run(tmp_path / f"t5-{seed}", 1.0, seed) for seed in (1, 2)]
    for place, run in enumerate(runs):
        for path in (run / "translations").glob("*.nll"):
            lines = [line.split("\t") for line in path.read_text().splitlines()]
            path.write_text("".join(f"{float(nats) + place}\t{tokens}\n" for nats, tokens in lines))
    other = write_run(tmp_path / "cats-1", 0.6, 1, **CATS)
    texts = [read_run(folder, "test") for folder in [*runs, other]]
    found = compare_runs(texts, Question(resamples=50, force=True))  # the NLL on record is another
    assert not [line for line in found.warnings if "one model twice" in line]


def test_one_direction_alike_is_chance(tmp_path):
    runs = [write_run(tmp_path / f"t5-{seed}", 0.5, seed) for seed in (1, 2)]
    for ending in ("hyp", "nll"):
        shutil.copy(runs[0] / f"translations/test.en-az.{ending}", runs[1] / f"translations/test.en-az.{ending}")
    other = write_run(tmp_path / "cats-1", 0.6, 1, **CATS)
    read = [read_run(folder, "test") for folder in [*runs, other]]
    found = compare_runs(read, Question(resamples=50, force=True))  # the scores on record are others
    assert not [line for line in found.warnings if "one model twice" in line]
