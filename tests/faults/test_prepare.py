"""Preparation that is killed, out of space, or done twice at once, and stores that rot."""

import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

import pytest
import yaml

from catscale.data import DataConfig, Store, prepare
from catscale.data.config import HoldoutConfig
from catscale.data.corpora.corpus import Corpus
from catscale.data.preparation.fingerprint import HashCache, fingerprint
from catscale.errors import CatscaleError, DataError, UnreadableError
from catscale.vocabulary.training import SentencePieceSettings
from tests.data.toy_corpora import write_moses
from tests.faults.conftest import EVERY, SEED, TRIES
from tests.forked import CATSCALE, start_program

VOCABULARY = SentencePieceSettings(size=150)


def config(path, store):
    settings = {"format": "moses", "path": path, "directions": ["en-de", "az-en"], "store": store}
    return DataConfig(**settings, holdout=HoldoutConfig(dev=0, test=3))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_moses(tmp_path_factory.mktemp("corpus"), {"train": 200, "dev": 9}, ("en", "de", "az"))


@pytest.fixture(scope="module")
def expected(corpus, tmp_path_factory):
    return content(prepare(config(corpus, tmp_path_factory.mktemp("store")), VOCABULARY, jobs=1).folder)


def content(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def in_child(action):
    """Run something in a copy of this process, which may die of it; returns how it ended, and its message."""
    output, told = os.pipe()
    child = os.fork()
    if not child:
        try:
            action()
            os._exit(0)
        except CatscaleError as error:
            os.write(told, str(error).encode())
            os._exit(error.exit_status)
        finally:
            os._exit(99)
    os.close(told)
    with os.fdopen(output) as file:
        message = file.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), message


def kill_at(boundary):
    """SIGKILL before the n-th time that something is flushed or renamed."""
    left = [boundary]

    def counting(call):
        def counted(*arguments, **named):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **named)

        return counted

    for name in ("fsync", "rename", "replace", "rmdir"):
        setattr(os, name, counting(getattr(os, name)))


def kill_and_go_on(corpus, expected, store, boundary):
    """How the first attempt ended."""

    def killed():
        kill_at(boundary)
        prepare(config(corpus, store), VOCABULARY, jobs=1)

    ended, _ = in_child(killed)
    found = prepare(config(corpus, store), VOCABULARY, jobs=1)
    assert content(found.folder) == expected
    assert {path.name for path in store.iterdir()} <= {found.folder.name, ".lock", ".hashes.json"}
    shutil.rmtree(store)
    return ended


def test_killed_at_some_boundaries_the_next_call_goes_on(corpus, expected, tmp_path):
    for boundary in (5, 30, 55, 80):
        assert kill_and_go_on(corpus, expected, tmp_path / "s", boundary) == -signal.SIGKILL


@pytest.mark.faults
@pytest.mark.timeout(7200)
def test_killed_at_every_boundary_the_next_call_goes_on(corpus, expected, tmp_path, record):
    kills = 0
    for boundary in range(1, 1000, EVERY):
        ended = kill_and_go_on(corpus, expected, tmp_path / "s", boundary)
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
        kills += 1
    assert kills > 90 / EVERY
    record("prepare, SIGKILL before a flush or rename", kills, "at most one task done again, the same store")


def test_disk_full(corpus, expected, tmp_path):
    """A limit to the size of files stands in for the disk's; the write that crosses it fails half way."""
    sizes = sorted({len(data) for data in expected.values()})
    for size in sorted({size - 1 for size in sizes} | {100, 3000}):

        def limited(size=size):
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            prepare(config(corpus, tmp_path), VOCABULARY, jobs=1)

        ended, message = in_child(limited)
        assert ended == 2, size
        assert re.search(r"File too large.*; check the permissions and the free space, or choose another", message)
    assert content(prepare(config(corpus, tmp_path), VOCABULARY).folder) == expected


