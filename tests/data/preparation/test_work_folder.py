"""The folder of a preparation: what is done in it stays done."""

from pathlib import Path

import numpy as np
import pytest

from catscale.data.direction import Direction
from catscale.data.preparation.holdout import HeldOut, gather
from catscale.data.preparation.work_folder import WORK, WorkFolder, is_earlier_work, name_of, text_name

EN_DE = Direction("en", "de")


@pytest.fixture
def work(tmp_path: Path) -> WorkFolder:
    work = WorkFolder(tmp_path / "work")
    work.clear()
    return work


def test_names_of_files(work: WorkFolder) -> None:
    part = ("train", EN_DE)
    assert name_of(part) == "train.en-de"
    assert text_name(part, "source", 7) == "train.en-de.source.007"
    assert work.text(part, "target", 0) == work.folder / "text" / "train.en-de.target.000"
    assert work.tokens(part, "source", 12) == work.folder / "tokens" / "train.en-de.source.012"


def test_a_result_is_there_when_its_task_is_done(work: WorkFolder) -> None:
    assert work.result("clean.train.en-de") is None
    work.finish("clean.train.en-de", {"kept": 3, "dropped": {"empty": 1}})
    assert work.result("clean.train.en-de") == {"kept": 3, "dropped": {"empty": 1}}
    work.clear()
    assert work.result("clean.train.en-de") is not None, "what is done stays done"


@pytest.mark.parametrize("content", ["", '{"kept": 3', "3", "\0\0\0"])
def test_a_result_that_was_cut_off_is_none(work: WorkFolder, content: str) -> None:
    (work.folder / "done" / "x.json").write_text(content)
    assert work.result("x") is None


def test_files_appear_when_all_are_whole(work: WorkFolder) -> None:
    with work.writing("text") as folder:
        (folder / "a").write_text("1")
        (folder / "b").write_text("2")
        assert list((work.folder / "text").iterdir()) == []
    assert {path.name for path in (work.folder / "text").iterdir()} == {"a", "b"}
    assert not list(work.folder.glob("tmp-*"))


def test_a_task_that_fails_leaves_no_file(work: WorkFolder) -> None:
    def fail() -> None:
        with work.writing("text") as folder:
            (folder / "a").write_text("1")
            raise ValueError("a fault")

    with pytest.raises(ValueError, match="a fault"):
        fail()
    assert list((work.folder / "text").iterdir()) == []
    assert not list(work.folder.glob("tmp-*"))


def test_what_killed_tasks_left_is_removed(work: WorkFolder) -> None:
    (work.folder / "tmp-0123" / "deep").mkdir(parents=True)
    work.clear()
    assert not list(work.folder.glob("tmp-*"))


def test_hashes_are_those_of_a_side(work: WorkFolder) -> None:
    for side, numbers in (("source", [5, 6]), ("target", [7])):
        content = np.array(numbers, np.uint64).tobytes()
        (work.folder / "text" / f"train.en-de.{side}.hashes").write_bytes(content)
    assert work.hashes(("train", EN_DE), "source")[0:9].tolist() == [5, 6]
    assert work.hashes(("train", EN_DE), "target").size == 1


def test_work_of_the_first_version_is_known_by_its_folders(tmp_path: Path) -> None:
    assert WORK.name == "preparation"
    for name in ("done", "text", "vocabulary", "tmp-1"):
        (tmp_path / name).mkdir()
    assert is_earlier_work(tmp_path)
    (tmp_path / "thesis").mkdir()
    assert not is_earlier_work(tmp_path)
    (tmp_path / "thesis").rmdir()
    (tmp_path / "notes.txt").touch()
    assert not is_earlier_work(tmp_path)


def test_languages_whose_codes_have_scripts(tmp_path):
    work = WorkFolder(tmp_path / "work")
    work.clear()
    direction = Direction("en", "zh_Hans")
    found = np.array([1, 2], np.uint64)
    work.save_held(direction, HeldOut({("dev", direction): found[:1]}, found))
    held_out = gather(work.held())
    assert held_out.all.tolist() == [1, 2]
    assert {part: hashes.tolist() for part, hashes in held_out.constructed.items()} == {("dev", direction): [1]}
