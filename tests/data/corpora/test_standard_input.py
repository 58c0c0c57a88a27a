import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from catscale.data import DataConfig, prepare
from catscale.data.corpora import standard_input as module
from catscale.data.corpora.standard_input import standard_input_spooled
from catscale.data.direction import Direction
from catscale.errors import CatscaleError, ConfigError, DataError
from catscale.vocabulary.training import SentencePieceSettings
from tests.data.toy_corpora import sentences, write, write_moses
from tests.forked import CATSCALE, start_program
from tests.unchecked import unchecked

VOCABULARY = SentencePieceSettings(size=100)
TABLE = ["en\tde", *(f"{a}\t{b}" for a, b in zip(sentences("en", 80), sentences("de", 80), strict=True))]


def piped(monkeypatch, content):
    stream = io.TextIOWrapper(io.BytesIO(content.encode()))
    monkeypatch.setattr(sys, "stdin", stream)


def config(store, **settings):
    given = {"format": "tsv", "path": "-", "directions": ["en-de"], "holdout": {"dev": 5, "test": 5}, "store": store}
    return DataConfig(**given | settings)


def test_the_store_is_that_of_the_same_file(tmp_path, monkeypatch):
    path = write(tmp_path / "c.tsv", TABLE)
    said: list[str] = []
    piped(monkeypatch, path.read_text())
    store = prepare(config(tmp_path / "s"), VOCABULARY, said.append)
    assert said[0].startswith(
        f"standard input: {path.stat().st_size:,} bytes, kept in {tmp_path / 's'}/.standard-input-"
    )
    assert store.statistics["en-de"]["train"]["read"] == 80
    assert prepare(config(tmp_path / "s", path=path), VOCABULARY).fingerprint == store.fingerprint
    assert not list((tmp_path / "s").glob(".standard-input-*"))


def test_through_the_command_line(tmp_path):
    (tmp_path / "c.yaml").write_text(
        "data: {format: jsonl, path: '-', directions: [en-de], holdout: {dev: 5, test: 5}, store: s}\n"
        "vocabulary: {size: 100}\n"
    )
    lines = [json.dumps({"en": a, "de": b}) for a, b in zip(sentences("en", 80), sentences("de", 80), strict=True)]
    write(tmp_path / "c.jsonl", lines)
    ended = start_program(PIPED + CATSCALE, "prepare", tmp_path / "c.yaml").finish()
    assert ended.status == 0, ended.err
    assert "standard input: " in ended.err
    assert (tmp_path / ended.out.strip() / "manifest.json").is_file()


PIPED = """
import os, sys
os.chdir(os.path.dirname(sys.argv[2]))
reader, writer = os.pipe()
with open(writer, "wb") as file:
    file.write(open("c.jsonl", "rb").read())  # less than a pipe holds
os.dup2(reader, 0)
sys.stdin = open(0)
"""


def test_one_part_of_a_mixture(tmp_path, monkeypatch):
    write_moses(tmp_path / "m", {"train": 50, "dev": 5})
    piped(monkeypatch, "de\ten\nneu\tnew\n")
    parts = [{"format": "moses", "path": tmp_path / "m"}, {"format": "tsv", "path": "-"}]
    asked = DataConfig(corpora=unchecked(parts), directions=["en-de"], store=tmp_path / "s")
    with standard_input_spooled(asked, print) as found:
        assert found.corpora[0].path == tmp_path / "m"
        spool = found.corpora[1].path
        assert spool.read_text() == "de\ten\nneu\tnew\n"
    assert not spool.exists()


def test_what_does_not_ask_for_it_is_left_alone(tmp_path, monkeypatch):
    piped(monkeypatch, "not read")
    asked = config(tmp_path / "s", path=tmp_path)
    with standard_input_spooled(asked, print) as found:
        assert found is asked
    assert sys.stdin.read() == "not read"
    assert not (tmp_path / "s").exists()


def test_a_fault_removes_the_file(tmp_path, monkeypatch):
    piped(monkeypatch, "en\tde\nalone\n")
    with pytest.raises(DataError, match=r"\.standard-input-\w+, line 2 has 1 columns"):
        prepare(config(tmp_path / "s"), VOCABULARY)
    assert not list((tmp_path / "s").glob(".standard-input-*"))


