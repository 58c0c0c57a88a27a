"""`translate` and `evaluate` through the command line: what they cost, their options, and what they say."""

import importlib.util
import json
import os
import pty
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from catscale.cli.main import main
from catscale.data.direction import Direction
from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.decoding.loading import load_decoder
from catscale.evaluation.translate import translate_lines
from catscale.run.folder import converted
from catscale.system.writing.locks import try_lock
from catscale.system.writing.manifest import write_manifest
from catscale.vocabulary.table import load_vocabulary
from tests.cli.conftest import Cli
from tests.cli.toy import sentences, write_config, write_corpus, write_lines

needs_ctranslate2 = pytest.mark.skipif(
    importlib.util.find_spec("ctranslate2") is None, reason="CTranslate2 is not installed"
)
LIMIT_MB = 250
PROGRAM = """
import json, re, resource, sys
from catscale.cli.main import main
status = main(sys.argv[1:])
usage = resource.getrusage(resource.RUSAGE_SELF)
heavy = sorted({"torch", "transformers", "pandas", "scipy", "sacrebleu"} & set(sys.modules))
try:  # the peak of this program alone; that of getrusage is the parent's before `exec`, where that was higher
    peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
except OSError:
    peak = usage.ru_maxrss
print(json.dumps([status, heavy, peak / 1024, usage.ru_utime + usage.ru_stime]), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    """A run of two directions, of which en-xb has no test split."""
    root = tmp_path_factory.mktemp("decoding")
    corpus = write_corpus(root / "corpus", "moses", {"xa": 400, "xb": 100})
    for path in (corpus / "en-xb").glob("test.*"):
        path.unlink()
    config = write_config(root / "toy.yaml", corpus, root / "store", evaluation={"max_length": 12})
    assert main(["train", str(config), "--out", str(root / "run"), "--set", "training.max_steps=16"]) == 0
    return root / "run"


@pytest.fixture
def run(original, tmp_path) -> Path:
    """A copy of the run, never evaluated."""
    return Path(shutil.copytree(original, tmp_path / "run"))


@pytest.fixture
def lines(tmp_path) -> Path:
    write_lines(tmp_path / "in.txt", [*sentences(9, seed=4), ""])
    return tmp_path / "in.txt"


def reference(run: Path, lines: Path, **settings: Any) -> list[str]:
    """What a decoder gives that converts the model itself, as 0.1 did each time."""
    vocabulary = load_vocabulary(run / "best")
    decoder = load_decoder(run / "best", vocabulary, EvaluationConfig(max_length=12, **settings), threads=1)
    return list(translate_lines(lines.read_text().split("\n")[:-1], decoder, vocabulary, Direction("en", "xa")))


@needs_ctranslate2
def test_one_line_needs_no_pytorch_and_little_memory(run, lines, cli):
    assert cli("translate", run, "--to", "xa", "--input", lines).status == 0  # converts
    command = [sys.executable, "-c", PROGRAM, "translate", str(run), "--to", "xa", "--input", str(lines)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    status, heavy, megabytes, _ = json.loads(done.stderr.splitlines()[-1])
    assert (status, heavy) == (0, [])
    assert megabytes < LIMIT_MB
    assert done.stdout.split("\n")[:-1] == reference(run, lines)


@needs_ctranslate2
def test_the_conversion_is_kept_and_made_again_where_it_does_not_fit(run, lines, cli, monkeypatch):
    kept, command = run / "ctranslate2" / "float32", ("translate", run, "--to", "xa", "--input", lines)
    first = cli(*command)
    assert f"converting the model for CTranslate2; kept in {kept}" in first.err
    assert first.out.split("\n")[:-1] == reference(run, lines)
    again = cli(*command)
    assert "converting" not in again.err
    assert again.out == first.out
    whole = (kept / "model.bin").read_bytes()
    for damage in (whole[:-1], whole[:1000] + b"\xff" + whole[1001:], b""):
        (kept / "model.bin").write_bytes(damage)
        mended = cli(*command)
        assert mended.out == first.out
        assert "is damaged (model.bin does not match its checksum); it is made again" in mended.err
        assert (kept / "model.bin").read_bytes() == whole
    for name in ("source.json", "manifest.json", "shared_vocabulary.json"):
        (kept / name).write_text("[")
        assert cli(*command).out == first.out
    monkeypatch.setattr(converted, "version", lambda package: "99.0")
    assert "converting the model" in cli(*command).err
    monkeypatch.undo()
    assert "converting the model" in cli(*command).err
    assert cli(*command, "--set", "evaluation.precision=int8").status == 0
    assert sorted(path.name for path in kept.parent.iterdir()) == ["float32", "int8"]
    assert "converting" not in cli(*command).err  # each precision has its own


@needs_ctranslate2
def test_what_the_library_refuses_is_a_sentence(run, lines, cli):
    assert cli("translate", run, "--to", "xa", "--input", lines).status == 0  # converts
    command = [sys.executable, "-m", "catscale", "translate", str(run), "--to", "xa", "--input", str(lines)]
    variables = os.environ | {"CT2_FORCE_CPU_ISA": "NOPE"}
    done = subprocess.run(command, capture_output=True, text=True, env=variables, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "catscale: CTranslate2 cannot decode here (Invalid CPU ISA: NOPE); unset the environment" in done.stderr
    assert "Traceback" not in done.stderr


@needs_ctranslate2
def test_another_model_is_converted_again(original, run, lines, cli, tmp_path):
    before = cli("translate", run, "--to", "xa", "--input", lines)
    config = tmp_path / "config.yaml"
    config.write_text((original / "config.yaml").read_text())
    assert cli("train", config, "--out", run, "--set", "training.max_steps=40").status == 0
    after = cli("translate", run, "--to", "xa", "--input", lines)
    assert "converting the model" in after.err
    assert after.out.split("\n")[:-1] == reference(run, lines)
    assert after.out != before.out


@needs_ctranslate2
def test_where_nothing_can_be_kept_it_works_all_the_same(run, lines, cli):
    (run / "ctranslate2").write_text("in the way")
    found = cli("translate", run, "--to", "xa", "--input", lines)
    assert (found.status, "note: the converted model is not kept" in found.err) == (0, True)
    assert found.out.split("\n")[:-1] == reference(run, lines)
    assert (run / "ctranslate2").read_text() == "in the way"


@needs_ctranslate2
def test_a_conversion_that_is_being_made_is_not_waited_for(run, lines, cli):
    (run / "ctranslate2").mkdir()
    descriptor = os.open(run / "ctranslate2", os.O_RDONLY)
    assert try_lock(descriptor)
    found = cli("translate", run, "--to", "xa", "--input", lines)
    os.close(descriptor)
    assert found.status == 0
    assert found.out.split("\n")[:-1] == reference(run, lines)
    assert "note: the converted model is not kept: another process converts the model" in found.err
    assert list((run / "ctranslate2").iterdir()) == []


@needs_ctranslate2
def test_what_a_kill_left_is_cleared(run, lines, cli):
    assert cli("translate", run, "--to", "xa", "--input", lines).status == 0
    for kind in ("tmp", "old"):
        (run / "ctranslate2" / f".float32.{kind}-0123abcd").mkdir()
    assert cli("translate", run, "--to", "xa", "--input", lines).status == 0
    assert [path.name for path in (run / "ctranslate2").iterdir()] == ["float32"]


@needs_ctranslate2
def test_a_link_out_of_the_run_is_not_followed(run, lines, cli, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (run / "ctranslate2").symlink_to(tmp_path / "elsewhere")
    assert cli("translate", run, "--to", "xa", "--input", lines).status == 0
    assert list((tmp_path / "elsewhere").iterdir()) == []


@needs_ctranslate2
@pytest.mark.parametrize("how", ["copied", "written in its place", "another user's", "one more file"])
def test_a_converted_model_that_came_from_elsewhere_is_not_used(run, lines, cli, tmp_path, how):
    """Its maker chose the weights and wrote the checksums to them; what counts is `best`."""
    command = ("translate", run, "--to", "xa", "--input", lines)
    expected = cli(*command).out
    kept, theirs = run / "ctranslate2" / "float32", run / "ctranslate2" / "copy"
    weights = bytearray((kept / "model.bin").read_bytes())
    weights[-20_000:] = bytes(20_000)
    if how == "another user's":
        if os.geteuid() != 0:
            pytest.skip("needs root")
        os.chown(kept / "model.bin", 12345, -1)
        source = json.loads((kept / "source.json").read_text())
        status = (kept / "model.bin").stat()
        source["made_here"]["model.bin"] = [status.st_ino, status.st_ctime_ns]
        (kept / "source.json").write_text(json.dumps(source))
    elif how == "one more file":
        (kept / "vmap.txt").write_text("0")
    else:
        if how == "copied":
            kept.rename(theirs)
            shutil.copytree(theirs, kept)
        (kept / "model.bin").write_bytes(weights)
        (kept / "manifest.json").unlink()
        write_manifest(kept)
    again = cli(*command)
    assert "converting the model" in again.err
    assert again.out == expected
    assert "converting" not in cli(*command).err


@pytest.mark.parametrize("backend", ["huggingface", pytest.param("ctranslate2", marks=needs_ctranslate2)])
def test_options_of_decoding(run, lines, cli, backend):
    command = ("translate", run, "--to", "xa", "--input", lines, "--set", f"evaluation.backend={backend}")
    plain = cli(*command, "--beam", 3).out.split("\n")[:-1]
    assert plain == reference(run, lines, beam=3, backend=backend)
    greedy = cli(*command, "--beam", 1, "--batch", 1, "--length-penalty", 0).out.split("\n")[:-1]
    assert greedy == reference(run, lines, beam=1, length_penalty=0, backend=backend)
    scored = [line.split("\t") for line in cli(*command, "--beam", 3, "--scores").out.split("\n")[:-1]]
    assert [text for _, text in scored] == plain
    assert all(float(score) < 0 for score, _ in scored[:-1])
    assert scored[-1] == ["0.0000", ""]
    rows = [line.split("\t") for line in cli(*command, "--beam", 3, "--n-best", 3, "--scores").out.split("\n")[:-1]]
    numbers = [int(number) for number, _, _ in rows]
    assert numbers == [number for number in range(1, 10) for _ in range(3)] + [10]
    assert [text for number, _, text in rows[:-1:3]] == plain[:-1]
    assert rows[0][1] == scored[0][0]
    without = cli(*command, "--beam", 3, "--n-best", 3).out.split("\n")[:-1]
    assert without == [f"{number}\t{text}" for number, _, text in rows]
    assert cli(*command, "--beam", 3, "--n-best", 1).out.split("\n")[0] == f"1\t{plain[0]}"


@pytest.mark.parametrize("command", ["translate", "evaluate"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--beam", "100000"], "evaluation.beam: input should be less than or equal to 1000, found 100000"),
        (["--beam", "1000"], "evaluation.beam must be at most"),
        (["--n-best", "6"], "--n-best must be from 1 to the beam, which is 5, found 6"),
        (["--beam", "2", "--n-best", "3"], "--n-best must be from 1 to the beam, which is 2, found 3"),
        (["--batch", "1000000"], "evaluation.batch_sentences: input should be less than or equal to 100000"),
        (["--length-penalty", "11"], "evaluation.length_penalty: input should be less than or equal to 10, found 11"),
        (
            ["--set", "training.seed=2"],
            "takes settings of evaluation, as in evaluation.max_length=100; found 'training",
        ),
        (["--set", "evaluation.beem=2"], "evaluation.beem: unknown key; did you mean beam?"),
        (["--set", "evaluation.beam=2.5"], "evaluation.beam: input should be a valid integer"),
        (["--set", "evaluation.backend=huggingface", "--set", "evaluation.precision=int8"], "needs the backend ctran"),
    ],
)
def test_values_that_cannot_be(original, lines, cli, command, options, message):
    more = ["--to", "xa", "--input", lines] if command == "translate" else ["--directions", "en-xa"]
    done = cli(command, original, *more, *options)
    assert done.status == 2
    assert message in done.message


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "x", "", "9" * 30, "٣"])
@pytest.mark.parametrize("option", ["--beam", "--n-best", "--batch"])
def test_numbers_that_are_none(original, option, value, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["translate", str(original), "--to", "xa", option, value])
    assert f"argument {option}: " in capsys.readouterr().err


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "one", "1e999"])
def test_length_penalties_that_are_none(original, value, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["translate", str(original), "--to", "xa", f"--length-penalty={value}"])
    assert "argument --length-penalty: must be a number of at least 0, found" in capsys.readouterr().err


def test_what_evaluate_says_and_records(run, cli):
    done = cli("evaluate", run)
    assert done.status == 0
    assert "warning: en-xb: there is no test split, so that nothing is scored" in done.err
    assert "scoring the model of step 16 on test: 1 directions, 40 sentences" in done.err
    scores = json.loads((run / "scores.json").read_text())
    assert scores["evaluation"]["not_scored"] == ["en-xb"]
    assert set(scores["en-xa"]["output"]) >= {"lines", "loops", "alike", "empty", "copies", "cut"}
    assert scores["en-xa"]["output"]["alike"] > 2  # 16 steps give the same few words to everything
    assert "lines are the same sentence" in done.err
    assert scores["evaluation"]["degenerate"]["en-xa"]
    again = cli("evaluate", run)
    assert "is replaced" not in again.err
    other = cli("evaluate", run, "--beam", 2, "--n-best", 2, "--scores")
    assert f"note: {run / 'scores.json'} is replaced; it was made with beam 5, now 2" in other.err
    assert json.loads((run / "scores.json").read_text())["evaluation"]["settings"]["beam"] == 2
    hypotheses = (run / "translations" / "test.en-xa.hyp").read_text().split("\n")[:-1]
    best = [line.split("\t") for line in (run / "translations" / "test.en-xa.nbest").read_text().split("\n")[:-1]]
    values = (run / "translations" / "test.en-xa.scores").read_text().split("\n")[:-1]
    assert len(best) == 80
    assert [row[2] for row in best[::2]] == hypotheses
    assert [row[1] for row in best[::2]] == values
    assert cli("evaluate", run).status == 0  # files of another evaluation do not stay
    assert not list((run / "translations").glob("*.nbest")) + list((run / "translations").glob("*.scores"))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("en-xb", "en-xb has no test split; choose other directions with --directions"),
        ("en-xa,en-xb", "en-xb has no test split"),
        ("en-xq", "--directions must name directions of the run, found en-xq; it has en-xa, en-xb"),
        (",", "--directions must name directions of the run, found none"),
    ],
)
def test_a_direction_that_is_asked_for_and_cannot_be_scored(run, cli, asked, message):
    done = cli("evaluate", run, "--directions", asked)
    assert done.status == 2
    assert message in done.message
    assert not (run / "scores.json").exists()


def test_fewer_directions_than_before_are_said_to_be_fewer(run, cli):
    assert cli("evaluate", run, "--split", "dev").status == 0
    groups = json.loads((run / "scores.dev.json").read_text())["evaluation"]["resource_groups"]
    done = cli("evaluate", run, "--split", "dev", "--directions", "en-xa")
    assert "scores of en-xb, now without" in done.err
    scores = json.loads((run / "scores.dev.json").read_text())
    assert set(scores) == {"en-xa", "averages", "evaluation"}
    assert groups == {"en-xa": "high", "en-xb": "low"}
    assert scores["evaluation"]["resource_groups"] == {"en-xa": "high"}


def test_translate_notes_what_is_no_translation(run, cli, tmp_path):
    write_lines(tmp_path / "many.txt", sentences(60, seed=4))
    done = cli("translate", run, "--to", "xa", "--input", tmp_path / "many.txt")
    assert done.out.count("\n") == 60
    most = max(done.out.split("\n")[:-1].count(line) for line in set(done.out.split("\n")))
    assert f"note: {most} of 60 lines are the same sentence" in done.err


def convert(cli: Cli, run: Path, lines: Path) -> list[str]:
    """Translations of lines; the program that comes next finds the model converted, and imports no PyTorch."""
    assert cli("translate", run, "--to", "xa", "--input", lines).status == 0
    return reference(run, lines)


def read_until(descriptor: int, text: bytes, seconds: float = 60) -> bytes:
    found, until = b"", time.monotonic() + seconds
    while text not in found and time.monotonic() < until:
        found += os.read(descriptor, 1000)
    return found


@needs_ctranslate2
def test_a_terminal_gets_a_translation_after_each_line(run, lines, cli):
    expected = convert(cli, run, lines)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "catscale", "translate", str(run), "--to", "xa"]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE)
    os.close(theirs)
    assert process.stderr is not None
    assert process.stderr.readline() == b"type one sentence per line; Ctrl-D ends\n"
    for line, translation in zip(lines.read_text().split("\n")[:3], expected, strict=False):
        os.write(ours, f"{line}\n".encode())
        assert f"{translation}\r\n".encode() in read_until(ours, f"{line}\r\n{translation}\r\n".encode())
    os.write(ours, b"\x04")
    process.communicate(timeout=60)
    assert process.returncode == 0
    os.close(ours)


@needs_ctranslate2
@pytest.mark.parametrize("output", [[], ["--output", "/dev/stdout"]])
def test_a_pipe_that_pauses_gets_a_translation_after_each_line(run, lines, cli, output):
    expected = convert(cli, run, lines)
    command = [sys.executable, "-m", "catscale", "translate", str(run), "--to", "xa", *output]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdin is not None
    assert process.stdout is not None
    for line, translation in zip(lines.read_text().split("\n")[:2], expected, strict=False):
        process.stdin.write(f"{line}\n".encode())
        process.stdin.flush()
        assert process.stdout.readline() == f"{translation}\n".encode()
    process.stdin.write(b"red cat")  # without a line feed
    process.stdin.close()
    assert process.stdout.read().count(b"\n") == 1
    assert process.wait(60) == 0


def test_an_ensemble(original, run, lines, cli, tmp_path):
    command = ("translate", run, "--to", "xa", "--input", lines, "--set", "evaluation.backend=huggingface", "--beam", 2)
    config = tmp_path / "config.yaml"
    config.write_text((original / "config.yaml").read_text())
    other = tmp_path / "other"
    assert cli("train", config, "--out", other, "--set", "training.seed=2").status == 0
    alone = cli(*command, "--scores")
    assert cli(*command, "--scores", "--ensemble", run, run).out == alone.out
    together = cli(*command, "--scores", "--ensemble", other)
    assert together.status == 0
    assert together.out != alone.out
    smaller = tmp_path / "smaller"
    assert cli("train", config, "--out", smaller, "--set", "vocabulary.size=100").status == 0
    done = cli(*command, "--ensemble", other, smaller)
    assert done.status == 2
    assert f"an ensemble needs one vocabulary, and {smaller} has another than {run}" in done.message
    environment = json.loads((other / "environment.json").read_text())
    (other / "environment.json").write_text(json.dumps(environment | {"train_pairs": {"en-xb": 100}}))
    assert f"{other} does not translate en-xa; it has en-xb" in cli(*command, "--ensemble", other).message
    assert "is not a run's folder" in cli(*command, "--ensemble", tmp_path / "none").message
