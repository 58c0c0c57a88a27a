import itertools

import pytest

from catscale.data.direction import Direction
from catscale.errors import ConfigError
from catscale.evaluation.decoding.contract import ONE, Hypothesis, ignore_progress
from catscale.evaluation.translate import choose_direction, one_line, translate_lines
from tests.unchecked import unchecked

EN_FR = Direction("en", "fr")


class Letters:
    """Ids are code points; decoding may add a line break to see it removed."""

    def __init__(self, after=""):
        self.after = after

    def encode(self, lines):
        return [[ord(letter) for letter in line] for line in lines]

    def decode(self, ids):
        return ["".join(map(chr, line)) + self.after for line in ids]


class Reverse:
    """Turns sources round and remembers how many came at a time."""

    def __init__(self):
        self.calls = []

    def search(self, sources, direction, wanted=ONE, progress=ignore_progress):
        self.calls.append(len(sources))
        return [[Hypothesis(list(reversed(source)))] for source in sources]


def test_order_and_blank_lines_are_kept():
    lines = ["abc\n", "\n", "  \t\n", "de\r\n", "", "f"]
    assert list(translate_lines(lines, Reverse(), unchecked(Letters()), EN_FR, chunk=2)) == [
        "cba",
        "",
        "",
        "ed",
        "",
        "f",
    ]


def test_blank_lines_reach_the_decoder_as_empty_sources():
    class NoBlank(Reverse):
        def search(self, sources, direction, wanted=ONE, progress=ignore_progress):
            assert all(source != [ord(" ")] for source in sources)
            return super().search(sources, direction)

    assert list(translate_lines([" ", "a"], NoBlank(), unchecked(Letters()), EN_FR)) == ["", "a"]


def test_a_line_of_invisible_characters_is_empty():
    lines = ["\u200b", "\ufeff\u200e ", "\u2800", "a\u200cb"]
    assert list(translate_lines(lines, Reverse(), unchecked(Letters()), EN_FR)) == ["", "", "\u2800", "b\u200ca"]


def test_lines_are_read_only_as_far_as_needed():
    decoder = Reverse()
    stream = translate_lines(("ab" for _ in itertools.count()), decoder, unchecked(Letters()), EN_FR, chunk=3)
    assert list(itertools.islice(stream, 4)) == ["ba"] * 4
    assert decoder.calls == [3, 3]


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\u2028", "\x85", "\x0b"])
def test_a_translation_is_one_line(line_break):
    (line,) = translate_lines([f"a{line_break}b"], Reverse(), unchecked(Letters(after=line_break + "x")), EN_FR)
    assert line.splitlines() == ["b a x"]


def test_one_line_leaves_other_text_alone():
    assert one_line("two  spaces\tand a tab") == "two  spaces\tand a tab"


DIRECTIONS = [Direction("en", "az"), Direction("en", "fr"), Direction("de", "fr")]


def test_the_direction_follows_from_the_target_where_it_can():
    assert choose_direction("az", None, DIRECTIONS) == Direction("en", "az")
    assert choose_direction("fr", "de", DIRECTIONS) == Direction("de", "fr")
    regional = [Direction("en", "pt_BR"), Direction("zh_CN", "pt_BR")]
    assert choose_direction("pt-BR", "zh-CN", regional) == choose_direction("pt_BR", "zh_CN", regional) == regional[1]


def test_a_direction_that_was_not_trained_is_chosen_where_two_meet_in_a_third_language():
    known = [Direction("de", "en"), Direction("en", "az"), Direction("en", "fr")]
    assert choose_direction("az", "de", known) == Direction("de", "az")
    with pytest.raises(ConfigError, match="does not translate to 'de'"):
        choose_direction("de", "en", known)


@pytest.mark.parametrize(
    ("target", "source", "message"),
    [
        ("xx", None, "does not translate to 'xx'; it translates to az, fr; choose one of them with --to"),
        ("fr", "xx", "does not translate from 'xx'; it translates from de, en; choose one of them with --from"),
        ("az", "de", "no direction from 'de' to 'az'; it has de-fr, en-az, en-fr; choose one"),
        ("fr", None, "several directions to 'fr'; it has de-fr, en-fr; choose one with --from and --to"),
    ],
)
def test_other_directions_are_refused(target, source, message):
    with pytest.raises(ConfigError, match=message):
        choose_direction(target, source, DIRECTIONS)
