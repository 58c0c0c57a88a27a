import json
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest

from catscale.data.direction import Direction
from catscale.errors import ConfigError
from catscale.evaluation import evaluate
from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.decoding.contract import ONE, Hypothesis, ignore_progress
from catscale.evaluation.evaluate import SplitData, Translator, evaluate_split
from catscale.evaluation.metrics import bleu_tokenizers as tokenizers
from catscale.evaluation.metrics.table import read_metric
from catscale.evaluation.nll import SentenceNLL
from tests.unchecked import unchecked

EN_AZ, EN_FR, EN_JA = Direction("en", "az"), Direction("en", "fr"), Direction("en", "ja")


@dataclass
class Texts:
    sources: list[str]
    targets: list[str]
    more: list[list[str]] = field(default_factory=list)

    def source_text(self):
        return self.sources

    def target_text(self):
        return self.targets

    def further_references(self):
        return self.more


class Letters:
    def encode(self, lines):
        return [[ord(letter) for letter in line] for line in lines]

    def decode(self, ids):
        return ["".join(map(chr, line)) for line in ids]


class Copy:
    backend = SimpleNamespace(name="copy")
    truncated = 0

    def search(self, sources, direction, wanted=ONE, progress=ignore_progress):
        return [[Hypothesis(list(source))] for source in sources]


PAIRS = {
    EN_AZ: Texts(["a b c d e", "", "one two\nthree four"], ["a b c d e", "", "one two three four"]),
    EN_FR: Texts(["un deux trois quatre"], ["one two three four"]),
}
SIZES = {EN_AZ: 100, EN_FR: 5000}
NLL = {
    EN_AZ: SentenceNLL(np.array([9.0, 1.0, 10.0]), np.array([4, 1, 5])),
    EN_FR: SentenceNLL(np.array([15.0]), np.array([5])),
}


def run(folder, pairs=PAIRS, nll=NLL, sizes=SIZES, settings=None, said=None):
    say = (said if said is not None else []).append
    data = SplitData("test", pairs, nll, sizes)
    return evaluate_split(
        data, Translator(unchecked(Copy()), unchecked(Letters())), settings or EvaluationConfig(), folder, say
    )


def test_scores_averages_and_how_they_were_made(tmp_path):
    said: list[str] = []
    scores = run(tmp_path, said=said)
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores
    assert scores["en-az"]["nll"] == 2.0
    assert scores["en-az"]["sentences"] == 3
    assert scores["en-az"]["bleu"]["score"] == pytest.approx(100)
    assert scores["en-fr"]["bleu"]["score"] == pytest.approx(0)
    assert "tok:13a" in scores["en-fr"]["bleu"]["signature"]
    assert scores["averages"]["all"]["nll"] == 2.5
    assert scores["averages"]["low"]["bleu"] == pytest.approx(100)
    assert scores["averages"]["mid"] is None
    made = scores["evaluation"]
    assert made["resource_groups"] == {"en-az": "low", "en-fr": "high"}
    assert made["train_pairs"] == {"en-az": 100, "en-fr": 5000}
    assert (made["split"], made["decoder"], made["truncated_sources"]) == ("test", "copy", 0)
    assert made["settings"]["beam"] == 5
    assert said[0].startswith("en-az  NLL 2.000  BLEU 100.0  chrF 100.0  (3 sentences)")


def test_a_direction_that_was_never_trained_moves_no_resource_group(tmp_path):
    scores = run(tmp_path, pairs=PAIRS | {EN_JA: PAIRS[EN_AZ]}, nll=NLL | {EN_JA: NLL[EN_AZ]}, sizes=SIZES | {EN_JA: 0})
    assert scores["evaluation"]["resource_groups"] == {"en-az": "low", "en-fr": "high"}
    assert scores["evaluation"]["train_pairs"]["en-ja"] == 0
    assert scores["averages"]["all"]["nll"] == 2.5
    assert scores["averages"]["zero_shot"]["nll"] == 2.0


def test_what_is_not_scored_moves_no_resource_group(tmp_path):
    """A direction is poor or rich in its run, also where it is scored alone."""
    scores = run(tmp_path, pairs={EN_AZ: PAIRS[EN_AZ]})
    assert scores["evaluation"]["resource_groups"] == {"en-az": "low"}
    assert scores["evaluation"]["train_pairs"] == {"en-az": 100}
    assert scores["averages"]["low"]["nll"] == 2.0
    assert scores["averages"]["mid"] is None


