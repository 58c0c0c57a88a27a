import unicodedata

import numpy as np
import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from catscale.corpus_statistics.characters import CONTROL, LETTER, SPACE, count_characters, kinds_of_characters

TEXT = st.text(
    st.sampled_from("ab Яя日ーひカ한ß\t\r\x00\x85\x1c\u2028\u3000\u0301ªʼ1,😀")
    | st.characters(exclude_categories=["Cs"])
)
LINES = st.lists(TEXT.map(lambda text: text.replace("\n", " ")), min_size=1, max_size=8)


def is_foreign(character: str, scripts: tuple[str, ...]) -> bool:
    ours = [rf"\p{{Script_Extensions={script}}}" for script in scripts]
    inside = any(regex.fullmatch(pattern, character) for pattern in [*ours, r"\p{Script=Zyyy}", r"\p{Script=Zinh}"])
    return bool(scripts) and is_letter(character) and not inside


@given(lines=LINES, scripts=st.sampled_from([(), ("Latn",), ("Cyrl", "Latn"), ("Hani", "Hira", "Kana")]))
@example(lines=["", " ", "a"], scripts=("Latn",))
@example(lines=["aЯ", "aЯЯ", "ーー"], scripts=("Latn",))
def test_counts_are_those_of_a_walk_through_the_characters(lines, scripts):
    counts = count_characters(lines, scripts)
    assert counts.characters.tolist() == [len(line) for line in lines]
    assert counts.words.tolist() == [len(line.split()) for line in lines]
    letters = [[c for c in line if is_letter(c)] for line in lines]
    foreign = [[c for c in line if is_foreign(c, scripts)] for line in letters]
    assert counts.letters == sum(map(len, letters))
    assert counts.foreign_letters == sum(map(len, foreign))
    mostly = [2 * len(f) > len(all_) for f, all_ in zip(foreign, letters, strict=True)]
    assert counts.foreign_lines.tolist() == np.flatnonzero(mostly).tolist()
    controls = [any(unicodedata.category(c) == "Cc" and c != "\t" for c in x) for x in lines]
    assert counts.control_lines.tolist() == np.flatnonzero(controls).tolist()


def is_letter(character: str) -> bool:
    """As `regex` has it, whose Unicode is newer than Python's."""
    return regex.fullmatch(r"\p{L}", character) is not None


def test_spaces_and_controls_are_python_s():
    kinds = kinds_of_characters(())
    spaces = [code for code in range(0x110000) if chr(code).isspace()]
    controls = [code for code in range(0x110000) if unicodedata.category(chr(code)) == "Cc" and chr(code) != "\t"]
    assert np.flatnonzero(kinds & SPACE).tolist() == spaces
    assert np.flatnonzero(kinds & CONTROL).tolist() == controls
    assert np.count_nonzero(kinds & LETTER) > 130_000


@pytest.mark.parametrize(
    ("scripts", "text", "foreign"),
    [
        (("Latn",), "Straße ª µ ʼ 12 é e\u0301", 0),
        (("Latn",), "Смith", 2),
        (("Hani", "Hira", "Kana"), "東京タワーへ行く", 0),
        (("Hani", "Hira", "Kana"), "東京 tower", 5),
        (("Deva",), "नमस्ते OK", 2),
        ((), "любой text", 0),
    ],
)
def test_foreign_letters_of_known_texts(scripts, text, foreign):
    assert count_characters([text], scripts).foreign_letters == foreign
