"""Every metric of the table keeps the promises of the contract, and is sacreBLEU's where sacreBLEU has it."""

import re
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
import sacrebleu.tokenizers.tokenizer_spm as spm
from sacrebleu.metrics import BLEU, CHRF, TER

from catscale.evaluation.metrics import checks
from catscale.evaluation.metrics.checks import check_metric
from catscale.evaluation.metrics.contract import Floats, Metric, Segments
from catscale.evaluation.metrics.table import METRICS
from tests.comparison.corpora import references, translate

THEIRS: dict[str, Any] = {
    "bleu": BLEU, "chrf": CHRF, "ter": TER, "chrf++": lambda: CHRF(word_order=2),
    "spbleu": lambda: BLEU(tokenize="flores200"),
}  # fmt: skip


@pytest.mark.usefixtures("at_hand")
@pytest.mark.parametrize("name", METRICS)
def test_it_keeps_its_promises(name: str) -> None:
    check_metric(METRICS[name].model_validate({}))
    assert METRICS[name].model_fields["method"].default == name


@pytest.mark.parametrize("name", sorted(THEIRS))
def test_sums_give_sacrebleu_s_own_corpus_score(name: str, at_hand: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spm, "SACREBLEU_DIR", str(at_hand))
    known, metric = references(60), METRICS[name].model_validate({}).choose("fr", {})
    runs = [translate(known, quality, 1) for quality in (0.2, 0.6)]
    found = metric.measure([Segments(run, known, "fr") for run in runs])
    expected = [THEIRS[name]().corpus_score(run, [known]).score for run in runs]
    assert found.corpus_scores() == pytest.approx(expected, rel=1e-9, abs=1e-9)


class Length(Metric):
    """A metric that keeps its promises: 100 · (1 − |c − r| / (c + r)) of the lengths of each sentence."""

    label: ClassVar[str] = "length"
    method: Literal["length"] = "length"

    def count(self, segments: Segments) -> Floats:
        """Return what fits and what there is."""
        pairs = zip(segments.hypotheses, segments.references, strict=True)
        lengths = [(len(ours), len(theirs)) for ours, theirs in pairs]
        return np.array([(2.0 * min(both), float(sum(both))) for both in lengths])

    def from_sums(self, sums: Floats) -> Floats:
        """Return 0 to 100."""
        found: Floats = 100 * sums[..., 0] / np.maximum(sums[..., 1], 1)
        return found

    def sign(self, segments: Segments) -> str:
        """Return a signature."""
        return "unit:character"


def breaking(**changes: Any) -> Metric:
    """Return the metric with changes in its class."""
    made: Metric = type("Broken", (Length,), {**changes, "__module__": __name__})()
    return made


def test_a_metric_that_keeps_them() -> None:
    check_metric(Length())


@pytest.mark.parametrize(
    ("changes", "promise"),
    [
        ({"label": "BLEU"}, "no other metric has the label BLEU"),
        ({"digits": 9}, "digits are from 0 to 6"),
        ({"bounds": (1.0, 1.0)}, "the lower bound is below the upper one"),
        ({"higher_is_better": False}, "better is what the metric calls it"),
        ({"kept": ("one",)}, "`kept` names each statistic"),
        ({"missing": property(lambda self: "a model")}, "tried with what it needs at hand, and lacks: a model"),
        ({"count": lambda self, segments: np.ones((5, 2))}, r"`count` gives (S, k) float64, found (5, 2)"),
        ({"count": lambda self, segments: np.full((6, 2), np.nan)}, "statistics are finite and not negative"),
        ({"count_all": lambda self, systems: np.ones((1, 6, 2))}, "`count_all` gives (R, S, k)"),
        ({"count_all": lambda self, systems: np.ones((2, 6, 2))}, "systems counted together"),
        ({"score": lambda self, segments: {"score": 3.0, "signature": "x"}}, "the score is that of the sums"),
        ({"sign": lambda self, segments: ""}, "there is a signature"),
        ({"sign": lambda self, segments: "a\nb"}, "a signature is a line of text"),
        ({"from_sums": lambda self, sums: 100 * sums[..., 0] / sums[..., 1]}, "are finite"),
        ({"from_sums": lambda self, sums: Length.from_sums(self, sums).ravel()}, "`from_sums` gives"),
        ({"from_sums": lambda self, sums: 50 * sums[..., 0] / np.max(sums[..., 1])}, "sums that are given together"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_promise_that_is_broken_is_named(changes: dict[str, Any], promise: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(promise)):
        check_metric(breaking(**changes))


@pytest.mark.parametrize(
    ("name", "promise"), [("hyp", "a name is none that files have already"), ("B L", "a name is lower case")]
)
def test_a_name_that_is_none(name: str, promise: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Length, "name", name)
    with pytest.raises(AssertionError, match=promise):
        check_metric(Length())


def test_sentences_of_which_one_depends_on_another_are_found() -> None:
    def count(self: Metric, segments: Segments) -> Floats:
        return np.array([[float(place), 9.0] for place, _ in enumerate(segments.hypotheses)])

    with pytest.raises(AssertionError, match="a sentence's statistics are its own"):
        checks._check_order(breaking(count=count))
