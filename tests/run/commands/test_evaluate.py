"""What `catscale evaluate` says of scores."""

import pytest

from catscale.evaluation.config import EvaluationConfig
from catscale.run.commands.evaluate import list_too_early, say_replaced
from tests.comparison.fakes import edit_json, write_run


def entry(bleu):
    return {"nll": 5.0, "bleu": {"score": bleu}, "chrf": {"score": 9.0}, "ter": {"score": 99.0}, "sentences": 3}


def test_a_model_that_does_not_translate_yet():
    (said,) = list_too_early([entry(0.0), entry(0.3)], 1200)
    assert said.startswith("warning: BLEU is below 1 in every direction: the model does not translate yet after 1,200")
    assert said.endswith("and look at NLL, chrF and TER, which move before BLEU does")
    (said,) = list_too_early([entry(0.0)], None)
    assert "yet; train on" in said
    assert list_too_early([entry(0.0), entry(4.0)], 1200) == []
    assert list_too_early([{"nll": 5.0, "chrf": {"score": 1.0}}], 1200) == []


@pytest.mark.parametrize("settings", [{"ter": False}, {"ter": True, "beam": 7}])
def test_scores_of_an_earlier_version_are_told_apart_by_what_they_say_in_the_words_of_this_one(tmp_path, settings):
    run = write_run(tmp_path / "run")
    edit_json(run / "scores.json", evaluation={"settings": {"beam": 5} | settings, "train_pairs": {}})
    said: list[str] = []
    say_replaced(run, "test", EvaluationConfig(), [], said.append)
    differs = "beam 7, now 5; metrics ['bleu', 'chrf', 'ter'], now ['bleu', 'chrf']"
    assert said == (
        [] if len(settings) == 1 else [f"note: {run / 'scores.json'} is replaced; it was made with {differs}"]
    )
