"""What somebody else put in the place of a file or a folder of ours is neither written, locked, cut nor removed.

Every command, every name that it writes, and everything that may stand there. `theirs` holds somebody else's files, to
which the links lead; they must be the same afterwards, whatever the command says.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from catscale.cli.main import main
from tests.cli.toy import write_config, write_corpus
from tests.system.plants import KINDS, plant, snapshot

RUN_FILES = ("config.yaml", "environment.json", "metrics.jsonl")
RUN_FOLDERS = ("checkpoints", "best", "translations", "tensorboard")
REPORT = ("comparison.json", "comparison.csv", "report.html", "data.csv")
SPECIAL = tuple(kind for kind in KINDS if kind not in ("folder", "hard link"))
IN_PLACE = (".train.lock", ".evaluate.lock", ".lock", "metrics.jsonl", "T=5/seed-1.log")
"""What is not replaced but written to as it is, so that a second name of it matters."""


@dataclass(frozen=True)
class Made:
    """A toy world, made once: a run that has two of six steps to go, one that is done, a sweep, results."""

    root: Path
    config: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    root = tmp_path_factory.mktemp("planted")
    corpus = write_corpus(root / "corpus", "moses", {"xa": 120, "xb": 60}, dev=8, test=8)
    training = {"max_steps": 6, "validate_every": 2, "log_every": 1, "keep": 2}
    config = write_config(root / "toy.yaml", corpus, root / "store", training=training)
    short = ("--set", "training.max_steps=4")
    for arguments in (
        ("train", config, "--out", root / "begun", *short),
        ("train", config, "--out", root / "done", *short),
        ("evaluate", root / "done", "--split", "test"),
        ("evaluate", root / "done", "--split", "dev"),
        ("data", "stats", config, "--out", root / "stats"),
    ):
        assert main([str(argument) for argument in arguments]) == 0
    shutil.copytree(root / "done", root / "other")
    environment = root / "other" / "config.yaml"
    environment.write_text(environment.read_text().replace("seed: 1\n", "seed: 2\n"))
    assert (
        main(["compare", str(root / "done"), str(root / "other"), "--out", str(root / "out"), "--resamples", "20"]) == 0
    )
    return Made(root, config)


@dataclass(frozen=True)
class Attempt:
    """A command in a fresh copy of a folder of ours, in which something was planted."""

    folder: Path
    theirs: Path
    status: int
    err: str

    def must_refuse(self, name: str) -> None:
        assert self.status == 2, self.err
        assert "Traceback" not in self.err
        last = self.err.partition("catscale: ")[2]
        assert name in last, last


@pytest.fixture
def attempt(made, tmp_path, capsys) -> Callable[..., Attempt]:
    """Copies a folder, plants something in it, runs a command, and compares what is somebody else's."""

    def run(source: str, names: str | list[str], kind: str, *arguments: object) -> Attempt:
        folder, theirs = tmp_path / "ours", tmp_path / "theirs"
        for left in (folder, theirs):
            shutil.rmtree(left, ignore_errors=True)
        shutil.copytree(made.root / source, folder, symlinks=True)
        places = [folder / name for name in ([names] if isinstance(names, str) else names)]
        for place in places:
            if place.is_dir():
                shutil.rmtree(place)
            place.unlink(missing_ok=True)
            place.parent.mkdir(parents=True, exist_ok=True)
            plant(place, kind, theirs)
        before, inodes = snapshot(theirs), [os.lstat(place).st_ino for place in places]
        capsys.readouterr()
        status = main([str(argument).replace("FOLDER", str(folder)) for argument in arguments])
        err = capsys.readouterr().err
        assert snapshot(theirs) == before, err
        if status == 2:
            assert [os.lstat(place).st_ino for place in places] == inodes, err
        assert status in (0, 2), err
        return Attempt(folder, theirs, status, err)

    return run


def matters(name: str, kind: str) -> bool:
    """Whether a thing in a place is in the way: a second name of a file that is replaced as a whole is not."""
    return kind != "hard link" or name in IN_PLACE


@pytest.mark.parametrize("name", [*RUN_FILES[2:], ".train.lock"])
@pytest.mark.parametrize("kind", KINDS)
def test_train_a_file(attempt, made, name, kind):
    attempt("begun", name, kind, "train", made.config, "--out", "FOLDER").must_refuse(name)


@pytest.mark.parametrize("name", [*RUN_FILES[:2], ".catscale"])
@pytest.mark.parametrize("kind", SPECIAL)
def test_train_a_file_that_is_read_too(attempt, made, name, kind):
    """What is read first may be refused for what it says."""
    done = attempt("begun", name, kind, "train", made.config, "--out", "FOLDER")
    assert done.status == 2 or name == ".catscale"  # a folder of version 0.1 has no marker


