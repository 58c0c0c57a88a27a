"""What the shell hands to a command beside its arguments: one sentence each, no traceback."""

import importlib
import os
import subprocess
import sys

import pytest

from catscale.cli import commands

LIST = [sys.executable, "-m", "catscale", "data", "list"]


def shell(redirections: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    command = ["sh", "-c", f'exec "$0" "$@" {redirections}', *(arguments or LIST)]
    return subprocess.run(command, capture_output=True, env=os.environ | variables, check=False, timeout=60)


@pytest.mark.parametrize(
    ("redirections", "variables", "status", "message"),
    [
        (">&-", {}, 2, b"catscale: standard output is closed, and the result would be lost"),
        (">/dev/full", {}, 2, b"catscale: No space left on device; check permissions and free space"),
        ("2>&-", {}, 0, b""),
        ("", {"PYTHONIOENCODING": "ascii"}, 0, b""),
        ("", {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, 0, b""),
        ("", {"COLUMNS": "x"}, 0, b""),
        ("", {"OMP_NUM_THREADS": "abc"}, 2, b"catscale: the environment variable OMP_NUM_THREADS must be a whole"),
        ("", {"HOME": "/nonexistent", "TMPDIR": "/nonexistent"}, 0, b""),
    ],
)
def test_the_shell_s_doings(redirections, variables, status, message):
    done = shell(redirections, **variables)
    assert done.returncode == status, done.stderr
    assert done.stderr.startswith(message)
    assert len(done.stderr.splitlines()) == (1 if message else 0)
    assert bool(done.stdout) == (status == 0)


def test_an_argument_that_is_not_utf8(cli, config, tmp_path, capsys):
    done = cli("train", config, "--out", b"caf\xe9".decode(errors="surrogateescape"))
    assert done.status == 2
    assert done.message.startswith(r"the argument 'caf\xe9' is not valid UTF-8; rename the file or folder")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "out of memory (MemoryError); raise the limit (ulimit -v, the container's), or ask for less"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 4 bytes\nat x"), "out of memory (DefaultCPUAll"),
        ("é".encode, "the text 'é' cannot be written in this environment's character encoding (ascii); set LC_ALL="),
    ],
)
def test_refused_memory_and_characters_are_one_sentence(cli, config, monkeypatch, error, message):
    def fail(options: object, say: object) -> None:
        if callable(error):
            error("ascii")
        raise error

    monkeypatch.setattr(commands, "run_train", fail)
    done = cli("train", config)
    assert done.status == 2
    assert done.message.startswith(message)


def test_a_library_that_cannot_be_loaded_is_named(cli, monkeypatch, tmp_path):
    """As PyTorch, where TORCH_LOGS is nonsense."""
    (tmp_path / "brokenlib").mkdir()
    (tmp_path / "brokenlib" / "__init__.py").write_text("from brokenlib import inner\n")
    (tmp_path / "brokenlib" / "inner.py").write_text("raise ValueError('BROKEN_LOGS is nonsense\\nmore')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(commands, "run_completion", lambda options, say: importlib.import_module("brokenlib"))
    done = cli("completion", "bash")
    assert done.status == 2
    assert done.err == (
        "catscale: the library brokenlib cannot be loaded (ValueError: BROKEN_LOGS is nonsense); unset the environment "
        "variable that it complains of, or install it again\n"
    )


def test_a_defect_of_ours_keeps_its_traceback(cli, config, monkeypatch):
    def fail(options: object, say: object) -> None:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(commands, "run_train", fail)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        cli("train", config)


@pytest.mark.skipif(sys.platform != "linux", reason="a limit of address space")
@pytest.mark.parametrize("arguments", [["train"], ["data", "stats"]])
@pytest.mark.parametrize(
    ("limit", "found"), [("-v 450000", "439 MiB of addresses"), ("-d 100000", "97 MiB of addresses")]
)
def test_a_limit_of_memory_that_the_libraries_do_not_fit_into(config, arguments, limit, found):
    """There PyTorch aborts, or does not end, while it is imported."""
    command = [sys.executable, "-m", "catscale", *arguments, str(config)]
    done = shell("", "sh", "-c", f'ulimit {limit}; exec "$@"', "-", *command)
    assert done.returncode == 2
    said = f"catscale: memory is limited to {found} (ulimit {limit[:2]}), and loading PyTorch"
    assert done.stderr.decode().startswith(said)
    assert len(done.stderr.splitlines()) == 1
