"""The table, and what a configuration and a record name of it."""

from typing import Any

import pytest

from catscale.errors import ConfigError
from catscale.evaluation.metrics.chrf import Chrf
from catscale.evaluation.metrics.table import MAIN, METRICS, in_order, list_telling, read_metric, recall, write_metric


def test_the_first_row_is_what_is_spoken_of() -> None:
    assert next(iter(METRICS)) == MAIN
    assert METRICS[MAIN].higher_is_better


def test_those_of_the_model_come_first_where_one_run_is_shown() -> None:
    assert in_order(METRICS) == ["nll", *(name for name in METRICS if name != "nll")]
    assert list_telling(["bleu"]) == "NLL"
    assert list_telling(["ter", "chrf", "bleu", "nll"]) == "NLL, chrF and TER"


@pytest.mark.parametrize("written", ["chrf", {"method": "chrf", "word_order": 3}])
def test_what_is_written_is_read(written: Any) -> None:
    assert write_metric(read_metric(written)) == written


def test_a_record_of_the_first_version_names_no_metrics() -> None:
    old = {"settings": {"chrf_word_order": 2, "ter": True}, "bleu_tokenizers": {"en-zh": "zh"}}
    assert recall("chrf", old).recall(old, "en-zh") == Chrf(word_order=2)
    assert recall("bleu", old).recall(old, "en-zh").model_dump()["tokenizer"] == "zh"


def test_a_path_of_a_record_means_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run may come from somebody else."""
    monkeypatch.setenv("SECRET", "/home/me")
    record = {"settings": {"metrics": [{"method": "spbleu", "model": "/x/${SECRET}/m"}]}}
    assert recall("spbleu", record).model_dump(mode="json")["model"] == "/x/${SECRET}/m"
    expanded = read_metric({"method": "spbleu", "model": "${SECRET}/m"})
    assert expanded.model_dump(mode="json")["model"] == "/home/me/m"


def test_a_record_that_is_none() -> None:
    with pytest.raises(ConfigError, match=r"records settings of chrf that are none \(word_order: .*evaluate` again"):
        recall("chrf", {"settings": {"metrics": [{"method": "chrf", "word_order": "x"}]}})
