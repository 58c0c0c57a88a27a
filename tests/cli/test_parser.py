"""The arguments of every command."""

from pathlib import Path

import pytest

from catscale.cli.parser import build_parser


def parse(*arguments):
    return build_parser().parse_args(arguments)


def refuse(capsys, *arguments) -> str:
    with pytest.raises(SystemExit, match="2"):
        parse(*arguments)
    return capsys.readouterr().err


def test_defaults_are_those_of_the_help():
    demo = parse("demo")
    assert (demo.out, demo.methods, demo.seeds, demo.jobs, demo.steps) == (
        Path("demo"), ["T=1", "T=5", "cats_sampling"], [1], None, None,
    )  # fmt: skip
    sweep = parse("sweep", "c.yaml", "--methods", "cats")
    assert (sweep.config, sweep.out, sweep.jobs, sweep.seeds, sweep.overrides) == (Path("c.yaml"), None, None, [1], [])
    compare = parse("compare", "a", "b")
    assert (compare.runs, compare.split, compare.seed, compare.out) == (
        [Path("a"), Path("b")], "test", 1, Path("comparison"),
    )  # fmt: skip
    assert (parse("analyze", "run").steps, parse("watch", "run").port) == ("newest", 0)
    evaluate = parse("evaluate", "run", "--split", "dev", "--split", "test")
    assert evaluate.splits == ["dev", "test"]


def test_lists_of_methods_and_seeds():
    found = parse(
        "sweep", "c.yaml", "--methods", "T=1", "T=1+cats:alpha_lr=0.01", "--seeds", "0", "9223372036854775807"
    )
    assert found.methods == ["T=1", "T=1+cats:alpha_lr=0.01"]
    assert found.seeds == [0, 2**63 - 1]


@pytest.mark.parametrize("text", ["0", "-1", "1_000", "017", "1.0", "٣", "", "1000000001", "1e3", "+1", " 1", "1\n"])
def test_counts_are_what_they_look_like(capsys, text):
    assert parse("train", "c.yaml").command == "train"
    said = refuse(capsys, "sweep", "c.yaml", "--methods", "cats", f"--jobs={text}")
    assert "argument --jobs: must be at least 1, a whole number without signs or leading zeros and at most 10^9" in said


def test_seeds_are_bounded(capsys):
    for text in ("9223372036854775808", "01", "-1"):
        said = refuse(capsys, "demo", f"--seeds={text}")
        assert f"must be from 0 to 2^63 - 1, a whole number without signs or leading zeros, found '{text}'" in said


@pytest.mark.parametrize("text", ["newest", "best", "all", "0", "007", "9" * 18])
def test_checkpoints_to_analyse(text):
    assert parse("analyze", "run", "--steps", text).steps == text


def test_checkpoints_that_there_are_none_of(capsys):
    for text in ("Best", "-1", "1.5", "9" * 19, "٣", ""):
        assert "must be newest, best, all or the number of a step, found" in refuse(
            capsys, "analyze", "run", f"--steps={text}"
        )


def test_ports(capsys):
    assert (parse("watch", "run", "--port", "65535").port, parse("watch", "run", "--port", "0").port) == (65535, 0)
    for text in ("65536", "-1", "x", "²", "000080"):
        assert "must be from 0 to 65535, found" in refuse(capsys, "watch", "run", f"--port={text}")


def test_what_the_user_wrote_is_repeated_safely(capsys):
    said = refuse(capsys, "train", "c.yaml", "--\x1b[31mred")
    assert "\x1b" not in said
    assert "unrecognized arguments" in said


def test_a_command_and_what_it_needs_are_required(capsys):
    assert "the following arguments are required: COMMAND" in refuse(capsys)
    assert "the following arguments are required: --methods" in refuse(capsys, "sweep", "c.yaml")
    assert "the following arguments are required: --to" in refuse(capsys, "translate", "run")
    assert "invalid choice: 'tcsh'" in refuse(capsys, "completion", "tcsh")
