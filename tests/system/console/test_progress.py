"""Progress: a bar on a terminal, lines in a log."""

import io
import sys

import pytest
from rich.console import Console

from catscale.system.console import progress
from catscale.system.console.progress import ProgressView, label_column


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch) -> Terminal:
    """What a terminal of 100 columns is sent."""
    shown = Terminal()
    console = Console(file=shown, force_terminal=True, width=100, color_system=None)
    monkeypatch.setattr(progress, "make_console", lambda **options: console)
    return shown


def test_in_a_log_there_are_lines_and_nobody_sees_the_bar(capsys):
    assert not sys.stderr.isatty()
    with ProgressView(10, 0) as view:
        assert view.advance(5, "half") is False
        view.say("step 5")
    assert capsys.readouterr() == ("", "step 5\n")


def test_on_a_terminal_the_bar_has_the_count_the_note_and_the_label(terminal):
    with ProgressView(10, 2, label="compare") as view:
        assert view.advance(7, "en-az") is True
        view.say("a line above it")
    shown = terminal.getvalue()
    for text in ("compare", "7/10", "en-az", "a line above it"):
        assert text in shown


def test_the_total_can_be_corrected(terminal):
    with ProgressView(1, 0) as view:
        view.set_total(40)
        view.advance(20)
    assert "20/40" in terminal.getvalue()


def test_silent_says_nothing_and_asks_for_no_line(terminal, capsys):
    with ProgressView(10, 0, silent=True) as view:
        assert view.advance(5) is True
        view.say("step 5")
    assert "step 5" not in terminal.getvalue() + "".join(capsys.readouterr())


def test_names_are_no_markup_and_cannot_act(terminal):
    with ProgressView(10, 0, label="[red]\x1b[2Jname") as view:
        view.advance(1, "[bold]note")
        view.say("line\x1b[2J")
    shown = terminal.getvalue()
    assert "[red]" in shown
    assert "[bold]note" in shown
    assert "\x1b[2J" not in shown
    assert label_column("{task.description}").markup is False
