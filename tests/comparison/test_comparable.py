"""Every difference that would pass for the method's is refused, and named with both values."""

import json
from typing import Any

import pytest

from catscale.comparison.comparable import check_comparable, common_directions
from catscale.comparison.grouping import group_runs
from catscale.comparison.translations import read_texts
from catscale.errors import ConfigError
from catscale.run.folder.evaluated import read_run
from tests.comparison.fakes import edit_json, write_run

SMALL: dict[str, Any] = {"sizes": {"en-az": 500, "en-fr": 9000}, "sentences": 5}
NOTHING: dict[str, Any] = {}
CATS = {"balancing": {"method": "cats"}}


@pytest.fixture
def check(tmp_path):
    def differences(one=None, two=None, force=False, edit=None):
        folders = [
            write_run(tmp_path / name, **(SMALL | extra | changes))
            for name, extra, changes in (("a", {}, one or {}), ("b", CATS, two or {}))
        ]
        if edit:
            edit(folders[1])
        runs = [read_run(folder, "test") for folder in folders]
        names = common_directions(runs)
        texts = {name: [read_texts(run.folder, "test", name) for run in runs] for name in names}
        return check_comparable(runs, group_runs(runs)[0], texts, force)

    return differences


def test_runs_that_differ_in_method_and_seed_alone(check):
    other = {"optimizer": {"learning_rate": 0.5}, "model": {"dropout": 0.3, "gradient_checkpointing": True}}
    assert check(two={**other, "seed": 7, "tokens": 10_150, "sampling": {"temperature": 1}}) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training": {"batch_tokens": 999}}, r"training\.batch_tokens: 4096 in .*/a; 999 in .*/b"),
        ({"training": {"max_steps": 50}, "steps": 50}, r"training\.max_steps: 100 in .*/a; 50 in .*/b"),
        ({"training": {"max_minutes": 1}}, r"training\.max_minutes: none in .*/a; 1\.0 in"),
        ({"training": {"patience": 3}}, r"training\.patience: none in .*/a; 3 in"),
        ({"tokens": 10_300}, r"target tokens trained on: 10,000 in .*/a; 10,300 in .*/b"),
        ({"steps": 60}, r"unfinished: .*/b is at step 60 of 100"),
        ({"model": {"preset": "tiny"}}, r"model\.preset: small in .*/a; tiny in .*/b"),
        ({"model": {"width": 96}}, r"model\.width: none in .*/a; 96 in .*/b"),
        ({"fingerprint": "0" * 64}, r"training data and vocabulary: f{16} in .*/a; 0{16} in .*/b"),
        ({"evaluation": {"beam": 1}}, r"evaluation\.beam: 5 in .*/a; 1 in .*/b"),
        ({"evaluation": {"tokenizers": {"fr": "char"}}}, r"bleu signature of en-fr: .*tok:13a.* in .*/a; .*tok:char"),
        ({"evaluation": {"chrf_word_order": 2}}, r"chrf signature of en-az: .*nw:0.* in .*/a; .*nw:2"),
        ({"evaluation": {"low_below": 10_000, "high_above": 20_000}}, r"resource groups: .*'high'.*; .*'low'"),
        ({"sentences": 4}, r"test sentences of en-az: 5 sentences \w+ in .*/a; 4 sentences \w+ in .*/b"),
        ({"sizes": {"en-az": 500, "en-be": 9000}}, r"directions: en-az, en-fr in .*/a; en-az, en-be in .*/b"),
    ],
)  # fmt: skip
def test_a_difference_is_refused_with_both_values(check, changes, message):
    with pytest.raises(ConfigError, match=message):
        check(two=changes)


def test_with_force_the_differences_become_warnings(check):
    lines = check(two={"training": {"batch_tokens": 999}, "steps": 60}, force=True)
    assert [line.split(":")[0] for line in lines] == ["training.batch_tokens", "target tokens trained on", "unfinished"]


def test_everything_is_named_at_once(check):
    with pytest.raises(ConfigError, match=r"(?s)batch_tokens.*evaluation|evaluation.*batch_tokens.*give --force"):
        check(two={"training": {"batch_tokens": 999}, "evaluation": {"beam": 1}})


def test_another_reference_is_another_test_set(check):
    with pytest.raises(ConfigError, match="test sentences of en-fr: 5 sentences"):
        check(edit=lambda run: (run / "translations/test.en-fr.ref").write_text("x\n" * 5))


