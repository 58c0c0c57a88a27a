"""What reaches a terminal: tables, bars and lines, in which no text acts."""

import io
import sys

import pytest
from rich.console import Console

from catscale.recipes.transfer_view import TransferView
from catscale.system.console import messages, progress
from catscale.system.console.progress import ProgressView
from catscale.system.console.terminal import TerminalTable, plain, show, stacked
from tests.unchecked import unchecked

EVIL = "[red]a[/red] [/] :smile: \x1b[31m\x9b2J\u202e"
SEEN = "[red]a[/red] [/] :smile: \\x1b[31m\\x9b2J\\u202e"


class Window(io.StringIO):
    """A terminal, to whom asks."""

    def isatty(self) -> bool:
        return True


def test_a_table_shows_its_texts_as_they_are_written(capsys):
    table = TerminalTable(EVIL)
    table.add_column(EVIL)
    table.add_column("style")
    table.add_row(EVIL, plain(EVIL, "bold"))
    table.add_row(stacked("one", EVIL), "x\ny")
    show(table)
    out = capsys.readouterr().out
    assert out.count(SEEN) == 5
    assert "x\\ny" in out
    assert not [c for c in out if not c.isprintable() and c != "\n"]


@pytest.mark.parametrize("view", [lambda: ProgressView(3, 0, EVIL), lambda: TransferView(EVIL, 10, 0)])
def test_a_bar_shows_names_and_notes_as_they_are_written(monkeypatch, view):
    window = Window()

    def make_console(stderr: bool = False, **options):
        return Console(file=window, width=200, force_terminal=True, color_system=None, markup=False, emoji=False)

    monkeypatch.setattr(progress, "make_console", make_console)
    with view() as shown:
        if isinstance(shown, ProgressView):
            shown.advance(1, EVIL)
            shown.say(f"{EVIL}\n{EVIL}")
        else:
            shown.advance(5)
    out = window.getvalue()
    assert SEEN in out
    assert "\x1b[31m" not in out
    assert "\x9b" not in out
    assert "\u202e" not in out


def test_a_translation_stays_as_it_is_but_on_a_terminal(capsys, monkeypatch):
    messages.print_cells([EVIL, "x"])
    assert capsys.readouterr().out == f"{EVIL}\tx\n"
    monkeypatch.setattr(sys, "stdout", Window())
    messages.print_cells([EVIL, "x"])
    assert unchecked(sys.stdout).getvalue() == f"{SEEN}\tx\n"


def test_json_has_no_character_that_acts(capsys):
    messages.print_json({"name": f"{EVIL}\x7f\ud800"})
    out = capsys.readouterr().out
    assert out.isascii()
    assert not [c for c in out if not c.isprintable() and c != "\n"]


def test_the_message_of_an_error_begins_once(capsys):
    messages.say_error(f"two failed:\n{EVIL}\ncatscale: done")
    assert capsys.readouterr().err == f"catscale: two failed:\n  {SEEN}\n  catscale: done\n"