def test_nothing_is_piped_in(tmp_path, monkeypatch):
    piped(monkeypatch, "")
    with pytest.raises(DataError, match=r"standard input is empty: it is read once, .*pipe the corpus in again"):
        prepare(config(tmp_path / "s"), VOCABULARY)
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(DataError, match=r"nothing is piped in; use as in: cat corpus\.tsv"):
        prepare(config(tmp_path / "s"), VOCABULARY)
    terminal = io.TextIOWrapper(io.BytesIO(b"x"))
    monkeypatch.setattr(terminal.buffer, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    with pytest.raises(DataError, match="nothing is piped in"):
        prepare(config(tmp_path / "s"), VOCABULARY)
    assert not list((tmp_path / "s").glob(".standard-input-*"))


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    piped(monkeypatch, "x")
    (tmp_path / "file").touch()
    with pytest.raises(CatscaleError, match=r"cannot keep standard input .*choose another folder"):
        prepare(config(tmp_path / "file" / "s"), VOCABULARY)


def test_one_file_as_the_path(tmp_path):
    path = write(tmp_path / "odd {name}.tsv.gz", TABLE)
    store = prepare(config(tmp_path / "s", path=path, directions=None, sources="all", targets="all"), VOCABULARY)
    assert [str(d) for d in store.directions] == ["de-en", "en-de"]
    assert len(store.split("dev", Direction("en", "de"))) == 5
    with pytest.raises(DataError, match=r"is a file, so there is nothing for data\.pattern; name its folder"):
        prepare(config(tmp_path / "s", path=path, pattern="{split}.tsv"), VOCABULARY)
    with pytest.raises(DataError, match="is not a folder"):
        prepare(config(tmp_path / "s", path=path, format="moses"), VOCABULARY)
    with pytest.raises(DataError, match=r"no dev split for en-de under .*data\.holdout"):
        prepare(config(tmp_path / "s", path=path, holdout=None), VOCABULARY)


@pytest.mark.parametrize("settings", [{"format": "moses"}, {"format": "parquet"}, {"pattern": "{split}.x"}])
def test_formats_that_are_no_stream(settings):
    with pytest.raises(ConfigError, match="path: '-' reads standard input, which is for tsv, jsonl, tmx, xliff"):
        config(Path("s"), **settings)


def test_what_a_killed_process_left_is_removed_and_nobody_else_s(tmp_path, monkeypatch):
    script = f"""
import time
from catscale.data.corpora.standard_input import standard_input_spooled
from tests.data.corpora.test_standard_input import config
with standard_input_spooled(config({str(tmp_path)!r}), lambda line: print(line, flush=True)):
    time.sleep(600)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parents[3])])}
    command = [sys.executable, "-c", script]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    child.stdin.write(b"en\tde\na\tb\n")
    child.stdin.close()
    child.stdout.readline()
    theirs = list(tmp_path.glob(".standard-input-*"))
    assert len(theirs) == 1
    piped(monkeypatch, "en\tde\n")
    with standard_input_spooled(config(tmp_path), print):
        assert len(list(tmp_path.glob(".standard-input-*"))) == 2
    assert list(tmp_path.glob(".standard-input-*")) == theirs
    child.kill()
    assert child.wait() == -signal.SIGKILL
    assert theirs[0].exists()
    piped(monkeypatch, "en\tde\n")
    with standard_input_spooled(config(tmp_path), print):
        assert not theirs[0].exists()
    child.stdout.close()


def test_a_disk_that_is_full(tmp_path):
    script = f"""
import resource, sys
from catscale.data.corpora.standard_input import standard_input_spooled
from catscale.errors import CatscaleError
from tests.data.corpora.test_standard_input import config
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
try:
    with standard_input_spooled(config({str(tmp_path)!r}), print):
        pass
except CatscaleError as error:
    print("told:", error)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parents[3])])}
    for size in ("0", "100"):
        command = [sys.executable, "-c", script, size]
        done = subprocess.run(command, input="a\tb\n" * 100, capture_output=True, text=True, env=environment)
        assert done.stdout.startswith("told: cannot keep standard input "), done.stderr
        assert "File too large" in done.stdout
        assert list(tmp_path.iterdir()) == []


def test_a_file_that_another_process_is_clearing_away_is_not_used(tmp_path, monkeypatch):
    answers = iter([False, True])
    monkeypatch.setattr(module, "try_lock", lambda descriptor: next(answers))
    piped(monkeypatch, "en\tde\n")
    monkeypatch.setattr(module, "_clear", lambda folder: None)
    with standard_input_spooled(config(tmp_path), print):
        assert next(answers, None) is None
