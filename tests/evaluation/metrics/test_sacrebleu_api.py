"""What is asked of sacreBLEU is what it answers when it is asked directly."""

import pytest
from sacrebleu.metrics import BLEU

from catscale.evaluation.metrics.contract import Segments
from catscale.evaluation.metrics.sacrebleu_api import count_sentences, make, reference_streams, score_corpus, sign
from tests.unchecked import unchecked

HYPOTHESES = ["the cat sat on the mat", "a dog barks at night", "yes"]
REFERENCES = ["the cat sat on a mat", "the dog barks at night", "no"]
FURTHER = [["a cat sat on the mat", " ", "yes"]]


def segments(further: list[list[str]]) -> Segments:
    return Segments(HYPOTHESES, REFERENCES, "en", unchecked([]), further)


@pytest.mark.parametrize("further", [[], FURTHER], ids=["one reference", "two of some"])
def test_score_and_signature_are_its_own(further: list[list[str]]) -> None:
    streams = reference_streams(segments(further))
    theirs = BLEU(effective_order=False)
    expected = theirs.corpus_score(HYPOTHESES, unchecked(streams)).score
    found = score_corpus(make("BLEU"), segments(further))
    assert found["score"] == pytest.approx(expected)
    assert found["signature"] == str(theirs.get_signature())
    assert sign(make("BLEU"), segments(further)) == found["signature"]


def test_a_blank_line_is_no_reference() -> None:
    assert reference_streams(segments(FURTHER)) == [REFERENCES, ["a cat sat on the mat", None, "yes"]]


def test_statistics_of_sentences_add_up_to_those_of_the_corpus() -> None:
    bleu = make("BLEU", effective_order=True)
    rows = count_sentences(bleu, HYPOTHESES, [REFERENCES], lambda score: [*score.counts, *score.totals])
    whole = make("BLEU").corpus_score(HYPOTHESES, [REFERENCES])
    assert [sum(column) for column in zip(*rows, strict=True)] == [*whole.counts, *whole.totals]
