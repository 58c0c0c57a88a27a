"""Languages in a file's name: a pattern with placeholders read backwards, in every way that fits.

`train.en-pt-BR.en` may be read as `en` and `pt-BR`, or as `en-pt` and `BR`; what is known of languages decides.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from catscale.data.languages.codes import best_cuts

CODE = re.compile(r"\w+(?:-\w+)*")
Values = dict[str, str]  # placeholder → text


def read_name(pattern: str, split: str, name: str, explicit: Sequence[str]) -> Values | None:
    """Return the languages in a file's name, by placeholder: `source` and `target`, and `lang`; None if it does not
    fit.

    Args:
        pattern: The pattern of a layout.
        split: The files' name of the split.
        name: The name of the file, below the corpus' folder.
        explicit: Codes that are languages whatever they look like.
    """
    parts = re.split(r"\{(\w+)\}|(\*)", pattern.replace("{pair}", "{source}-{target}"))
    pieces = [(parts[i], parts[i + 1] or parts[i + 2]) for i in range(0, len(parts) - 1, 3)]
    found = list(_readings([*pieces, (parts[-1], None)], name, {"split": split}, explicit))
    sound = [values for values in found if _is_sound(values)]
    return _choose(sound, explicit) if sound else None


def _readings(
    pieces: Sequence[tuple[str, str | None]], text: str, values: Values, explicit: Sequence[str]
) -> Iterator[Values]:
    """Yield every way to fill the placeholders, each of which follows a literal."""
    (literal, name), *rest = pieces
    if not text.startswith(literal):
        return
    text = text[len(literal) :]
    if name is None:
        if not text:
            yield {key: value for key, value in values.items() if key != "split"}
    elif name in values:
        if text.startswith(values[name]):
            yield from _readings(rest, text[len(values[name]) :], values, explicit)
    else:
        longest = len(text) if "/" not in text else text.index("/")
        for length in range(longest, -1 if name == "*" else 0, -1):
            if name == "*":
                yield from _readings(rest, text[length:], values, explicit)
            elif CODE.fullmatch(code := text[:length]) or code in explicit:
                yield from _readings(rest, text[length:], values | {name: code}, explicit)


def _is_sound(values: Mapping[str, str]) -> bool:
    """Return whether the file of one language belongs to a pair with that language, and a pair has two."""
    pair = [values[side] for side in ("source", "target") if side in values]
    return len(set(pair)) == len(pair) and (len(pair) < 2 or values.get("lang", pair[0]) in pair)


def _choose(found: Sequence[Values], explicit: Sequence[str]) -> Values:
    """Choose the likeliest reading; without knowledge the first one, which has the longest first code."""
    named = [values for values in found if all(code in explicit for code in values.values())]
    if named or len(found) == 1:
        return (named or list(found))[0]
    pairs = [(values.get("source", ""), values.get("target", "")) for values in found]
    best = best_cuts(pairs)
    return found[pairs.index(best[0])] if best else found[0]
