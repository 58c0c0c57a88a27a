"""The option `--set`, as every command that takes it has it."""

import argparse


def add_overrides(parser: argparse.ArgumentParser, what: str) -> None:
    """Add `--set KEY=VALUE`, which may be repeated, as `overrides`.

    Args:
        parser: Of the command.
        what: Of which settings, with an example, for the help: "a setting, as in training.seed=2".
    """
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="overrides",
        metavar="KEY=VALUE",
        help=f"override {what}; may be repeated",
    )
