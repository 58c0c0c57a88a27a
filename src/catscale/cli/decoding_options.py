"""Options of decoding, which `evaluate` and `translate` share, as overrides of a run's settings."""

import argparse
import json
import math
from decimal import Decimal

from catscale.cli.overrides_option import add_overrides

SETTINGS = {
    "beam": "beam",
    "length_penalty": "length_penalty",
    "batch": "batch_sentences",
    "tag": "tag",
    "sampling": "draw_temperature",
}
"""Option → the key of `evaluation` that it sets."""


def add_decoding(parser: argparse.ArgumentParser, scores: str, n_best: str) -> None:
    """Add the options.

    Args:
        parser: The parser of a command.
        scores: The help text of `--scores`.
        n_best: The help text of `--n-best`.
    """
    add_search(parser)
    parser.add_argument("--n-best", type=count, metavar="N", help=n_best)
    parser.add_argument("--scores", action="store_true", help=scores)
    parser.add_argument(
        "--tag", metavar="TAG", help="translate as text of the corpus with this tag in training (evaluation.tag)"
    )


def add_search(parser: argparse.ArgumentParser) -> None:
    """Add the options of the search alone.

    Args:
        parser: The parser of a command.
    """
    parser.add_argument("--beam", type=count, metavar="N", help="hypotheses kept in the search (evaluation.beam)")
    parser.add_argument(
        "--sampling",
        type=temperature,
        metavar="T",
        help="draw translations at this temperature, as 1, in place of a search (evaluation.draw_temperature)",
    )
    parser.add_argument(
        "--length-penalty",
        type=penalty,
        metavar="X",
        help="log-probabilities are divided by length to this power (evaluation.length_penalty)",
    )
    parser.add_argument(
        "--batch", type=count, metavar="N", help="sentences decoded together (as evaluation.batch_tokens says)"
    )
    add_overrides(parser, "a setting of evaluation, as in evaluation.max_length=100")


def decoding_overrides(options: argparse.Namespace) -> list[str]:
    """Return `evaluation.KEY=VALUE` of `--set`, then of the other options, which come last and so decide."""
    given = {key: getattr(options, option, None) for option, key in SETTINGS.items()}
    return [
        *options.overrides,
        *(f"evaluation.{key}={_in_yaml(value)}" for key, value in given.items() if value is not None),
    ]


def _in_yaml(value: str | float) -> str:
    return json.dumps(value) if isinstance(value, str) else f"{Decimal(repr(value)):f}"


def count(text: str) -> int:
    """Read a whole number of at least 1."""
    if not (text.isascii() and text.isdecimal()) or int(text[:20]) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, found {text[:40]!r}")
    if len(text) > 18:
        raise argparse.ArgumentTypeError(f"is too large, found {text[:40]!r}")
    return int(text)


def temperature(text: str) -> float:
    """Read a number above 0."""
    if (value := penalty(text)) == 0:
        raise argparse.ArgumentTypeError(f"must be a number above 0, found {text[:40]!r}")
    return value


def penalty(text: str) -> float:
    """Read a number of at least 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of at least 0, found {text[:40]!r}")
    return value
