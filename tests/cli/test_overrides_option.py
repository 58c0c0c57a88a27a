"""The option `--set`."""

import argparse

import pytest

from catscale.cli.overrides_option import add_overrides


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="command")
    add_overrides(parser, "a setting, as in training.seed=2")
    return parser


def test_each_time_adds_one_in_order(parser):
    assert parser.parse_args(["--set", "a=1", "--set", "b=x=y", "--set=a=2"]).overrides == ["a=1", "b=x=y", "a=2"]


def test_without_it_there_are_none_also_after_a_parse_that_had_some(parser):
    parser.parse_args(["--set", "a=1"])
    assert parser.parse_args([]).overrides == []


def test_it_needs_a_value_and_the_help_says_which(parser, capsys):
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args(["--set"])
    assert "argument --set: expected one argument" in capsys.readouterr().err
    assert "--set KEY=VALUE" in parser.format_help()
    assert "override a setting, as in training.seed=2; may be repeated" in " ".join(parser.format_help().split())