def test_the_texts_are_kept_line_by_line(tmp_path):
    run(tmp_path)
    folder = tmp_path / "translations"
    assert sorted(path.name for path in folder.iterdir()) == [
        f"test.en-{language}.{suffix}" for language in ("az", "fr") for suffix in ("hyp", "nll", "ref", "src")
    ]
    assert (folder / "test.en-az.src").read_text() == "a b c d e\n\none two three four\n"
    assert (folder / "test.en-az.hyp").read_text() == "a b c d e\n\none two three four\n"
    assert (folder / "test.en-az.nll").read_text() == "9.0\t4\n1.0\t1\n10.0\t5\n"
    assert (folder / "test.en-fr.ref").read_text() == "one two three four\n"


def test_a_replaced_tokenizer_is_announced_and_recorded(tmp_path, monkeypatch):
    monkeypatch.setattr(tokenizers, "why_not", lambda name: "no MeCab" if "mecab" in name else "")
    said: list[str] = []
    scores = run(tmp_path, {EN_JA: Texts(["猫"], ["猫"])}, {EN_JA: NLL[EN_FR]}, {EN_JA: 10}, said=said)
    assert "|tok:char|" in scores["en-ja"]["bleu"]["signature"]
    assert scores["evaluation"]["bleu_tokenizers"] == {"en-ja": "char"}
    assert said[0].startswith("warning: BLEU of 'ja' uses the tokenizer char, because ja-mecab is not installed")
    assert "sacrebleu[ja]" in said[0]


def test_a_tokenizer_of_the_settings_is_not_announced(monkeypatch):
    monkeypatch.setattr(tokenizers, "why_not", lambda name: "no MeCab" if "mecab" in name else "")
    said: list[str] = []
    evaluate.say_warnings({"ja"}, EvaluationConfig(tokenizers={"ja": "char"}), said.append)
    assert said == []


@pytest.mark.parametrize(
    ("missing", "message"), [("nll", "needs a NLL, found none for en-fr"), ("sizes", "train pairs")]
)
def test_every_direction_needs_its_numbers(missing, message, tmp_path):
    with pytest.raises(ConfigError, match=message):
        run(tmp_path, **{missing: {EN_AZ: 1}})
    assert not (tmp_path / "translations").exists()


def test_a_tokenizer_that_is_not_installed_is_noticed_before_decoding(tmp_path, monkeypatch):
    monkeypatch.setattr(tokenizers, "why_not", lambda name: "no MeCab" if "mecab" in name else "")
    with pytest.raises(ConfigError, match="'ja-mecab' for 'fr' cannot be loaded"):
        run(tmp_path, settings=EvaluationConfig(tokenizers={"fr": "ja-mecab"}))
    assert not (tmp_path / "translations").exists()


def test_a_bleu_of_nothing_everywhere_is_said(tmp_path):
    said: list[str] = []
    run(tmp_path, {EN_FR: PAIRS[EN_FR]}, {EN_FR: NLL[EN_FR]}, {EN_FR: 10}, said=said)
    assert "warning: BLEU is 0.0 in every direction: the model does not translate yet; look at NLL and chrF" in said
    said.clear()
    run(tmp_path, said=said)
    assert not [line for line in said if "does not translate yet" in line]


def test_the_metrics_of_the_settings_are_scored_and_those_that_keep_counts_leave_them(tmp_path):
    said: list[str] = []
    scores = run(
        tmp_path, settings=EvaluationConfig(metrics=tuple(map(read_metric, ("chrf", "ter", "chrf++")))), said=said
    )
    assert set(scores["en-az"]) == {"nll", "chrf", "ter", "chrf++", "sentences", "output"}
    assert scores["averages"]["all"].keys() == {"nll", "chrf", "ter", "chrf++"}
    assert "bleu_tokenizers" not in scores["evaluation"]
    assert scores["evaluation"]["settings"]["metrics"] == ["chrf", "ter", "chrf++"]
    assert said[0].startswith("en-az  NLL 2.000  chrF 100.0  TER 0.0  chrF++ 100.0  (3 sentences)")
    folder = tmp_path / "translations"
    assert (folder / "test.en-fr.ter").read_text() == "4.0\t4.0\n"
    assert not (folder / "test.en-fr.chrf").exists()
    run(tmp_path)
    assert not (folder / "test.en-fr.ter").exists()
