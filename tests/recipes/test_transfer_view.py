import io
import sys
import time

from catscale.recipes.transfer_view import TransferView
from tests.unchecked import unchecked


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_on_a_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    with TransferView("f.tgz", 4_000_000, 1_000_000) as view:
        view.advance(3_000_000)
    assert "f.tgz" in unchecked(sys.stderr).getvalue()
    assert "4.0/4.0 MB" in unchecked(sys.stderr).getvalue()


def test_a_line_now_and_then_in_a_log(monkeypatch, capsys):
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    with TransferView("f.tgz", 4_000_000, 0) as view:
        for seconds in (10, 29, 30, 31, 61):
            clock[0] = seconds
            view.advance(500_000)
    assert capsys.readouterr().err == "f.tgz: 1.5 MB of 4.0 MB\nf.tgz: 2.5 MB of 4.0 MB\n"
