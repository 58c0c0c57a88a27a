import numpy as np
import pytest

from catscale.comparison.translations import RunTexts, align, read_texts
from catscale.errors import CheckpointError
from tests.comparison.fakes import write_run


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "run", sizes={"en-az": 500}, sentences=4)


def test_what_evaluate_left(run):
    texts = read_texts(run, "test", "en-az")
    assert len(texts.sources) == len(texts.references) == len(texts.hypotheses) == 4
    assert texts.counts["nll"].shape == (4, 2)
    assert texts.digest().startswith("4 sentences ")


def test_empty_lines_are_sentences(run):
    for end in ("src", "ref", "hyp"):
        (run / f"translations/test.en-az.{end}").write_text("a\n\n\u2028b\n\n")
    assert read_texts(run, "test", "en-az").hypotheses == ["a", "", "\u2028b", ""]


def test_a_missing_file(run):
    (run / "translations/test.en-az.hyp").unlink()
    with pytest.raises(CheckpointError, match=r"test\.en-az\.hyp cannot be read .* run `catscale evaluate` again"):
        read_texts(run, "test", "en-az")


def test_bytes_that_are_no_text(run):
    (run / "translations/test.en-az.ref").write_bytes(b"\xff\n")
    with pytest.raises(CheckpointError, match=r"test\.en-az\.ref cannot be read"):
        read_texts(run, "test", "en-az")


@pytest.mark.parametrize("end", ["src", "nll"])
def test_another_number_of_lines(run, end):
    path = run / f"translations/test.en-az.{end}"
    path.write_text("".join(path.read_text().splitlines(True)[:3]))
    with pytest.raises(CheckpointError, match=r"one line per sentence, found \[3, 4\] lines.*--split test` again"):
        read_texts(run, "test", "en-az")


def test_a_damaged_nll(run):
    (run / "translations/test.en-az.nll").write_text("1.0\t2\n1.0 2\n")
    with pytest.raises(CheckpointError, match=r"nll, line 2: expected nats and tokens with a tab.* found '1\.0 2'"):
        read_texts(run, "test", "en-az")


def test_runs_evaluated_before_there_was_nll(tmp_path):
    run = write_run(tmp_path / "old", sizes={"en-az": 500}, sentences=4, nll=False)
    assert read_texts(run, "test", "en-az").counts == {}


def make(*pairs):
    sources, references = zip(*pairs, strict=True)
    places = np.arange(len(pairs))
    return RunTexts(
        list(sources), list(references), [str(i) for i in places], {"nll": np.stack([places, places], 1).astype(float)}
    )


def test_the_sentences_that_all_have_in_the_order_of_the_first():
    one = make(("a", "A"), ("b", "B"), ("a", "A"), ("c", "C"), ("d", "D"))
    two = make(("c", "C"), ("a", "A"), ("d", "other"), ("a", "A"), ("e", "E"))
    found = align([one, two])
    assert [text.sources for text in found] == [["a", "a", "c"]] * 2
    assert [text.hypotheses for text in found] == [["0", "2", "3"], ["1", "3", "0"]]
    assert found[1].counts["nll"][:, 0].tolist() == [1, 3, 0]
    same = align([one, one])
    assert same[0].hypotheses == same[1].hypotheses == one.hypotheses


def test_digests_tell_texts_apart():
    one, two, three = make(("a", "A"), ("b", "B")), make(("a", "A"), ("b", "C")), make(("a", "A"))
    assert len({text.digest() for text in (one, two, three)}) == 3