def test_any_byte_of_a_store(corpus, expected, tmp_path):
    folder = prepare(config(corpus, tmp_path), VOCABULARY).folder
    rng = random.Random(1)
    for name, data in expected.items():
        places = range(len(data)) if len(data) < 40 else rng.sample(range(len(data)), 5)
        for place in places:
            flipped = bytearray(data)
            flipped[place] ^= 1 << rng.randrange(8)
            (folder / name).write_bytes(flipped)
            with pytest.raises(DataError, match=r"delete \S+ and prepare again|delete it and prepare again") as info:
                Store.open(folder)
            assert name in str(info.value) or "has format" in str(info.value)
        for size in {0, len(data) // 2, max(0, len(data) - 2)} - {len(data)}:  # but for a last line end
            (folder / name).write_bytes(data[:size])
            with pytest.raises(DataError, match=name.replace(".", r"\.")):
                Store.open(folder)
        (folder / name).write_bytes(data)
    assert Store.open(folder).directions


def test_what_cannot_be_read_now_costs_nothing_that_is_done(corpus, expected, tmp_path, monkeypatch):
    read = Corpus.pairs

    def fail_late(self, split, direction):
        if (split, str(direction)) == ("dev", "az-en") and done.exists():
            raise UnreadableError("cannot read: the network is gone")
        return read(self, split, direction)

    folder = tmp_path / "s"
    done = folder / f".{prepared_name(corpus, folder)}.work" / "done" / "clean.train.en-de.json"
    monkeypatch.setattr(Corpus, "pairs", fail_late)
    with pytest.raises(DataError, match="the network is gone"):
        prepare(config(corpus, folder), VOCABULARY, jobs=1)
    assert done.exists()
    monkeypatch.undo()
    said: list[str] = []
    assert content(prepare(config(corpus, folder), VOCABULARY, said.append, jobs=1).folder) == expected
    assert any("going on with the preparation" in line for line in said)


def prepared_name(corpus, folder):
    wanted = config(corpus, folder)
    return fingerprint(Corpus(wanted), VOCABULARY, HashCache(folder / "none"))[:16]


def test_a_removal_that_was_cut_off(corpus, expected, tmp_path):
    trash = tmp_path / f".{prepared_name(corpus, tmp_path)}.trash"
    (trash / "done").mkdir(parents=True)
    (trash / "done" / "hold.en-de.json").write_text("{}")
    assert content(prepare(config(corpus, tmp_path), VOCABULARY, jobs=1).folder) == expected
    assert not trash.exists()


def command(corpus, folder, *more):
    folder.mkdir(parents=True, exist_ok=True)
    settings = yaml.safe_load(config(corpus, folder / "s").model_dump_json(exclude_none=True, exclude_defaults=True))
    content = {"data": settings, "vocabulary": {"size": 150}, "training": {"max_steps": 1}}
    (folder / "config.yaml").write_text(yaml.safe_dump(content))
    return [sys.executable, "-m", "catscale", "prepare", str(folder / "config.yaml"), *more]


def test_two_at_once(corpus, expected, tmp_path):
    arguments = command(corpus, tmp_path, "--jobs", "1")[3:]
    both = [start_program(CATSCALE, *arguments) for _ in range(2)]
    ended = [program.finish() for program in both]
    assert [one.status for one in ended] == [0, 0]
    assert len({one.out for one in ended}) == 1
    assert content(tmp_path / "s" / ended[0].out.strip().rpartition("/")[2]) == expected
    assert sum("waiting for another process that prepares in" in one.err for one in ended) <= 1


@pytest.mark.faults
@pytest.mark.timeout(7200)
def test_killed_at_random_moments(corpus, expected, tmp_path, record):
    """The command itself, with its worker processes."""
    rng, kills, finished = random.Random(SEED), 0, 0
    started = time.monotonic()
    assert subprocess.run(command(corpus, tmp_path / "whole", "--jobs", "2"), check=True, capture_output=True)
    longest = time.monotonic() - started
    while kills < TRIES:
        process = subprocess.Popen(
            command(corpus, tmp_path / str(finished), "--jobs", "2"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        time.sleep(rng.uniform(0, longest))
        process.kill()
        kills += process.wait() == -signal.SIGKILL
        finished += process.returncode == 0
        process.communicate()
    folder = tmp_path / str(finished)
    store = subprocess.run(command(corpus, folder, "--jobs", "2"), check=True, capture_output=True, text=True)
    assert content(folder / "s" / store.stdout.strip().rpartition("/")[2]) == expected
    record("prepare with two workers, SIGKILL at random moments, again and again", kills, "the same store")
