"""The option `--set`, as every command that takes it has it."""

import argparse


def add_overrides(parser: argparse.ArgumentParser, what: str) -> None:
    """Add `--set KEY=VALUE`, which may be repeated, as `overrides`.

    Args:
        parser: The command's parser.
        what: The kind of setting, with an example, for the help: "a setting, as in training.seed=2".
    """
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="overrides",
        metavar="KEY=VALUE",
        help=f"override {what}; may be repeated",
    )
