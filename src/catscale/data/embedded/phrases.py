"""The subjects of the embedded corpus: phrases as language-free values, drawn at random.

A phrase is a nested tuple, such as `("list", "standard", ("territory", "PL"), ("territory", "CL"))`; a
`catscale.data.embedded.speaker.Speaker` puts it into words, in English or in any other language. Only `random.Random`
with integers and strings is used, whose results are the same on every machine and version of Python.
"""

import random
from collections.abc import Callable
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

Phrase = tuple[Any, ...]


def _words(text: str) -> list[str]:
    return text.split()


# The first of each list are drawn most often, as in real text: see `_pick`.
TERRITORIES = _words(
    "DE FR IT ES PT PL CZ SK RU BY UA TR AZ GE AM GB IE NL BE CH AT HU RO BG GR SE NO FI DK IS EE LV LT HR RS SI "
    "US CA MX BR AR CL PE CO CU CN JP KR IN ID VN TH EG MA DZ KE NG ET ZA AU NZ IL IQ KZ UZ MN"
)
TONGUES = _words(
    "en de fr it es pt pl cs sk ru be uk tr az ka hy nl hu ro bg el sv nb fi da is et lv lt hr sr sl ar he fa hi "
    "zh ja ko vi th id sw la"
)
CURRENCIES = _words("EUR USD GBP RUB TRY PLN CZK CHF JPY CNY BRL UAH SEK NOK HUF INR CAD AUD MXN AZN GEL BYN")
UNITS = _words(
    "length-kilometer length-meter mass-kilogram volume-liter duration-hour duration-minute length-centimeter "
    "mass-gram temperature-celsius speed-kilometer-per-hour duration-day duration-week duration-month duration-year "
    "area-square-meter area-square-kilometer volume-cubic-meter length-millimeter duration-second mass-tonne "
    "energy-kilowatt-hour power-kilowatt power-watt digital-megabyte digital-gigabyte energy-kilocalorie "
    "speed-meter-per-second area-hectare volume-milliliter electric-volt frequency-hertz power-horsepower"
)
COUNTS = [
    Decimal(text)
    for text in _words(
        "2 3 5 10 4 6 8 20 12 7 15 100 1 9 30 50 25 2.5 40 200 1.5 60 24 500 1000 "
        "80 300 45 18 90 16 3.5 150 400 70 250 1200 2000 600 1500 5000 10000"
    )
]
# How many of a unit are said before the next larger unit takes over, and the unit's length.
RELATIVE = {
    "minute": (59, timedelta(minutes=1)),
    "hour": (23, timedelta(hours=1)),
    "day": (6, timedelta(days=1)),
    "week": (4, timedelta(weeks=1)),
    "month": (11, timedelta(days=30)),
    "year": (25, timedelta(days=365)),
}


def _pick(rng: random.Random, items: list[Any]) -> Any:
    """Draw an item, those at the front more often: the smaller of two uniform positions."""
    return items[min(rng.randrange(len(items)), rng.randrange(len(items)))]


def _several(rng: random.Random, kind: str, items: list[str], sizes: tuple[int, ...], style: str) -> Phrase:
    """Draw a list of different names; its length is one of `sizes`."""
    chosen: list[str] = []
    size = rng.choice(sizes)
    while len(chosen) < size:
        item = _pick(rng, items)
        if item not in chosen:
            chosen.append(item)
    return ("list", style, *((kind, item) for item in chosen))


def place(rng: random.Random) -> Phrase:
    """Say a country."""
    return ("territory", _pick(rng, TERRITORIES))


def places(rng: random.Random) -> Phrase:
    """Say two to four countries: "Poland, Chile, and Germany"."""
    return _several(rng, "territory", TERRITORIES, (2, 3, 3, 4), rng.choice(("standard", "standard", "or")))


def tongue(rng: random.Random) -> Phrase:
    """Say a language."""
    return ("tongue", _pick(rng, TONGUES))


def tongues(rng: random.Random) -> Phrase:
    """Say two to four languages: "Polish or German"."""
    return _several(rng, "tongue", TONGUES, (2, 2, 3, 4), rng.choice(("standard", "standard", "or")))


