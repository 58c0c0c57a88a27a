"""The plan of a sweep: its runs, and which of them are done."""

import json

import pytest

from catscale.errors import ConfigError
from catscale.evaluation.config import EvaluationConfig
from catscale.run.sweep_plan import plan_sweep, score_bases
from tests.comparison.fakes import write_run
from tests.run.plans import make_config

BASE, OTHER = {"pretrained": "folder"}, {"pretrained": "another"}


def test_every_run_has_the_same_budget_and_its_own_folder(tmp_path):
    runs = plan_sweep(make_config(), ["T=1", "T=5+cats"], [3, 1], tmp_path)
    assert [(run.method, run.seed) for run in runs] == [("T=1", 3), ("T=5+cats", 3), ("T=1", 1), ("T=5+cats", 1)]
    assert [run.folder.relative_to(tmp_path).as_posix() for run in runs] == [
        "T=1/seed-3",
        "T=5+cats/seed-3",
        "T=1/seed-1",
        "T=5+cats/seed-1",
    ]
    assert len({run.config.training.model_copy(update={"seed": 0}).model_dump_json() for run in runs}) == 1


@pytest.mark.parametrize(
    ("methods", "seeds", "training", "message"),
    [
        (["T=1", "T=1"], [1], {}, "the method T=1 stands twice"),
        (["T=1"], [1, 2, 2], {}, "the seed 2 stands twice"),
        (["T=1"], [1], {"max_minutes": 5}, "training.max_minutes = 5 would end them at different steps"),
        (["T=1"], [1], {"patience": 2}, "training.patience = 2 would end them at different steps"),
        (["T=1", "T=1.0"], [1], {}, "the methods 'T=1' and 'T=1.0' are the same"),
        (["cats:alpha_lr=1", "cats:alpha_lr=1,inner_steps=10"], [1], {}, "are the same"),
    ],
)
def test_unequal_or_doubled_runs_are_refused(tmp_path, methods, seeds, training, message):
    with pytest.raises(ConfigError, match=message):
        plan_sweep(make_config(**training), methods, seeds, tmp_path)


@pytest.fixture
def finished(tmp_path):
    """A sweep's only run, trained for 12 steps and evaluated on both splits."""

    def plan(steps=12, **evaluation):
        config = make_config(max_steps=steps)
        config = config.model_copy(update={"evaluation": EvaluationConfig(**evaluation)})
        return plan_sweep(config, ["T=5"], [1], tmp_path)[0]

    training = {"max_steps": 12, "seed": 1}
    write_run(plan().folder, steps=12, dev=0.5, sentences=5, training=training)
    return plan


def test_what_is_trained_and_scored_is_done(finished):
    assert finished().is_done
    assert finished().steps == 12


def test_a_greater_budget_is_not_done_and_its_scores_are_made_again(finished):
    run = finished(steps=24)
    assert not run.is_done
    with (run.folder / "metrics.jsonl").open("a") as file:  # trained on, and interrupted before the evaluation
        file.write('{"kind": "valid", "step": 24, "time": 61, "nll": {}, "mean": 2.5}\n')
    assert not run.is_done


def test_other_settings_of_the_evaluation_are_not_done(finished):
    assert not finished(beam=1).is_done


def test_scores_of_a_version_without_a_setting_are_done_where_it_is_as_it_was(finished):
    run = finished()
    for path in run.folder.glob("scores*.json"):
        scores = json.loads(path.read_text())
        del scores["evaluation"]["settings"]["metrics"], scores["evaluation"]["settings"]["batch_sentences"]
        scores["evaluation"]["settings"]["ter"] = False  # as 0.1 has it
        path.write_text(json.dumps(scores))
    assert run.is_done
    assert not finished(metrics=["bleu", "chrf", "ter"]).is_done
    scores["evaluation"]["settings"] = None
    path.write_text(json.dumps(scores))
    assert not run.is_done


@pytest.mark.parametrize("made", [{"precision": "bfloat16", "batch_tokens": 16_384}, {"precision": "float32"}])
def test_what_the_device_decided_is_as_the_configuration_leaves_it_open(finished, made):
    run = finished()
    for path in run.folder.glob("scores*.json"):
        scores = json.loads(path.read_text())
        scores["evaluation"]["settings"] |= made
        path.write_text(json.dumps(scores))
    assert run.is_done
    assert finished(precision="float32").is_done == (made["precision"] == "float32")
    assert not finished(precision="int8").is_done
    assert not finished(batch_tokens=64).is_done


def test_a_split_that_was_not_scored_is_not_done(finished):
    (finished().folder / "scores.dev.json").unlink()
    assert not finished().is_done


def test_the_first_run_of_each_base_scores_it_for_all(tmp_path):
    plans = [plan_sweep(make_config(model=model), ["T=1", "T=5"], [1, 2], tmp_path) for model in (None, BASE, OTHER)]
    first = [True, False, False, False]
    assert [[run.scores_base for run in runs] for runs in plans] == [[False] * 4, first, first]
    both = score_bases([run for runs in plans for run in runs])
    assert [i for i, run in enumerate(both) if run.scores_base] == [4, 8]


def test_a_base_that_was_not_scored_is_not_done(tmp_path):
    def plan(steps=12, **evaluation):
        config = make_config(max_steps=steps, model=BASE)
        return plan_sweep(
            config.model_copy(update={"evaluation": EvaluationConfig(**evaluation)}), ["T=5"], [1], tmp_path
        )[0]

    folder = plan().folder
    write_run(folder, steps=12, dev=0.5, sentences=5, training={"max_steps": 12, "seed": 1})
    assert not plan().is_done
    write_run(tmp_path / "before", dev=0.1, sentences=5, evaluated=0)
    (folder / "base").mkdir()
    for name in ("scores.json", "scores.dev.json"):
        (tmp_path / "before" / name).rename(folder / "base" / name)
    assert plan().is_done
    scores = json.loads((folder / "base" / "scores.json").read_text())
    scores["evaluation"]["step"] = 12
    (folder / "base" / "scores.json").write_text(json.dumps(scores))
    assert not plan().has_base_scores


def test_of_no_runs_and_of_runs_without_a_base_none_is_marked(tmp_path):
    assert score_bases([]) == []
    runs = plan_sweep(make_config(), ["T=1"], [1, 2], tmp_path)
    assert score_bases(runs) == runs


def test_marking_follows_the_order_of_the_runs_and_forgets_old_marks(tmp_path):
    """What is left of a sweep, in any order: the first of each base that is still there, whatever was marked before."""
    base, other = (plan_sweep(make_config(model=model), ["T=1", "T=5"], [1], tmp_path) for model in (BASE, OTHER))
    mixed = [base[1], other[0], base[0], other[1]]
    marked = score_bases(mixed)
    assert [run.scores_base for run in marked] == [True, True, False, False]
    assert [(run.name, run.config) for run in marked] == [(run.name, run.config) for run in mixed]
    assert score_bases(marked) == marked
    assert [run.scores_base for run in score_bases(marked[::-1])] == [True, True, False, False]
    assert [run.scores_base for run in mixed] == [False, True, True, False]  # the given runs stay as they are


def test_a_run_without_a_folder_has_taken_no_step(tmp_path):
    (run,) = plan_sweep(make_config(), ["T=5"], [7], tmp_path)
    assert (run.name, run.steps, run.is_done, run.has_base_scores) == ("T=5 seed 7", 0, False, False)
    run.folder.mkdir(parents=True)
    (run.folder / "metrics.jsonl").touch()
    assert (run.steps, run.is_done) == (0, False)