@pytest.mark.parametrize("name", RUN_FOLDERS)
@pytest.mark.parametrize("kind", SPECIAL)
def test_train_a_folder(attempt, made, name, kind):
    attempt("begun", name, kind, "train", made.config, "--out", "FOLDER").must_refuse(name)


@pytest.mark.parametrize("kind", ["link to a folder", "dangling link"])
def test_train_a_new_checkpoint(attempt, made, kind):
    attempt("begun", "checkpoints/step-6", kind, "train", made.config, "--out", "FOLDER").must_refuse("step-6")


@pytest.mark.parametrize("name", ["best/model.safetensors", "best/step.json", "checkpoints/step-2/state.json"])
@pytest.mark.parametrize("kind", ["link", "dangling link", "hard link"])
def test_train_what_is_replaced_or_removed_with_its_folder(attempt, made, name, kind):
    done = attempt("begun", name, kind, "train", made.config, "--out", "FOLDER")
    assert done.status == 0, done.err
    assert not os.path.islink(done.folder / name)


TEMPORARY = [
    f".{name}.{ending}"
    for name in ("metrics.jsonl", "config.yaml", "environment.json", "best", "scores.json", "analysis.json")
    for ending in ("tmp", "old")
]


@pytest.mark.parametrize("kind", ["link", "link to a folder", "folder"])
@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_names_that_can_be_foreseen_are_not_used(attempt, made, command, kind):
    names = [*TEMPORARY, ".best.frozen", "checkpoints/.step-6.tmp", "translations/.test.en-xa.hyp.tmp"]
    arguments = ("train", made.config, "--out", "FOLDER") if command == "train" else ("evaluate", "FOLDER")
    done = attempt("begun" if command == "train" else "done", names, kind, *arguments)
    assert done.status == 0, done.err
    assert all(os.path.lexists(done.folder / name) for name in names)


@pytest.mark.parametrize("name", ["scores.json", ".evaluate.lock", *RUN_FOLDERS[2:3]])
@pytest.mark.parametrize("kind", KINDS)
def test_evaluate(attempt, name, kind):
    done = attempt("done", name, kind, "evaluate", "FOLDER")
    if matters(name, kind) and (name, kind) != ("translations", "folder"):
        done.must_refuse(name)
    elif name != "translations":
        assert done.status == 0


@pytest.mark.parametrize("suffix", ["hyp", "ref", "src", "nll"])
@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe", "hard link", "link to a folder"])
def test_evaluate_translations(attempt, suffix, kind):
    name = f"translations/test.en-xb.{suffix}"
    done = attempt("done", name, kind, "evaluate", "FOLDER")
    if kind == "hard link":
        assert done.status == 0, done.err
    else:
        done.must_refuse(name)


@pytest.mark.parametrize("kind", SPECIAL)
def test_analyze(attempt, kind, monkeypatch):
    name = "analysis.json"
    attempt("done", name, kind, "analyze", "FOLDER", "--set", "analysis.tokens=50").must_refuse(name)


@pytest.mark.parametrize("name", ["ctranslate2", "ctranslate2/float32", "ctranslate2/float32/source.json"])
@pytest.mark.parametrize("kind", SPECIAL)
def test_translate_does_without_what_it_cannot_keep(attempt, made, tmp_path, name, kind):
    (tmp_path / "in").write_text("red ant\n")
    arguments = ("--to", "xa", "--input", tmp_path / "in", "--output", tmp_path / "out")
    assert attempt("done", name, kind, "translate", "FOLDER", *arguments).status == 0
    assert (tmp_path / "out").read_bytes().count(b"\n") == 1


@pytest.mark.parametrize("name", [*REPORT, "figures"])
@pytest.mark.parametrize("kind", KINDS)
def test_compare(attempt, made, name, kind):
    runs = made.root / "done", made.root / "other"
    done = attempt("out", name, kind, "compare", *runs, "--out", "FOLDER", "--resamples", 20)
    if kind != "hard link" and (name, kind) != ("figures", "folder"):
        done.must_refuse(name)


@pytest.mark.parametrize("name", ["stats.json", "stats.html", "figures"])
@pytest.mark.parametrize("kind", KINDS)
def test_data_stats(attempt, made, name, kind):
    done = attempt("stats", name, kind, "data", "stats", made.config, "--out", "FOLDER")
    if kind != "hard link" and (name, kind) != ("figures", "folder"):
        done.must_refuse(name)


@pytest.mark.parametrize("name", ["T=5", "T=5/seed-1", "T=5/seed-1.yaml", "T=5/seed-1.log", "report.html", "figures"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "folder"])
def test_sweep(attempt, made, name, kind, monkeypatch):
    """A marked folder, in which nothing is done yet; no job is started, for the commands would take seconds."""

    (made.root / "sweep").mkdir(exist_ok=True)
    (made.root / "sweep" / ".catscale").write_text('{"kind": "sweep"}')
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("started"))
    if not matters(name, kind):
        return
    attempt("sweep", name, kind, "sweep", made.config, "--methods", "T=5", "--out", "FOLDER").must_refuse(name)


