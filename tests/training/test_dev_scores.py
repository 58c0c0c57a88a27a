"""Which process translates what, and what a sharded model cannot do."""

from types import SimpleNamespace

import pytest

from catscale.data.direction import Direction
from catscale.distributed.processes import Processes
from catscale.errors import ConfigError
from catscale.evaluation.config import EvaluationConfig
from catscale.training import dev_scores as module
from catscale.training.dev_scores import DevScores
from catscale.training.records.content import bleu_in_words
from tests.unchecked import unchecked

TASKS = [Direction("en", language) for language in ("az", "be", "fr")]


def test_processes_share_the_directions_and_have_the_same_scores(monkeypatch):
    shares: list[dict[str, float]] = []

    class One(Processes):
        def sum_table(self, table):
            shares.append(dict(table))
            return table

    monkeypatch.setattr(module, "HuggingFaceBackend", lambda model, settings: SimpleNamespace())
    monkeypatch.setattr(
        DevScores, "_score", lambda self, decoder, d: {"bleu": {"score": len(d.target)}, "chrf": {"score": 7}}
    )
    modes: list[bool] = []
    model = SimpleNamespace(training=True, eval=lambda: modes.append(False), train=modes.append)
    for rank in (0, 1):
        scores = DevScores(5, EvaluationConfig(), {task: unchecked([]) for task in TASKS}, None, One(rank, 2))
        scores.measure(unchecked(model))
    assert modes == [False, True] * 2
    assert [[key for key, value in share.items() if value] for share in shares] == [
        ["bleu en-az", "bleu en-fr", "chrf en-az", "chrf en-fr"], ["bleu en-be", "chrf en-be"]
    ]  # fmt: skip
    assert shares[0].keys() == shares[1].keys()


def test_a_sharded_model_has_no_whole_parameters():
    with pytest.raises(ConfigError, match=r"validate_bleu translates with whole parameters, and training\.sharded"):
        DevScores(5, EvaluationConfig(), {}, None, Processes(), sharded=True)


def test_the_line_of_a_validation():
    assert bleu_in_words({"mean": 2.0, "bleu": {"a": 1.0, "b": 4.0}, "chrf": {"a": 20.0, "b": 30.0}}) == (
        "  dev BLEU 2.5  dev chrF 25.0"
    )
    assert bleu_in_words({"mean": 2.0}) == ""
