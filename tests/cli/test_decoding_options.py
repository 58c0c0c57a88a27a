"""Options of decoding are overrides of a run's settings, and decide over `--set`."""

import argparse

import pytest

from catscale.cli.decoding_options import add_decoding, count, decoding_overrides, penalty, temperature


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_decoding(parser, "scores", "n best")
    return parser.parse_args(arguments)


def test_options_come_after_what_was_set() -> None:
    options = parse("--set", "evaluation.beam=9", "--beam", "4", "--length-penalty", "1e-7", "--batch", "8")
    assert decoding_overrides(options) == [
        "evaluation.beam=9",
        "evaluation.beam=4",
        "evaluation.length_penalty=0.0000001",
        "evaluation.batch_sentences=8",
    ]
    assert decoding_overrides(parse("--tag", "null")) == ['evaluation.tag="null"']
    assert decoding_overrides(parse("--sampling", "0.5")) == ["evaluation.draw_temperature=0.5"]
    with pytest.raises(argparse.ArgumentTypeError, match="must be a number above 0, found '0'"):
        temperature("0")
    assert decoding_overrides(parse()) == []
    assert (parse().scores, parse("--scores", "--n-best", "3").n_best) == (False, 3)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "٣", "", "x"])
def test_counts_are_whole_and_positive(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="must be a whole number of at least 1, found"):
        count(text)


def test_counts_are_not_endless() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is too large, found '1000"):
        count("1" + "0" * 30)
    assert count("007") == 7


@pytest.mark.parametrize("text", ["-0.1", "nan", "inf", "x"])
def test_penalties_are_finite_and_not_negative(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="must be a number of at least 0, found"):
        penalty(text)
    assert penalty("0.5") == 0.5
