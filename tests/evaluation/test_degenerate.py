import random

import pytest

from catscale.evaluation.degenerate import Degenerate, count_degenerate, find_fault, is_loop, warn_of

ANIMALS = "ant bear cat dog elk fox gnu hen ibis jay kite lion mole newt owl pig quail rat seal toad"
WORDS = ANIMALS.split()


def sentences(count, seed=1):
    rng = random.Random(seed)
    return [" ".join(rng.sample(WORDS, 9)) for _ in range(count)]


def count(outputs, sources=None, finished=None, references=None):
    sources = sources or [f"source {n}" for n in range(len(outputs))]
    return count_degenerate(outputs, sources, finished or [True] * len(outputs), references)


@pytest.mark.parametrize(
    "text",
    [
        "ich bin ein bin ein bin ein bin ein bin ein",
        "und und und und und und und",
        "的的的的的的的的的的的的的的",
        "我喜欢我喜欢我喜欢我喜欢",
        "no no no, no no no, no no no, no no no, no no no",
        "a b c d e a b c d f a b c d e a b c d f a b c d e a b c d f a b c d e",
    ],
)
def test_loops_are_found(text):
    assert is_loop(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "Ha ha ha!", "wow wow", "...........", "1 000 000 000", "He said that she said that they said so.",
        "the man in the park saw the man in the boat", "www.example.org", "bora bora",
    ],
)  # fmt: skip
def test_ordinary_text_is_no_loop(text):
    assert not is_loop(text)
    assert not any(map(is_loop, sentences(200)))


def test_a_long_output_takes_no_time():
    assert not is_loop(" ".join(str(n * n) for n in range(100_000)))


def test_one_sentence_for_many_sources():
    outputs = [*sentences(259), *["Das ist ein Hund."] * 41]
    found = count(outputs)
    assert found == Degenerate(lines=300, alike=41, example="Das ist ein Hund.")
    said: list[str] = []
    warn_of({"en-de": found}, said.append)
    assert said == ["warning: en-de: 41 of 300 lines are the same sentence, 'Das ist ein Hund.', for other sources"]


def test_the_same_source_may_have_the_same_output():
    assert count(["Danke."] * 20, ["Thanks."] * 20).alike == 0
    assert count(["Danke."] * 20, references=["Danke."] * 20).alike == 0  # right is right


def test_empty_copied_and_cut_outputs():
    found = count(["", "Paris", "a house", "x y", ""], ["a", "Paris", "a  House", "b", ""], [True] * 3 + [False, True])
    assert (found.lines, found.empty, found.copies, found.cut) == (4, 1, 2, 1)
    right = count(["Paris", "a house"], ["Paris", "a house"], references=["Paris", "ein Haus"])
    assert right.copies == 1
    assert count(["1984"], ["1984"]).copies == 0


def test_a_corpus_that_repeats_itself_is_not_the_models_fault():
    loop = "la la la la la la la la la"
    assert count([loop], ["tra " * 12]).loops == 0
    assert count([f"{loop} x"], ["a"], references=[loop]).loops == 0
    assert count([f"{loop} x"], ["a"], references=["b"]).loops == 1


def test_a_few_faults_among_many_lines_are_no_warning():
    assert Degenerate(lines=1000, loops=19, empty=2, cut=0).describe() == []
    assert Degenerate(lines=20, empty=2).describe() == []
    assert Degenerate(lines=20, empty=3, copies=4).describe() == [
        "3 of 20 lines are empty",
        "4 of 20 lines are copies of their source",
    ]


def test_the_record_holds_the_counts():
    assert Degenerate(5, loops=1).to_json() == {"lines": 5, "loops": 1, "alike": 0, "empty": 0, "copies": 0, "cut": 0}


@pytest.mark.parametrize(
    ("output", "source", "finished", "fault"),
    [
        ("salam", "hello", True, None),
        (" ", "hello", True, "empty"),
        ("Hello", "hello", True, "copy"),
        ("1 2", "1 2", True, None),  # nothing to translate
        ("salam", "hello", False, "cut"),
        ("ha ha ha ha ha ha ha ha", "he laughs", True, "loop"),
        ("ha ha ha ha ha ha ha ha", "ho ho ho ho ho ho ho ho", True, None),
    ],
)
def test_the_fault_of_one_output(output, source, finished, fault):
    assert find_fault(output, source, finished) == fault
