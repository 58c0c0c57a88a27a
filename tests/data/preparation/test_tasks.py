"""The tasks of a preparation, one by one."""

from pathlib import Path

import pytest

from catscale.data import DataConfig
from catscale.data.direction import Direction
from catscale.data.preparation import tasks as module
from catscale.data.preparation.cleaning import Counts
from catscale.data.preparation.tasks import PreparationTask, TaskRunner, sum_counts
from catscale.data.preparation.work_folder import WorkFolder
from catscale.errors import DataError
from catscale.vocabulary.training import SentencePieceSettings, train_vocabulary
from tests.data.toy_corpora import sentences, write, write_moses

EN_DE = Direction("en", "de")
SIZES = {"train": 30, "dev": 4, "test": 5}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_moses(tmp_path / "corpus", SIZES)


def config(path, store, **changes):
    return DataConfig(**{"format": "moses", "path": path, "directions": ["en-de"], "store": store} | changes)


def runner_of(corpus, tmp_path, **changes):
    """A runner with an empty work folder and a vocabulary in it."""
    work = WorkFolder(tmp_path / "work")
    work.clear()
    lines = sentences("en", 100) + sentences("de", 100)
    work.vocabulary.mkdir()
    train_vocabulary(SentencePieceSettings(size=80), lines, ["de", "en"]).save(work.vocabulary)
    advanced: list[int] = []
    runner = TaskRunner(config(corpus, tmp_path, **changes), work, advanced.append)
    return runner, advanced


def test_text_is_cleaned_into_shards(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SHARD", 8)
    write(corpus / "train.en", [*sentences("en", 29), ""])
    runner, advanced = runner_of(corpus, tmp_path)
    result = runner.run(PreparationTask("clean", EN_DE, "train"))
    assert (result["read"], result["kept"], result["dropped"]["empty"], result["shards"]) == (30, 29, 1, 4)
    assert sum(advanced) == 30
    text = [runner.work.text(("train", EN_DE), "source", shard).read_text() for shard in range(4)]
    assert [part.count("\n") for part in text] == [8, 8, 8, 5]
    assert "".join(text).split("\n")[:-1] == sentences("en", 29)
    assert runner.work.hashes(("train", EN_DE), "target").size == 29


def test_shards_become_the_files_of_a_store(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SHARD", 3)
    runner, _ = runner_of(corpus, tmp_path)
    assert runner.run(PreparationTask("clean", EN_DE, "dev"))["shards"] == 2
    for shard, kept in ((0, 3), (1, 1)):
        found = runner.run(PreparationTask("encode", EN_DE, "dev", shard))
        assert found["source_unknown"] == 0
        assert (
            runner.work.tokens(("dev", EN_DE), "source", shard).with_suffix(f".{shard:03d}.txt").read_text().count("\n")
            == kept
        )
    sums = runner.run(PreparationTask("join", EN_DE, "dev", 2))
    ends = {f"{side}.{kind}" for side in ("source", "target") for kind in ("ids", "offsets", "txt")}
    assert set(sums) == {f"dev.en-de.{end}" for end in ends}
    text = (runner.work.store / "dev.en-de.target.txt").read_text()
    assert text == "".join(f"{line}\n" for line in sentences("de", 4, 30))
    assert sums["dev.en-de.target.txt"]["bytes"] == len(text.encode())


def test_a_file_of_references_must_have_a_line_for_each_pair(corpus, tmp_path):
    write(corpus / "dev.de.1", ["x"] * 3)
    runner, _ = runner_of(corpus, tmp_path)
    runner.run(PreparationTask("clean", EN_DE, "dev"))
    runner.run(PreparationTask("encode", EN_DE, "dev"))
    with pytest.raises(DataError, match=r"dev\.de\.1 must have a line for each pair .*has fewer: line 4 has no line"):
        runner.run(PreparationTask("join", EN_DE, "dev", 1))
    write(corpus / "dev.de.1", ["x"] * 5)
    with pytest.raises(DataError, match=r"has more: line 5 has no pair; correct it, or remove it"):
        runner.run(PreparationTask("join", EN_DE, "dev", 1))


def test_results_add_up():
    one, other = Counts(read=5, overlap=1), Counts(read=7)
    one.dropped["empty"] = 2
    other.dropped["empty"] = other.dropped["limit"] = 1
    total = sum_counts([one.to_json(), other.to_json()])
    assert (total.read, total.kept, total.overlap) == (12, 8, 1)
    assert (total.dropped["empty"], total.dropped["limit"]) == (3, 1)


def test_an_unknown_kind_of_task_is_a_fault_of_ours(corpus, tmp_path):
    runner, _ = runner_of(corpus, tmp_path)
    with pytest.raises(KeyError, match="polish"):
        runner.run(PreparationTask("polish", EN_DE, "dev"))
    assert runner.work.result("polish.dev.en-de") is None


def test_what_is_done_is_not_done_again(corpus, tmp_path):
    work = WorkFolder(tmp_path / "work")
    work.clear()
    runner = TaskRunner(config(corpus, tmp_path), work)
    task = PreparationTask("clean", Direction("en", "de"), "test")
    first = runner.run(task)
    assert first["kept"] == 5
    work.text(task.part, "source", 0).write_text("")
    assert TaskRunner(config(tmp_path, tmp_path), work).run(task) == first
    (tmp_path / "work" / "tmp-killed").mkdir()
    work.clear()
    assert not list((tmp_path / "work").glob("tmp-*"))


def test_a_task_as_json():
    task = PreparationTask("encode", Direction("en", "de"), "train", 3)
    assert PreparationTask.from_json(task.to_json()) == task
    assert task.name == "encode.train.en-de.003"
    assert PreparationTask("hold", Direction("en", "de")).name == "hold.en-de"
