import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from catscale.errors import CatscaleError
from catscale.system.writing.files import (
    append_to,
    copy_file,
    create_file,
    link_file,
    link_folder,
    make_folder,
    make_own_folder,
    move_file,
    move_folder,
    open_lock,
    remove_file,
    remove_folder,
    user_errors,
    write_bytes,
    write_json,
    write_text,
)
from catscale.system.writing.locks import work_alone
from catscale.system.writing.places import working_in
from tests.system.plants import KINDS, plant, snapshot


@pytest.fixture
def umask() -> Iterator[Callable[[int], int]]:
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_is_not_replaced_by_a_file(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(CatscaleError, match=r"folder is a folder, where catscale keeps a file of its own"):
        write_bytes(tmp_path / "folder", b"text")
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_what_libraries_in_rust_raise_is_a_user_s_error(tmp_path):
    with (
        pytest.raises(CatscaleError, match=r"cannot save .*x: No space left on device \(os error 28\); check"),
        user_errors("save", tmp_path / "x"),
    ):
        raise Exception("No space left on device (os error 28)")
    with pytest.raises(RuntimeError, match="a defect"), user_errors("save", tmp_path / "x"):
        raise RuntimeError("a defect")


def lock(path: Path) -> None:
    os.close(open_lock(path))


def hold(path: Path) -> None:
    with work_alone(path.parent, "work in", "waiting", print):
        pass


def append(path: Path) -> None:
    with append_to(path, 0) as file:
        file.write(b"more")


def move(path: Path) -> None:
    (path.parent / "moved").write_text("moved")
    move_file(path.parent / "moved", path)


OPERATIONS: dict[str, Callable[[Path], object]] = {
    "bytes": lambda path: write_bytes(path, b"new"),
    "text": lambda path: write_text(path, "new"),
    "json": lambda path: write_json(path, {}),
    "append": append,
    "lock": lock,
    "remove": remove_file,
    "move": move,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_only_a_regular_file_is_written_locked_or_removed(tmp_path, operation, kind):
    (tmp_path / "ours").mkdir()
    place = tmp_path / "ours" / ".lock"
    plant(place, kind, tmp_path / "theirs")
    before = snapshot(tmp_path / "theirs"), os.lstat(place).st_ino
    if kind == "hard link" and operation not in ("append", "lock"):
        OPERATIONS[operation](place)  # of one name of a file, which changes nothing behind the other
        assert snapshot(tmp_path / "theirs") == before[0]
        return
    with pytest.raises(CatscaleError, match=r"\.lock is (a|the same file)"):
        OPERATIONS[operation](place)
    assert (snapshot(tmp_path / "theirs"), os.lstat(place).st_ino) == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_lock_of_a_folder_is_a_regular_file(tmp_path, kind):
    (tmp_path / "ours").mkdir()
    plant(tmp_path / "ours" / ".lock", kind, tmp_path / "theirs")
    with pytest.raises(CatscaleError, match=r"\.lock is (a|the same file)"):
        hold(tmp_path / "ours" / ".lock")


@pytest.mark.parametrize("operation", [*OPERATIONS, "folder", "create", "copy", "link", "remove folder", "move folder"])
def test_no_link_to_a_folder_is_followed_inside_ours(tmp_path, operation):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs, theirs / "inner"):
        folder.mkdir()
    (theirs / "inner" / "file").write_text("theirs")
    (ours / "link").symlink_to(theirs)
    place = ours / "link" / "inner" / "file"
    operations = OPERATIONS | {
        "folder": lambda path: make_folder(path.with_name("made")),
        "create": lambda path: create_file(path.with_name("made")).close(),
        "copy": lambda path: copy_file(path, path.with_name("made")),
        "link": lambda path: link_file(path, path.with_name("made")),
        "remove folder": lambda path: remove_folder(path.parent),
        "move folder": lambda path: move_folder(path.parent, ours / "moved"),
    }
    with working_in(ours), pytest.raises(CatscaleError, match=r"ours/link is a symbolic link, where catscale keeps"):
        operations[operation](place)
    assert {path: content for path, content in snapshot(theirs).items() if path != "inner/moved"} == {
        "inner/file": b"theirs"
    }


def test_a_folder_of_ours_may_be_a_link_and_lie_behind_links(tmp_path):
    (tmp_path / "disk" / "big").mkdir(parents=True)
    (tmp_path / "mount").symlink_to(tmp_path / "disk")
    (tmp_path / "run").symlink_to(tmp_path / "mount" / "big")
    with working_in(tmp_path / "run"):
        make_own_folder(tmp_path / "run" / "inner")
        write_text(tmp_path / "run" / "inner" / "file", "text")
    assert (tmp_path / "disk" / "big" / "inner" / "file").read_text() == "text"


def test_outside_a_folder_of_ours_parents_may_be_links(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    write_text(tmp_path / "link" / "new" / "file", "text")
    assert (tmp_path / "disk" / "new" / "file").read_text() == "text"


def test_a_folder_in_the_place_of_ours_may_be_no_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    for action in (make_own_folder, remove_folder):
        with pytest.raises(CatscaleError, match="link is a symbolic link, where catscale keeps a folder"):
            action(tmp_path / "link")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    with pytest.raises(CatscaleError, match="dangling is a symbolic link, where catscale keeps a folder"):
        make_folder(tmp_path / "dangling")


def test_a_replaced_file_keeps_its_mode(tmp_path, umask):
    path = tmp_path / "file"
    write_text(path, "old")
    assert mode(path) == 0o644
    for kept in (0o600, 0o664, 0o444):
        path.chmod(kept)
        write_text(path, "new")
        assert mode(path) == kept
    umask(0o027)
    write_text(tmp_path / "other", "text")
    with append_to(tmp_path / "log"), create_file(tmp_path / "created"):
        assert [mode(tmp_path / name) for name in ("other", "log", "created")] == [0o640] * 3


def test_a_file_that_is_replaced_is_whole_at_every_moment(tmp_path, monkeypatch):
    write_text(tmp_path / "file", "old")
    seen = []
    flush = os.fsync

    def look(descriptor: int) -> None:
        seen.append((tmp_path / "file").read_text())
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    write_text(tmp_path / "file", "new")
    assert seen == ["old", "new"]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_file_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(CatscaleError, match=r"cannot write .*file: No space left"):
        write_text(tmp_path / "file", "new")
    assert not list(tmp_path.iterdir())


def test_a_log_is_cut_and_goes_on(tmp_path):
    (tmp_path / "log").write_text("12345")
    with append_to(tmp_path / "log", 3) as file:
        assert file.tell() == 3
        file.write(b"x")
    with append_to(tmp_path / "log") as file:
        file.write(b"y")
    assert (tmp_path / "log").read_text() == "123xy"


def test_a_file_that_must_be_new_is_not_opened_twice(tmp_path):
    with create_file(tmp_path / "file") as file:
        file.write(b"first")
    with pytest.raises(FileExistsError):
        create_file(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "first"


def test_what_is_not_there_is_removed_already(tmp_path):
    remove_file(tmp_path / "file")
    remove_folder(tmp_path / "folder")
    with pytest.raises(CatscaleError, match=r"cannot write .*No such file"):
        move_file(tmp_path / "file", tmp_path / "other")


def test_a_folder_is_moved_only_to_a_free_place(tmp_path):
    (tmp_path / "made").mkdir()
    (tmp_path / "theirs").mkdir()
    with pytest.raises(CatscaleError, match="theirs is there already"):
        move_folder(tmp_path / "made", tmp_path / "theirs")
    move_folder(tmp_path / "made", tmp_path / "place")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["place", "theirs"]


@pytest.mark.parametrize("change", ["renamed", "removed", "replaced"])
def test_a_folder_that_is_gone_is_noticed(tmp_path, change):
    folder = tmp_path / "run"
    folder.mkdir()
    with working_in(folder):
        write_text(folder / "file", "text")
        if change == "removed":
            (folder / "file").unlink()
            folder.rmdir()
        else:
            folder.rename(tmp_path / "elsewhere")
        if change == "replaced":
            folder.mkdir()
        where = "and is gone" if change == "removed" else f"and is now {tmp_path / 'elsewhere'}"
        for write in (lambda path: write_text(path, "more"), append_to, make_own_folder, open_lock, remove_file):
            with pytest.raises(CatscaleError, match=f"run was renamed, removed or replaced while .*{where}"):
                write(folder / "other")
    assert folder.exists() == (change == "replaced")
    assert not folder.exists() or not list(folder.iterdir())


@pytest.mark.parametrize("write", [write_text, lambda path, text: write_json(path, {"folder": text})])
def test_a_name_that_is_not_utf8_is_told_where_it_would_be_written(tmp_path, write):
    name = os.fsdecode(b"runs/caf\xe9")
    with pytest.raises(CatscaleError, match=r"cannot write .*notes: its text holds \\udce9, as from .* not valid"):
        write(tmp_path / "notes", name)
    assert not list(tmp_path.iterdir())


def test_a_folder_with_folders_in_it_is_linked_file_by_file(tmp_path):
    (tmp_path / "one" / "inner").mkdir(parents=True)
    (tmp_path / "one" / "a").write_text("a")
    (tmp_path / "one" / "inner" / "b").write_text("b")
    (tmp_path / "two").mkdir()
    link_folder(tmp_path / "one", tmp_path / "two")
    assert (tmp_path / "two" / "inner" / "b").samefile(tmp_path / "one" / "inner" / "b")
    assert sorted(path.name for path in (tmp_path / "two").rglob("*")) == ["a", "b", "inner"]
    (tmp_path / "one" / "inner" / "link").symlink_to("b")
    (tmp_path / "three").mkdir()
    with pytest.raises(CatscaleError, match="link is a symbolic link, where catscale keeps a file"):
        link_folder(tmp_path / "one", tmp_path / "three")