def quantity(rng: random.Random) -> Phrase:
    """Say a number of units: "25 kilograms", one time in five abbreviated."""
    return ("unit", _pick(rng, UNITS), _pick(rng, COUNTS), rng.choice(("long", "long", "long", "long", "short")))


def quantities(rng: random.Random) -> Phrase:
    """Say two or three quantities: "3 kilometers, 20 hours, and 5 liters"."""
    return ("list", "standard", *(quantity(rng) for _ in range(rng.choice((2, 2, 3)))))


def money(rng: random.Random) -> Phrase:
    """Say an amount of money, most often with the currency's name: "50 Swiss francs", "€50.00"."""
    return ("money", _pick(rng, CURRENCIES), _pick(rng, COUNTS), rng.choice(("name", "name", "name", "standard")))


def share(rng: random.Random) -> Phrase:
    """Say a percentage."""
    return ("percent", rng.randrange(1, 101))


def moment(rng: random.Random) -> Phrase:
    """Say a time of day, at five minutes' precision."""
    return ("time", time(rng.randrange(24), 5 * rng.randrange(12)))


def _some_day(rng: random.Random) -> date:
    return date(1995, 1, 1) + timedelta(days=rng.randrange(36 * 365))


def day(rng: random.Random) -> Phrase:
    """Say a date in one of CLDR's widths, or a part of one: "March 5", "March 2019"."""
    looks = ("full", "full", "long", "long", "medium", "MMMMd", "yMMMM", "yMMMEd", "yQQQQ")
    return ("date", _some_day(rng), rng.choice(looks))


def meeting(rng: random.Random) -> Phrase:
    """Say a date with a time of day."""
    return ("datetime", _some_day(rng), moment(rng)[1], rng.choice(("full", "long", "long", "medium")))


def span(rng: random.Random) -> Phrase:
    """Say a span from one date to another: "Mar 5 – 9, 2019", "March – July 2019"."""
    start, skeleton = _some_day(rng), rng.choice(("yMMMd", "MMMd", "yMMMM"))
    return ("interval", start, start + timedelta(days=rng.randrange(2, 25) * rng.choice((1, 1, 10))), skeleton)


def relative(rng: random.Random) -> Phrase:
    """Say a time seen from now: "in 3 weeks", "5 days ago"."""
    unit = rng.choice(tuple(RELATIVE))
    most, length = RELATIVE[unit]
    return ("relative", unit, rng.choice((-1, 1)) * rng.randint(1, most) * length)


# Weight, how the parts are joined, and the parts. Punctuation is all that stands between parts: no word is ours.
TEMPLATES: tuple[tuple[int, str, tuple[Callable[[random.Random], Phrase], ...]], ...] = (
    (3, "{0}", (day,)),
    (3, "{0}", (meeting,)),
    (2, "{0}", (span,)),
    (4, "{0}", (places,)),
    (3, "{0}", (tongues,)),
    (4, "{0}", (quantities,)),
    (4, "{0}, {1}", (place, day)),
    (4, "{0}, {1}", (meeting, place)),
    (4, "{0}: {1}", (place, money)),
    (3, "{0}: {1}", (place, quantities)),
    (5, "{0}: {1}", (relative, quantities)),
    (4, "{0}: {1}", (day, money)),
    (4, "{0}: {1}", (tongues, share)),
    (5, "{0} – {1}", (places, day)),
    (4, "{0} – {1}", (span, places)),
    (5, "{0} – {1}", (relative, places)),
    (5, "{0} ({1})", (places, tongues)),
    (3, "{0} ({1})", (money, quantity)),
    (4, "{0} ({1})", (money, relative)),
    (4, "{0}, {1}: {2}", (place, relative, money)),
    (4, "{0}, {1}: {2}", (tongues, place, share)),
    (5, "{0} ({1}): {2}", (place, day, quantity)),
    (4, "{0} ({1}): {2}", (places, relative, money)),
)
_DRAWS = [template for template in TEMPLATES for _ in range(template[0])]


def draw_phrase(rng: random.Random) -> Phrase:
    """Draw one phrase: a template by its weight, then its parts."""
    _, pattern, parts = rng.choice(_DRAWS)
    return ("join", pattern, *(part(rng) for part in parts))
