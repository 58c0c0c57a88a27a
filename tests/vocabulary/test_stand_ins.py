"""Characters that SentencePiece keeps for itself: hidden and shown again, one line or many at a time."""

from hypothesis import given
from hypothesis import strategies as st

from catscale.vocabulary.sentencepiece import STAND_INS, drop_reserved, hide, hide_all, show, show_all

TEXT = st.text(st.sampled_from(["a", " ", "\n", "\t", "é", "\u3000", *(pair[0] for pair in STAND_INS)]), max_size=6)


@given(st.lists(TEXT, max_size=5))
def test_many_lines_are_hidden_and_shown_as_one_by_one(lines: list[str]) -> None:
    hidden = hide_all(lines)
    assert hidden == [hide(line) for line in lines]
    assert show_all(hidden) == [show(line) for line in hidden] == [line.strip() for line in lines]
    assert not any(character in line for line in hidden for character, _ in STAND_INS)


@given(st.lists(TEXT, max_size=5))
def test_lines_without_such_characters_are_only_stripped(lines: list[str]) -> None:
    clean = drop_reserved(lines)
    assert hide_all(clean) == [line.strip() for line in clean]
    assert show_all(clean) == clean
