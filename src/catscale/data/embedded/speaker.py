"""Putting a language-free phrase into the words of one language, with the CLDR's data as Babel carries it.

Both sides of a pair are said from the same values, so one is a translation of the other. Where the CLDR has no
words of the language's own, `MissingWordsError` is raised: a fallback to English or to a code is no translation.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from babel import Locale
from babel.dates import (
    format_date,
    format_interval,
    format_skeleton,
    format_time,
    format_timedelta,
    get_datetime_format,
)
from babel.lists import format_list
from babel.numbers import format_currency, format_percent
from babel.units import format_unit

from catscale.data.embedded.phrases import Phrase

WIDTHS = ("full", "long", "medium")  # of dates; other looks are skeletons
DIRECTION_MARKS = dict.fromkeys(map(ord, "\u061c\u200e\u200f"))


class MissingWordsError(LookupError):
    """The CLDR has no words for a phrase in a language."""


class Speaker:
    """Says phrases in one language.

    Args:
        code: A locale of Babel, such as `az` or `pt_PT`.
    """

    def __init__(self, code: str) -> None:
        self.locale = Locale.parse(code)
        self._said: dict[Phrase, str] = {}

    def say(self, phrase: Phrase) -> str:
        """Put a phrase into words, on one line with plain spaces.

        Raises:
            MissingWordsError: If the CLDR lacks the words in this language.
        """
        text = self._said.get(phrase)
        if text is None:
            text = re.sub(r"\s+", " ", self._form(phrase).translate(DIRECTION_MARKS)).strip()
            if not text:
                raise MissingWordsError(phrase)
            if phrase[0] not in ("join", "list"):  # the parts recur, the whole seldom does
                self._said[phrase] = text
        return text

    def _form(self, phrase: Phrase) -> str:
        match phrase:
            case ("join", pattern, *parts):
                return str(pattern.format(*(self.say(part) for part in parts)))
            case ("list", style, *parts):
                return str(format_list([self.say(part) for part in parts], style, self.locale))
            case ("territory", code):
                return self._name(self.locale.territories, code)
            case ("tongue", code):
                return self._name(self.locale.languages, code)
            case ("unit", unit, count, length):
                return self._quantity(unit, count, length)
            case ("money", currency, amount, style):
                return self._amount(currency, amount, style)
            case ("percent", number):
                return str(format_percent(Decimal(number) / 100, locale=self.locale))
            case _:
                return self._form_time(phrase)

    def _form_time(self, phrase: Phrase) -> str:
        match phrase:
            case ("time", moment):
                return str(format_time(moment, "short", locale=self.locale))
            case ("date", day, look):
                return self._date(day, look)
            case ("datetime", day, moment, width):
                pattern = get_datetime_format(width, self.locale).replace("'", "")
                return str(pattern.format(self.say(("time", moment)), self.say(("date", day, width))))
            case ("interval", start, end, skeleton):
                return str(format_interval(start, end, skeleton, fuzzy=False, locale=self.locale))
            case ("relative", unit, delta):
                return self._relative(unit, delta)
            case _:
                raise AssertionError(f"no words are foreseen for {phrase!r}")

    def _name(self, names: Mapping[str, str], code: str) -> str:
        if code not in names:
            raise MissingWordsError(code)
        return names[code]

    def _quantity(self, unit: str, count: Decimal, length: str) -> str:
        """Say a quantity; what the CLDR lacks at full length it inherits from the short form, Babel does not."""
        text = format_unit(count, unit, length, locale=self.locale)
        if unit in text:
            text = format_unit(count, unit, "short", locale=self.locale)
        return self._without(unit, text)

    def _without(self, code: str, text: str) -> str:
        """Refuse a text in which Babel has fallen back to a code."""
        if code in text:
            raise MissingWordsError(code)
        return text

    def _amount(self, currency: str, amount: Decimal, style: str) -> str:
        if style == "standard":
            return str(format_currency(amount, currency, locale=self.locale))
        text = format_currency(amount, currency, format_type="name", currency_digits=False, locale=self.locale)
        return self._without(currency, text)

    def _date(self, day: date, look: str) -> str:
        if look in WIDTHS:
            return str(format_date(day, look, self.locale))
        if look not in self.locale.datetime_skeletons:
            raise MissingWordsError(look)
        midnight = datetime(day.year, day.month, day.day)
        return str(format_skeleton(look, midnight, fuzzy=False, locale=self.locale))

    def _relative(self, unit: str, delta: timedelta) -> str:
        return str(format_timedelta(delta, granularity=unit, threshold=1, add_direction=True, locale=self.locale))
