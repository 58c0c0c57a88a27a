"""The sentences of the check: from what is at hand, in turn, none empty."""

from catscale.data.direction import Direction
from catscale.run.config import load_config
from catscale.run.exporting.sentences import choose_sentences
from tests.cli.toy import write_config

AZ, BE = Direction("en", "az"), Direction("en", "be")


def choose(run, count, store=None, fingerprint="0" * 64):
    config = load_config(write_config(run / "toy.yaml", run, store or run / "none"))
    return choose_sentences(run, config, fingerprint, [AZ, BE], count)


def keep(run, name, *lines):
    (run / "translations").mkdir(exist_ok=True)
    (run / "translations" / f"{name}.src").write_text("".join(f"{line}\n" for line in lines))


def test_directions_take_turns_and_empty_lines_are_passed_over(tmp_path):
    keep(tmp_path, "dev.en-az", "", "  ", "one", "two", "three")
    keep(tmp_path, "dev.en-be", "ay")
    assert choose(tmp_path, 3) == {AZ: ["one", "two"], BE: ["ay"]}
    assert choose(tmp_path, 100) == {AZ: ["one", "two", "three"], BE: ["ay"]}
    assert choose(tmp_path, 0) == {}


def test_dev_comes_before_test_and_a_direction_without_any_is_left_out(tmp_path):
    keep(tmp_path, "test.en-be", "tested")
    assert choose(tmp_path, 5) == {BE: ["tested"]}
    keep(tmp_path, "dev.en-be", "developed")
    assert choose(tmp_path, 5) == {BE: ["developed"]}
    keep(tmp_path, "dev.en-be", "x" * 200_000, "short")
    assert choose(tmp_path, 5) == {BE: ["short"]}


def test_a_store_that_is_damaged_or_unknown_is_no_obstacle(tmp_path):
    (tmp_path / "prepared" / ("0" * 16)).mkdir(parents=True)
    keep(tmp_path, "dev.en-az", "kept")
    assert choose(tmp_path, 5) == {AZ: ["kept"]}
    assert choose(tmp_path, 5, fingerprint=None) == {AZ: ["kept"]}
    (tmp_path / "translations" / "dev.en-az.src").write_bytes(b"\xff\n")
    assert choose(tmp_path, 5) == {}
