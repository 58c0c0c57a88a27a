"""Names that hold control sequences, markup and formulas, through every command: none of it acts anywhere."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from catscale.system.console.safe_text import for_terminal
from tests.cli.toy import write_config, write_corpus
from tests.comparison.fakes import write_run

EVIL = "r\x1b[31m\x07[red]\u202e:smile:[/]\x9b2J\u2066\u200b<img src=x onerror=alert(1)>"


def check_printed(*texts: str) -> None:
    """Nothing in them acts on a terminal."""
    for line in "\n".join(texts).split("\n"):
        assert line == for_terminal(line)


def check_files(folder: Path) -> None:
    """Pages, pictures and tables below a folder hold no such character, no element and no formula."""
    pages = [path for path in folder.rglob("*") if path.suffix in (".html", ".svg")]
    assert pages
    for path in pages:
        text = path.read_text(encoding="utf-8").partition("<script>")[0]
        assert "<img src=x" not in text
        assert not {c for c in EVIL if not c.isprintable()} & set(text), path
    for path in folder.rglob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        assert not [cell for cell in cells if cell[:1] in ("=", "@", "\t", "\r")], path


@pytest.fixture(scope="module")
def evil(tmp_path_factory) -> Path:
    """A folder of such a name, with a corpus and its configuration."""
    folder = tmp_path_factory.mktemp("hostile") / EVIL.replace("/", "|")
    write_corpus(folder / "corpus", "moses", {"xa": 200, "xb": 80}, dev=20, test=20)
    steps = {"max_steps": 6, "validate_every": 3, "log_every": 3}
    write_config(folder / "toy.yaml", folder / "corpus", folder / "store", training=steps)
    return folder


def test_a_run_from_text_to_scores(cli, evil):
    for command in (
        ("prepare", evil / "toy.yaml"),
        ("train", evil / "toy.yaml", "--out", evil / "run"),
        ("evaluate", evil / "run", "--split", "test"),
        ("data", "stats", evil / "corpus", "--out", evil / "stats"),
        ("data", "stats", evil / "corpus", "--json"),
    ):
        done = cli(*command)
        assert done.status == 0, done.err
        check_printed(done.out, done.err)
    check_files(evil / "stats")


@pytest.fixture
def runs(evil, tmp_path) -> Path:
    """Runs whose methods and folders have such names."""
    folder = tmp_path / EVIL.replace("/", "|")
    for seed in (1, 2):
        write_run(folder / "a" / f"seed-{seed}", 0.5, seed)
        for number, name in enumerate((f"=1+1{EVIL}", f"@{EVIL}\n=2")):
            weights = {"method": "fixed", "task_weights": {name: 2.0}}
            write_run(folder / f"b{number}" / f"seed-{seed}", 0.6, seed, balancing=weights)
    return folder


def test_a_comparison(cli, runs, tmp_path):
    done = cli("compare", runs, "--out", tmp_path / "out", "--resamples", 200, "--force")
    assert done.status == 0, done.err
    check_printed(done.out, done.err)
    assert "[red]" in done.out + done.err
    check_files(tmp_path / "out")
    assert "\\x1b" in done.out


@pytest.mark.parametrize(
    "command",
    [("prepare", EVIL), ("train", EVIL), ("sweep", EVIL, "--methods", "T=1"), ("evaluate", EVIL), ("analyze", EVIL),
     ("translate", EVIL, "--to", "x"), ("compare", EVIL), ("data", "stats", EVIL), ("data", "fetch", EVIL),
     ("data", "list", "--recipes", EVIL), ("demo", "--languages", EVIL)],
)  # fmt: skip
def test_a_mistake_is_told_safely(cli, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = cli(*command)
    assert done.status == 2
    check_printed(done.out, done.err)
    assert "\\x1b[31m" in done.message


@pytest.mark.parametrize("argument", [f"--{EVIL}", EVIL])
def test_an_argument_that_is_none(argument):
    done = subprocess.run(
        [sys.executable, "-m", "catscale", "data", "list", argument], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    check_printed(done.stderr)


def test_a_configuration_s_keys_and_values(cli, tmp_path):
    for content in (f'"{EVIL}": 1', f'data: {{"{EVIL}": 1}}', f'balancing: {{method: "{EVIL}"}}'):
        path = tmp_path / "bad.yaml"
        path.write_text(json.dumps(content)[1:-1].replace('\\"', '"'))
        done = cli("train", path)
        assert done.status == 2
        check_printed(done.out, done.err)
