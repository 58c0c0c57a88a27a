from typing import Any

import pytest

from catscale.errors import ConfigError
from catscale.evaluation.config import EvaluationConfig, group_by_resource
from tests.unchecked import unchecked

TED_RELATED = {
    "en-az": 5_900,
    "en-be": 4_500,
    "en-gl": 10_000,
    "en-sk": 61_500,
    "en-tr": 182_000,
    "en-ru": 208_000,
    "en-pt": 185_000,
    "en-cs": 103_000,
}


def names(groups, group):
    return {name for name, value in groups.items() if value == group}


def test_automatic_thresholds_split_ted_at_the_average_size():
    groups = group_by_resource(TED_RELATED, EvaluationConfig())
    assert names(groups, "low") == {"en-az", "en-be", "en-gl", "en-sk"}
    assert names(groups, "high") == {"en-tr", "en-ru", "en-pt", "en-cs"}
    assert list(groups) == list(TED_RELATED)


def test_balanced_data_are_all_mid():
    assert set(group_by_resource({"a": 29_000, "b": 29_000, "c": 29_000}, EvaluationConfig()).values()) == {"mid"}


def test_thresholds_are_numbers_of_pairs_and_the_bounds_are_mid():
    groups = group_by_resource(TED_RELATED, EvaluationConfig(low_below=10_000, high_above=182_000))
    assert names(groups, "low") == {"en-az", "en-be"}
    assert names(groups, "high") == {"en-ru", "en-pt"}
    assert {"en-gl", "en-tr"} <= names(groups, "mid")


def test_thresholds_below_one_are_fractions_of_the_largest():
    groups = group_by_resource({"a": 9, "b": 50, "c": 100}, EvaluationConfig(low_below=0.1, high_above=0.5))
    assert groups == {"a": "low", "b": "mid", "c": "high"}


@pytest.mark.parametrize("one", [{"low_below": 80}, {"high_above": 20}])
def test_one_threshold_beyond_the_average_moves_the_other_there(one):
    groups = group_by_resource({"a": 10, "b": 30, "c": 60, "d": 100}, EvaluationConfig(**one))  # average 50
    assert "mid" not in groups.values()


def test_no_directions_have_no_groups():
    assert group_by_resource({}, EvaluationConfig()) == {}


@pytest.mark.parametrize(("low", "high"), [(5000, 4000), (0.5, 4000), (0.5, 0.1)])
def test_contradicting_thresholds_are_refused(low, high):
    with pytest.raises(ConfigError, match="low_below and high_above must be two fractions or two numbers"):
        EvaluationConfig(low_below=low, high_above=high)


def test_int8_by_hugging_face_is_refused():
    with pytest.raises(ConfigError, match="precision int8 needs the backend ctranslate2"):
        EvaluationConfig(backend="huggingface", precision="int8")


def test_an_unknown_bleu_tokenizer_is_refused():
    with pytest.raises(ConfigError, match="ja-mecab"):
        EvaluationConfig(tokenizers=unchecked({"ja": "mecab"}))


def test_directions_of_nearly_equal_size_are_all_mid() -> None:
    """Cleaning drops a few pairs of each; that makes no direction low-resource."""
    sizes = {"en-de": 28_995, "en-fr": 28_995, "en-cs": 28_997}
    assert set(group_by_resource(sizes, EvaluationConfig()).values()) == {"mid"}


def test_metrics_are_named_or_have_settings_of_their_own() -> None:
    written: Any = ["ter", {"method": "chrf", "word_order": 2}, {"method": "bleu"}]
    settings = EvaluationConfig(metrics=written)
    assert [metric.name for metric in settings.metrics] == ["ter", "chrf", "bleu"]
    dumped = settings.model_dump(mode="json")["metrics"]
    assert dumped == ["ter", {"method": "chrf", "word_order": 2}, "bleu"]
    assert EvaluationConfig(metrics=dumped) == settings
    assert EvaluationConfig().model_dump(mode="json")["metrics"] == ["bleu", "chrf"]


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        (["blue"], "metrics.0: there is no metric 'blue'; did you mean 'bleu'. known are bleu, chrf, ter"),
        (["nll"], "metrics.0: nll is always measured; leave it out. Known are bleu"),
        ([], "metrics: must name one metric or more, each once; NLL is always measured"),
        (["bleu", "bleu"], "metrics: must name one metric or more, each once"),
        ([3], "metrics.0: must be the name of a metric, or .method: NAME. with its settings, found 3"),
        ([{"word_order": 2}], "metrics.0: must be the name of a metric, or .method: NAME."),
        ([{"method": "chrf", "words": 2}], "metrics.0: words: unknown key; did you mean word_order"),
        ([{"method": "chrf", "word_order": 11}], "metrics.0: word_order: input should be less than or equal to 10"),
    ],
)
def test_metrics_that_are_none(metrics: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        EvaluationConfig(metrics=metrics)


def test_the_key_of_the_first_version_is_read_with_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    old: dict[str, Any] = {"ter": True}
    assert [metric.name for metric in EvaluationConfig(**old).metrics] == ["bleu", "chrf", "ter"]
    assert capsys.readouterr().err == (
        "warning: evaluation.ter is moved to evaluation.metrics: write metrics: [bleu, chrf, ter]\n"
    )
    with_metrics: dict[str, Any] = {"ter": True, "metrics": ["chrf"]}
    assert [metric.name for metric in EvaluationConfig(**with_metrics).metrics] == ["chrf", "ter"]
    capsys.readouterr()
    without: dict[str, Any] = {"ter": False}
    assert EvaluationConfig(**without) == EvaluationConfig()
    assert capsys.readouterr().err == ""  # nothing is lost, and every run of 0.1 has it
    with pytest.raises(ConfigError, match=r"EvaluationConfig\.ter: unknown key"):
        EvaluationConfig(**{**old, "ter": "yes"})


def test_what_the_device_decides_is_left_open_until_it_is_set():
    assert EvaluationConfig().left_open == {"precision": "auto", "batch_tokens": None}
    assert EvaluationConfig(precision="int8").left_open == {"batch_tokens": None}
    assert EvaluationConfig(precision="float32", batch_tokens=64).left_open == {}
