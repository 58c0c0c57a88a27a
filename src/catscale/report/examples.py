"""Translations side by side: source, reference, and what each method made of it, drawn by a rule and not chosen."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from catscale.comparison.outside import read_outside
from catscale.comparison.result import ComparedDirection, Comparison
from catscale.comparison.translations import RunTexts, align, read_texts
from catscale.errors import CatscaleError
from catscale.report.html_tables import write_method_name
from catscale.system.console.safe_text import for_page

EACH = 2
"""Sentences of a direction."""
SHORTEST, LONGEST = 20, 160
"""Characters of a source that is drawn, where there are such ones."""
CUT = 400
"""Characters of a text that is shown."""
RULE = (
    "Drawn, not chosen: the smallest, the middle and the largest direction, {each} sentences each, at random (seed "
    "{seed}) among those whose source has {shortest} to {longest} characters; each method's first seed."
)


@dataclass(frozen=True)
class ShownSentence:
    """One test sentence.

    Attributes:
        direction: Its direction.
        source: Text.
        reference: Text.
        translations: One text per method, in the order of the comparison.
    """

    direction: ComparedDirection
    source: str
    reference: str
    translations: list[str]


def draw_examples(comparison: Comparison) -> list[ShownSentence]:
    """Draw test sentences with their translations by `RULE`; empty where the texts are not there any more."""
    drawn = []
    for direction in choose_directions(comparison.directions):
        texts = _read(comparison, direction.name)
        if texts:
            places = choose_places(texts[0].sources, [comparison.seed, direction.name])
            drawn += [
                ShownSentence(
                    direction, texts[0].sources[i], texts[0].references[i], [text.hypotheses[i] for text in texts]
                )
                for i in places
            ]
    return drawn


def choose_directions(directions: Sequence[ComparedDirection]) -> list[ComparedDirection]:
    """Return the smallest, the middle and the largest direction.

    Args:
        directions: The directions, from the smallest to the largest.
    """
    places = (0, (len(directions) - 1) // 2, len(directions) - 1)
    return [directions[place] for place in dict.fromkeys(places)] if directions else []


def choose_places(sources: Sequence[str], seed: Sequence[object]) -> list[int]:
    """Draw places of sources of middle length, ascending; of any length where there are too few."""
    fit = [place for place, source in enumerate(sources) if SHORTEST <= len(source) <= LONGEST]
    among = fit if len(fit) >= EACH else list(range(len(sources)))
    return sorted(random.Random(repr(seed)).sample(among, min(EACH, len(among))))


def _read(comparison: Comparison, direction: str) -> list[RunTexts]:
    """Read the translations by each method's first run, and each outside system, of the sentences that all have."""
    split, texts = comparison.split, dict[str, RunTexts]()
    try:
        for method in sorted(comparison.methods, key=lambda method: method.outside):
            folder = Path(method.folders[0])
            if method.outside:  # has the sentences of the runs
                texts[method.name] = read_outside(folder, split, direction, next(iter(texts.values())))
            else:
                texts[method.name] = read_texts(folder, split, direction)
        return align([texts[method.name] for method in comparison.methods])
    except CatscaleError:
        return []


def write_examples(examples: Sequence[ShownSentence], comparison: Comparison) -> str:
    """Return a small table per sentence, as HTML; empty without examples."""
    if not examples:
        return ""
    rule = RULE.format(each=EACH, seed=comparison.seed, shortest=SHORTEST, longest=LONGEST)
    parts = []
    for direction in dict.fromkeys(example.direction for example in examples):
        tables = "".join(_write(each, comparison) for each in examples if each.direction == direction)
        parts.append(f'<h3>{for_page(direction.name)}</h3><div class="examples">{tables}</div>')
    return f'<section><h2>Example translations</h2><p class="note">{for_page(rule)}</p>{"".join(parts)}</section>'


def _write(example: ShownSentence, comparison: Comparison) -> str:
    source, _, target = example.direction.name.partition("-")
    rows = [_row('<th scope="row">source</th>', example.source, source)]
    rows.append(_row('<th scope="row">reference</th>', example.reference, target))
    for place, (method, text) in enumerate(zip(comparison.methods, example.translations, strict=True)):
        rows.append(_row(write_method_name(method.name, place), text, target, f' data-method="{place}"'))
    return f'<table class="example"><tbody>{"".join(rows)}</tbody></table>'


def _row(head: str, text: str, language: str, of: str = "") -> str:
    shown = text if len(text) <= CUT else f"{text[:CUT]} …"
    code = for_page(language.replace("_", "-"))
    said = f'<td{of} lang="{code}" dir="auto">{for_page(shown)}</td>' if shown.strip() else f"<td{of}>(nothing)</td>"
    return f"<tr>{head}{said}</tr>"