def test_the_same_seed_twice_is_no_second_seed(tmp_path):
    folders = [write_run(tmp_path / name, **SMALL) for name in "ab"]
    runs = [read_run(folder, "test") for folder in folders]
    with pytest.raises(ConfigError, match=r"T=5 with seed 1 stands 2 times: .*/a, .*/b"):
        check_comparable(runs, group_runs(runs)[0], {}, False)


def test_sacrebleu_s_version_does_not_matter(check):
    def other_version(run):
        content = (run / "scores.json").read_text()
        assert "|version:" in content
        (run / "scores.json").write_text(content.replace("|version:", "|version:9"))

    assert check(edit=other_version) == []


def test_stopping_by_patience_or_by_the_clock_is_an_end(check):
    def stop_early(run):
        lines = (run / "metrics.jsonl").read_text() + '{"kind": "valid", "step": 70, "time": 61, "mean": 9}\n'
        (run / "metrics.jsonl").write_text(lines)

    patient = {"training": {"patience": 1}, "steps": 60, "validation": 3.0}
    assert check(patient | {"steps": 100}, patient, edit=stop_early) == []


def test_patience_watches_what_chooses_the_best_model(check):
    """The mean still falls, the direction of `select_by` does not."""

    def stop_early(run):
        records = [{"kind": "train", "step": 60, "time": 60, "tokens": 6_000}]
        for step, chosen in ((30, 2.0), (60, 2.5)):
            nll = {"en-az": chosen, "en-fr": 5 - step / 20}
            records.append({"kind": "valid", "step": step, "time": 60, "nll": nll, "mean": sum(nll.values()) / 2})
        (run / "metrics.jsonl").write_text("".join(f"{json.dumps(record)}\n" for record in records))

    patient = {"training": {"patience": 1}, "steps": 60}
    chosen = {"training": {"patience": 1, "select_by": "en-az"}, "steps": 60, "evaluated": 30}
    assert check(patient | {"steps": 100}, chosen, edit=stop_early) == []


def test_scores_of_an_earlier_model_are_outdated(check):
    """A run that was evaluated and then trained on; where the best model is still the scored one, nothing is."""

    def train_on(run):
        text = '{"kind": "valid", "step": 100, "time": 61, "nll": {}, "mean": %s}\n'
        (run / "metrics.jsonl").write_text((run / "metrics.jsonl").read_text() + text % 2.9)

    message = (
        r"outdated: the test scores of .*/b are of step 90, its best model is of step 100; run `catscale evaluate .*/b "
        r"--split test` again\n  outdated: the dev scores of .*/b"
    )
    with pytest.raises(ConfigError, match=message):
        check(two={"steps": 90, "dev": 0.5, "tokens": 11_000}, edit=train_on)


def test_outdated_scores_are_named_once_where_dev_is_compared(tmp_path):
    runs = [read_run(write_run(tmp_path / name, dev=0.5, evaluated=50, **SMALL, **more), "dev")
            for name, more in (("a", NOTHING), ("b", CATS))]  # fmt: skip
    lines = check_comparable(runs, group_runs(runs)[0], {}, force=True)
    assert [line.partition(" are of ")[0] for line in lines] == [
        f"outdated: the dev scores of {tmp_path / name}" for name in "ab"
    ]


def test_the_best_model_may_be_of_an_earlier_step(check):
    def train_on(run):
        text = '{"kind": "valid", "step": 100, "time": 61, "nll": {}, "mean": 3.1}\n'
        (run / "metrics.jsonl").write_text((run / "metrics.jsonl").read_text() + text)

    assert check(two={"steps": 90}, edit=train_on) == []


def test_scores_of_a_version_that_did_not_record_the_step(check):
    def forget(run):
        content = json.loads((run / "scores.json").read_text())
        del content["evaluation"]["step"]
        (run / "scores.json").write_text(json.dumps(content))

    assert check(edit=forget) == []


def test_minutes_that_are_over_are_an_end(check):
    timed = {"training": {"max_minutes": 1}, "steps": 60}
    assert check(timed, timed) == []


def test_unknown_keys_of_scores_do_no_harm(check):
    assert check(edit=lambda run: edit_json(run / "environment.json", more=1)) == []
