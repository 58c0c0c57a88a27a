"""What is said where transformers cuts text otherwise."""

from types import SimpleNamespace
from typing import Any

from catscale.vocabulary.pretrained.agreement import LINES, say_agreement


class Other:
    """A tokenizer that cuts lines with an `x` otherwise."""

    def __call__(self, lines: list[str], add_special_tokens: bool) -> Any:
        return SimpleNamespace(input_ids=[[9] if "x" in line else [1] for line in lines])

    def convert_tokens_to_ids(self, token: str) -> int:
        return 5


def said(lines: list[str], rule: str = "a rule") -> str:
    found: list[str] = []
    say_agreement(lambda given: [[1] for _ in given], Other(), lines, rule, found.append)
    return found[0]


def test_agreement_is_said() -> None:
    assert said(["a", "b"]) == "the run's Other of transformers cuts all of 2 lines alike"


def test_lines_that_differ_are_counted_and_one_is_shown() -> None:
    assert said(["a", "x" * 100, "b", "b"]).startswith(
        f"warning: the run's Other of transformers cuts 1 of 4 lines (25.00%) otherwise, first {'x' * 80!r}: "
    )


def test_lines_that_are_cut_as_stand_ins_are_left_out_where_there_is_no_rule() -> None:
    assert said(["a", "x▁"], rule="") == "the run's Other of transformers cuts 1 line alike"
    assert "1 of 2 lines" in said(["a", "x▁"])


def test_no_more_than_some_lines_are_compared() -> None:
    assert said(["a"] * (LINES + 5)) == f"the run's Other of transformers cuts all of {LINES:,} lines alike"
