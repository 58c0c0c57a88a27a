"""Options of `catscale export`."""

import argparse
from pathlib import Path

from catscale.run.exporting.form import CHECKED, FORMATS, QUANTIZATIONS


def add_export(parser: argparse.ArgumentParser) -> None:
    """Add the options to the command's parser."""
    parser.add_argument("run", type=Path, metavar="RUN", help="a run's folder")
    parser.add_argument(
        "--format", choices=FORMATS, required=True, help="hf: transformers; ctranslate2: CTranslate2, with a tokenizer"
    )
    parser.add_argument(
        "--quantization", choices=QUANTIZATIONS, default=QUANTIZATIONS[0], help="weights of ctranslate2 (float32)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to write, new or empty")
    parser.add_argument(
        "--check",
        type=sentences,
        default=CHECKED,
        metavar="N",
        help=f"held-out sentences whose translations are compared with the run's ({CHECKED}); 0: none",
    )


def sentences(text: str) -> int:
    """Read a number of sentences."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to 10^9 - 1, found {text[:40]!r}")
    return int(text)
