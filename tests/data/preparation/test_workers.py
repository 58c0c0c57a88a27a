import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from catscale.data import DataConfig, Direction, prepare
from catscale.data.preparation import tasks as module
from catscale.data.preparation.tasks import PreparationTask, TaskRunner
from catscale.data.preparation.work_folder import WorkFolder
from catscale.data.preparation.workers import Worker, WorkerPool
from catscale.errors import CatscaleError, DataError
from catscale.vocabulary.training import SentencePieceSettings
from tests.data.toy_corpora import sentences, write, write_moses

VOCABULARY = SentencePieceSettings(size=150)
DIRECTIONS = ["en-de", "de-en", "en-az", "az-de"]


def config(path, store, **changes):
    settings = {"format": "moses", "path": path, "directions": DIRECTIONS, "store": store}
    return DataConfig(**(settings | changes))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_moses(tmp_path_factory.mktemp("corpus"), {"train": 300, "dev": 9, "test": 5}, ("en", "de", "az"))


def content(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def expected(corpus, tmp_path_factory):
    store = prepare(config(corpus, tmp_path_factory.mktemp("store")), VOCABULARY, jobs=1)
    return content(store.folder)


def test_two_processes_make_the_same_store(corpus, expected, tmp_path):
    said: list[str] = []
    store = prepare(config(corpus, tmp_path / "s"), VOCABULARY, said.append, jobs=2)
    assert content(store.folder) == expected
    assert {p.name for p in (tmp_path / "s").iterdir()} <= {store.folder.name, ".lock", ".hashes.json"}
    assert sum("300 pairs read, 300 kept" in line for line in said) == 4


def test_many_shards_make_the_same_store(corpus, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SHARD", 7)
    assert content(prepare(config(corpus, tmp_path), VOCABULARY).folder) == expected


def test_a_fault_in_one_process_ends_all(corpus, tmp_path):
    faulty = shutil.copytree(corpus, tmp_path / "c")
    write(faulty / "train.az", sentences("az", 299))
    with pytest.raises(DataError, match=r"train\.az has 299 lines|and .*train\.az has 299; line n"):
        prepare(config(faulty, tmp_path / "s"), VOCABULARY, jobs=2)
    assert {p.name for p in (tmp_path / "s").iterdir()} <= {".lock", ".hashes.json"}


def test_a_process_that_dies_is_reported_and_the_next_call_goes_on(corpus, expected, tmp_path, monkeypatch):
    do, done = Worker.do, []

    def dying(worker, task, advance):
        done.append(task.name)
        if len(done) == 7:
            worker.stop()
        return do(worker, task, advance)

    monkeypatch.setattr(Worker, "do", dying)
    with pytest.raises(CatscaleError, match=r"the process that did .* ended with status -9.* the same command goes on"):
        prepare(config(corpus, tmp_path), VOCABULARY, jobs=2)
    monkeypatch.undo()
    said: list[str] = []
    assert content(prepare(config(corpus, tmp_path), VOCABULARY, said.append).folder) == expected
    assert any(line.startswith("going on with the preparation that was cut off in") for line in said)


class Interrupted(ThreadPoolExecutor):
    """Ctrl-C comes while the threads are waited for."""

    interrupts = 1

    def shutdown(self, *arguments, **named):
        if self.interrupts:
            self.interrupts = 0
            raise KeyboardInterrupt
        super().shutdown(*arguments, **named)


def test_ctrl_c_ends_the_workers(corpus, tmp_path, monkeypatch):
    runner = TaskRunner(config(corpus, tmp_path), WorkFolder(tmp_path / "work"))
    runner.work.clear()
    monkeypatch.setattr("catscale.data.preparation.workers.ThreadPoolExecutor", Interrupted)
    pool = WorkerPool(runner, 2)
    with pytest.raises(KeyboardInterrupt):
        pool.run([PreparationTask("hold", Direction.parse(text)) for text in DIRECTIONS])
    assert all(worker._process.poll() is not None for worker in pool._workers)
