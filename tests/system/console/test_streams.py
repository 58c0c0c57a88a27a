"""What the shell does to the standard streams, in processes of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from catscale.errors import ConfigError
from catscale.system.console import streams

SOURCE = str(Path(streams.__file__).parents[3])
START = (
    f"import os, sys; sys.path.insert(0, {SOURCE!r}); "
    "from catscale.system.console.streams import *; prepare_streams(); "
)


def shell(redirections: str, program: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    command = ["sh", "-c", f'exec "$0" "$@" {redirections}', sys.executable, "-c", START + program]
    return subprocess.run(command, capture_output=True, env=os.environ | variables, check=False, timeout=60)


def test_messages_do_not_end_up_among_results_where_standard_error_is_closed():
    done = shell("2>&-", "print('message', file=sys.stderr); print('result')")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"result\n", b"")


def test_a_file_that_is_opened_gets_no_closed_stream_s_number(tmp_path):
    """Otherwise a child process, or a C library, would write its messages into the file."""
    program = (
        f"file = open({str(tmp_path / 'f')!r}, 'w'); assert file.fileno() > 2; "
        "os.system('echo child; echo message >&2'); os.write(2, b'x'); file.write('mine')"
    )
    assert shell("<&- >&- 2>&-", program).returncode == 0
    assert (tmp_path / "f").read_text() == "mine"


def test_standard_error_that_breaks_is_dropped():
    reader, writer = os.pipe()
    os.close(reader)
    program = "[print('message' * 999, file=sys.stderr) for _ in range(99)]; os.write(2, b'x'); print('done')"
    done = subprocess.run(
        [sys.executable, "-c", START + program], stdout=subprocess.PIPE, stderr=writer, check=False, timeout=60
    )
    os.close(writer)
    assert (done.returncode, done.stdout) == (0, b"done\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_characters_that_the_encoding_lacks_are_escaped(encoding):
    done = shell("", "print('Übung ψ'); print('ψ', file=sys.stderr)", PYTHONIOENCODING=encoding)
    assert done.returncode == 0
    assert done.stdout.decode(encoding) == ("Übung \\u03c8\n" if encoding == "latin-1" else "\\xdcbung \\u03c8\n")
    assert done.stderr == b"\\u03c8\n"


def test_results_for_programs_are_utf8_whatever_the_environment_says():
    done = shell("", "write_utf8(); print('Übung ψ')", PYTHONIOENCODING="ascii")
    assert done.stdout.decode() == "Übung ψ\n"


def test_a_result_that_nobody_would_see_is_refused(monkeypatch):
    streams.require_output("name a file with --output")
    monkeypatch.setattr(streams, "_closed", {"output"})
    with pytest.raises(ConfigError, match="standard output is closed, and the result would be lost; name a file"):
        streams.require_output("name a file with --output")
