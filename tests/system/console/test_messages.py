"""Lines for the user."""

import sys

import pytest

from catscale.system.console.messages import LONGEST, print_result, said_meanwhile, say, say_error


@pytest.mark.parametrize("tell", [say, say_error])
def test_a_line_that_repeats_too_much_is_cut_in_its_middle(tell, capsys):
    tell("cannot read " + "9" * 100_000 + "; check the path\nen-xa: second line")
    first, second = capsys.readouterr().err.splitlines()
    assert "cannot read 999" in first
    assert first.endswith("999; check the path")
    assert len(first) <= LONGEST
    assert second == "  en-xa: second line"


def test_what_is_said_meanwhile_is_for_a_terminal_and_taken_back(capsys, monkeypatch):
    with said_meanwhile("loading …"):
        pass
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with pytest.raises(ValueError, match="broken"), said_meanwhile("loading \x1b[1m …"):
        raise ValueError("broken")
    assert capsys.readouterr().err == "loading \\x1b[1m …\r\x1b[K"


def test_a_result_is_never_cut(capsys):
    print_result("/" + "x" * 4000)
    assert capsys.readouterr().out == "/" + "x" * 4000 + "\n"
