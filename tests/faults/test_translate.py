"""`catscale translate` gives one line for one line, whatever the lines hold."""

import shutil
import time
from pathlib import Path

import pytest
from hypothesis import strategies as st

from catscale.cli.main import main
from catscale.evaluation.translate import LONGEST
from catscale.vocabulary.table import load_vocabulary
from tests.faults.fuzzing import SECONDS, explore
from tests.unchecked import unchecked

HOSTILE = Path(__file__).parents[1] / "hostile"


def count(content: bytes) -> int:
    """Lines as `translate` sees them: cut at line feeds."""
    return content.count(b"\n") + (not content.endswith(b"\n") and bool(content))


def translate(run: Path, source: Path, output: Path) -> list[str]:
    command = ["translate", str(run), "--to", "xa", "--input", str(source), "--output", str(output)]
    assert main(command) == 0
    text = output.read_bytes().decode("utf-8")
    assert text == "" or text.endswith("\n")
    assert len(text.splitlines()) == text.count("\n")  # no other line break either
    return text.splitlines()


@pytest.mark.parametrize("path", sorted((HOSTILE / "lines").iterdir()), ids=lambda path: path.stem)
def test_hostile_lines(trained, tmp_path, path):
    assert len(translate(trained, path, tmp_path / "out.txt")) == count(path.read_bytes())


@pytest.mark.parametrize("path", sorted((HOSTILE / "not_utf8").iterdir()), ids=lambda path: path.stem)
def test_what_is_not_utf8_is_refused_with_its_line(trained, tmp_path, path, capsys):
    line = path.stem.rpartition("-")[2]
    assert main(["translate", str(trained), "--to", "xa", "--input", str(path), "--output", str(tmp_path / "o")]) == 2
    said = capsys.readouterr().err
    assert f"{path}, line {line}: not valid UTF-8" in said
    assert "Traceback" not in said
    assert not (tmp_path / "o").exists()


def test_a_byte_order_mark_is_no_text(trained, tmp_path):
    for name, mark in (("with.txt", b"\xef\xbb\xbf"), ("without.txt", b"")):
        (tmp_path / name).write_bytes(mark + b"red cat\nbig dog\n")
    found = [translate(trained, tmp_path / name, tmp_path / "out.txt") for name in ("with.txt", "without.txt")]
    assert found[0] == found[1]


@pytest.mark.parametrize("filler", ["red cat ", "a", " ", "漢", "\0", "́", "_", "‮"], ids=ascii)
def test_a_line_of_ten_megabytes_takes_no_longer_than_what_is_looked_at(trained, tmp_path, filler):
    """The least of three times each, by turns: a collection of all that earlier tests left takes longer than either."""
    seconds: dict[int, list[float]] = {LONGEST: [], 10_000_000 // len(filler.encode()): []}
    for _ in range(3):
        for characters, spent in seconds.items():
            (tmp_path / "long.txt").write_text("red\n" + filler * (characters // len(filler)) + "\ncat\n")
            started = time.process_time()
            assert len(translate(trained, tmp_path / "long.txt", tmp_path / "out.txt")) == 3
            spent.append(time.process_time() - started)
    looked_at, whole = map(min, seconds.values())
    assert whole < 4 * looked_at


def test_what_is_beyond_the_cut_changes_nothing(trained, tmp_path):
    (tmp_path / "cut.txt").write_text("red cat " * (LONGEST // 8))
    (tmp_path / "long.txt").write_text("red cat " * (LONGEST // 8) + "big dog " * 50_000)
    found = [translate(trained, tmp_path / name, tmp_path / "out.txt") for name in ("cut.txt", "long.txt")]
    assert found[0] == found[1]


def test_files_with_difficult_names(trained, tmp_path):
    for name in ("two words.txt", "it's.txt", 'a "quote".txt', "-x.txt", "ünï ćødé.txt", "new\nline.txt", "$(id).txt"):
        shutil.copyfile(HOSTILE / "lines" / "crlf.txt", tmp_path / name)
        assert len(translate(trained, tmp_path / name, tmp_path / f"out {name}")) == 4


def test_tags_and_control_tokens_in_the_text_are_text(trained):
    vocabulary = load_vocabulary(trained / "best")
    controls = {vocabulary.bos_id, vocabulary.pad_id, vocabulary.eos_id, unchecked(vocabulary).pieces}
    controls |= {vocabulary.tag(language) for language in vocabulary.languages}
    for line in (HOSTILE / "lines" / "tags.txt").read_text().splitlines():
        (ids,) = vocabulary.encode([line])
        assert ids
        assert not set(ids) & controls


def fuzz(trained: Path, tmp_path: Path, seconds: float | None) -> int:
    """Any text whatever, in lines; returns how many files were tried."""
    from catscale.evaluation.config import EvaluationConfig
    from catscale.evaluation.decoding.loading import load_decoder
    from catscale.evaluation.translate import translate_lines
    from catscale.run.folder.readback import run_directions

    vocabulary = load_vocabulary(trained / "best")
    decoder = load_decoder(trained / "best", vocabulary, EvaluationConfig(beam=1, max_length=8), threads=1)
    direction = run_directions(trained)[0]

    def check(lines: list[str]) -> None:
        found = list(translate_lines(lines, decoder, vocabulary, direction))
        assert len(found) == len(lines)
        assert all(len(line.splitlines()) <= 1 for line in found)
        "".join(found).encode()

    texts = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=6)
    return explore(check, texts, seconds)


def test_any_text(trained, tmp_path):
    assert fuzz(trained, tmp_path, None) >= 20


@pytest.mark.faults
@pytest.mark.timeout(3600)
def test_any_text_for_long(trained, tmp_path, record):
    record(f"translate, any text for {SECONDS:.0f} s", fuzz(trained, tmp_path, SECONDS), "one line for one line")