def store_names(made: Made) -> tuple[str, str]:
    """The names of the store and of its unfinished preparation."""
    [store] = [path.name for path in (made.root / "store").iterdir() if path.is_dir()]
    return store, f".{store}.work"


IN_WORK = ("", "/done", "/held", "/text", "/tokens", "/store")


@pytest.mark.parametrize("name", [".lock", ".hashes.json", *(f"WORK{name}" for name in IN_WORK)])
@pytest.mark.parametrize("kind", KINDS)
def test_prepare(attempt, made, name, kind):
    work = store_names(made)[1]
    (made.root / "worked" / work).mkdir(parents=True, exist_ok=True)
    (made.root / "worked" / work / ".catscale").write_text('{"kind": "preparation"}')
    done = attempt("worked", name.replace("WORK", work), kind, *prepare_into("FOLDER", made))
    if name == ".hashes.json":  # which costs only time
        assert done.status == 0
    elif matters(name, kind) and not (name.startswith("WORK") and kind == "folder"):
        done.must_refuse(name.removeprefix("WORK"))


def prepare_into(folder: object, made: Made) -> list[object]:
    return ["prepare", made.config, "--set", f"data.store={folder}"]


def test_a_store_in_a_user_s_folder_leaves_what_is_the_user_s(made, tmp_path, capsys):
    store, work = store_names(made)
    folders = [".x.trash", f".{store}.trash", ".x.work", ".x.tmp", ".x.old", "tmp-x", f".{store}.tmp"]
    for name in folders:
        (tmp_path / "mine" / name).mkdir(parents=True)
        (tmp_path / "mine" / name / "file").write_text("mine")
    for name in (".standard-input-notes", ".hashes.json", "corpus.txt"):
        (tmp_path / "mine" / name).write_text("mine")
    before = snapshot(tmp_path / "mine")
    arguments = list(map(str, prepare_into(tmp_path / "mine", made)))
    assert main(arguments) == 0
    assert snapshot(tmp_path / "mine").items() >= before.items()
    shutil.rmtree(tmp_path / "mine" / store)
    (tmp_path / "mine" / work).mkdir()
    (tmp_path / "mine" / work / "file").write_text("mine")
    assert main(arguments) == 2
    assert f"{work} exists and is not a preparation's folder" in capsys.readouterr().err
    assert snapshot(tmp_path / "mine").items() >= (before | {f"{work}/file": b"mine"}).items()


@pytest.mark.parametrize("name", ["report.html", "data.csv", "figures/mine.png", "comparison.json", "notes.txt"])
@pytest.mark.parametrize("command", ["train", "compare", "sweep", "demo", "data stats"])
def test_a_user_s_folder_is_refused(made, tmp_path, capsys, command, name):
    mine = tmp_path / "mine"
    (mine / name).parent.mkdir(parents=True)
    (mine / name).write_text("mine")
    given = {
        "train": [made.config],
        "compare": [made.root / "done", made.root / "other"],
        "sweep": [made.config, "--methods", "T=5"],
        "demo": [],
        "data stats": [made.config],
    }[command]
    status = main([*command.split(), *map(str, given), "--out", str(mine)])
    err = capsys.readouterr().err
    assert status == 2
    assert f"{mine} exists and is not a " in err
    assert snapshot(mine) == {name: b"mine"}


@pytest.mark.parametrize("name", ["config.yaml", "corpus/train.en"])
def test_a_user_s_files_with_names_of_ours_do_not_make_a_folder_ours(made, tmp_path, capsys, name):
    mine = tmp_path / "mine"
    (mine / name).parent.mkdir(parents=True)
    shutil.copy(made.config, mine / name)
    before = snapshot(mine)
    for arguments in (["train", str(mine / name)], ["demo"], ["sweep", str(made.config), "--methods", "T=5"]):
        assert main([*arguments, "--out", str(mine)]) == 2
        assert snapshot(mine) == before
    assert "exists and is not a" in capsys.readouterr().err


def test_modes_follow_the_umask(made, tmp_path):
    """Libraries make private files, which is no choice of the user's."""
    before = os.umask(0o026)
    try:
        assert main(["train", str(made.config), "--out", str(tmp_path / "run"), "--set", "training.max_steps=2"]) == 0
        assert main(["evaluate", str(tmp_path / "run")]) == 0
        assert main(list(map(str, prepare_into(tmp_path / "store", made)))) == 0
    finally:
        os.umask(before)
    paths = [path for name in ("run", "store") for path in (tmp_path / name).rglob("*")]
    found = {(path.is_dir(), oct(path.stat().st_mode & 0o777)) for path in paths}
    assert found == {(True, "0o751"), (False, "0o640")}
