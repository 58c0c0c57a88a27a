"""Phrases in the words of a language, as the CLDR has them."""

import random
from datetime import date, time, timedelta
from decimal import Decimal

import pytest

from catscale.data.embedded.languages import TED8_RELATED
from catscale.data.embedded.phrases import Phrase, draw_phrase
from catscale.data.embedded.speaker import MissingWordsError, Speaker

KILOMETERS: Phrase = ("unit", "length-kilometer", Decimal(3), "long")


@pytest.mark.parametrize(
    ("language", "phrase", "words"),
    [
        ("en", KILOMETERS, "3 kilometers"),
        ("cs", KILOMETERS, "3 kilometry"),
        ("ru", ("money", "CHF", Decimal(1200), "name"), "1 200 швейцарских франков"),
        ("pt", ("unit", "duration-day", Decimal(2), "long"), "2 dias"),  # inherited from the short form
        ("az", ("list", "standard", ("territory", "PL"), ("territory", "CL")), "Polşa və Çili"),
        ("tr", ("join", "{0}: {1}", ("tongue", "ru"), ("percent", 34)), "Rusça: %34"),
    ],
)
def test_known_words(language: str, phrase: Phrase, words: str) -> None:
    assert Speaker(language).say(phrase) == words


def test_missing_words_are_refused() -> None:
    for phrase in (("territory", "QQ"), ("money", "QQQ", Decimal(2), "name")):
        with pytest.raises(MissingWordsError):
            Speaker("ru").say(phrase)


def test_every_phrase_has_words_in_the_languages_of_ted8() -> None:
    rng = random.Random(0)
    speakers = [Speaker(code) for code in ("en", *TED8_RELATED)]
    for phrase in (draw_phrase(rng) for _ in range(300)):
        assert all(speaker.say(phrase) for speaker in speakers)


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        (("date", date(2019, 3, 5), "long"), "March 5, 2019"),
        (("date", date(2019, 3, 5), "yMMMM"), "March 2019"),
        (("relative", "week", timedelta(weeks=3)), "in 3 weeks"),
        (("relative", "day", timedelta(days=-5)), "5 days ago"),
        (("list", "or", ("tongue", "pl"), ("tongue", "de")), "Polish or German"),
        (("money", "EUR", Decimal(50), "standard"), "€50.00"),
        (("interval", date(2019, 3, 5), date(2019, 3, 9), "yMMMd"), "Mar 5 – 9, 2019"),
        (("time", time(17, 5)), "5:05 PM"),
    ],
)
def test_english_on_one_line_with_plain_spaces(phrase: Phrase, words: str) -> None:
    assert Speaker("en").say(phrase) == words


def test_a_phrase_that_is_none_is_refused() -> None:
    with pytest.raises(AssertionError, match=r"no words are foreseen for \('colour', 'red'\)"):
        Speaker("en").say(("colour", "red"))
