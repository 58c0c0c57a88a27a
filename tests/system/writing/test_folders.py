import os
import shutil
import stat
from pathlib import Path

import pytest

from catscale.errors import CatscaleError
from catscale.system.writing.files import clear_leftovers, new_folder, recover_folder, targets_of_leftovers
from tests.system.plants import plant, snapshot

TMP, OLD = ".x.tmp-0123abcd", ".x.old-0123abcd"


@pytest.mark.parametrize(("place", "aside", "found"), [(True, True, "new"), (True, False, "new"), (False, True, "old")])
def test_what_a_kill_left_is_settled(tmp_path, place, aside, found):
    for name, is_there in ((TMP, True), ("x", place), (OLD, aside)):
        if is_there:
            (tmp_path / name).mkdir()
            (tmp_path / name / "file").write_text({"x": "new", OLD: "old"}.get(name, "half"))
    (tmp_path / ".y.tmp-0123abcd").touch()
    assert targets_of_leftovers(tmp_path) == [tmp_path / "x", tmp_path / "y"]
    clear_leftovers(tmp_path / "x")
    clear_leftovers(tmp_path / "y")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x" / "file").read_text() == found
    clear_leftovers(tmp_path / "x")


def test_what_version_0_1_moved_aside_is_put_back(tmp_path):
    (tmp_path / ".x.old").mkdir()
    assert targets_of_leftovers(tmp_path) == [tmp_path / "x"]
    recover_folder(tmp_path / "x")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("name", [".x.tmp", ".x.old", ".x.tmp-", ".x.tmp-0123abcdef", ".xx.tmp-0123abcd", "x.tmp"])
def test_names_that_anybody_may_give_are_left_alone(tmp_path, name):
    (tmp_path / "x").mkdir()
    (tmp_path / name).mkdir()
    (tmp_path / name / "file").touch()
    clear_leftovers(tmp_path / "x")
    with new_folder(tmp_path / "x"):
        pass
    assert (tmp_path / name / "file").exists()


@pytest.mark.parametrize("name", [TMP, OLD])
@pytest.mark.parametrize("kind", ["link", "link to a folder", "dangling link", "pipe"])
def test_what_is_no_leftover_of_ours_is_left_alone(tmp_path, name, kind):
    plant(tmp_path / name, kind, tmp_path / "theirs")
    before = snapshot(tmp_path / "theirs")
    clear_leftovers(tmp_path / "x")
    assert os.path.lexists(tmp_path / name)
    assert snapshot(tmp_path / "theirs") == before
    assert not (tmp_path / "x").exists()


def test_a_replacement_that_fails_between_its_renames_is_undone(tmp_path, monkeypatch):
    (tmp_path / "x").mkdir()
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self.name.startswith(".x.tmp"):
            raise OSError(5, "Input/output error", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    message = r"cannot write .*\.x\.tmp-.*: Input/output error"
    with pytest.raises(CatscaleError, match=message), new_folder(tmp_path / "x"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("kind", ["link", "link to a folder", "dangling link", "pipe"])
@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_only_a_folder_is_replaced_by_one(tmp_path, kind, when):
    if when == "before":
        plant(tmp_path / "x", kind, tmp_path / "theirs")

    def fill() -> None:
        with new_folder(tmp_path / "x") as made:
            (made / "file").touch()
            plant(tmp_path / "x", kind, tmp_path / "theirs")

    with pytest.raises(CatscaleError, match=r"x is a .*, where catscale keeps a folder"):
        fill()
    assert snapshot(tmp_path / "theirs") == {"precious": b"precious", "folder/file": b"theirs"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["theirs", "x"]


def test_a_file_system_without_modes_is_written_to(tmp_path, monkeypatch):
    def fail(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchmod", fail)
    monkeypatch.setattr(os, "chmod", fail)
    for _ in range(2):
        with new_folder(tmp_path / "x") as made:
            os.close(os.open(made / "private", os.O_CREAT | os.O_WRONLY, 0o600))
    assert (tmp_path / "x" / "private").exists()


def test_a_link_that_a_library_leaves_in_a_folder_is_refused(tmp_path):
    with pytest.raises(CatscaleError, match="is a symbolic link"), new_folder(tmp_path / "x") as made:
        (made / "file").symlink_to("/etc/passwd")
    assert not (tmp_path / "x").exists()


def test_modes_follow_the_umask_and_what_was_there(tmp_path):
    def modes() -> list[str]:
        paths = (tmp_path / "x", tmp_path / "x" / "private", tmp_path / "x" / "inner" / "plain")
        return [oct(stat.S_IMODE(path.stat().st_mode)) for path in paths]

    def fill() -> None:
        with new_folder(tmp_path / "x") as made:
            os.close(os.open(made / "private", os.O_CREAT | os.O_WRONLY, 0o600))
            (made / "inner").mkdir()
            (made / "inner" / "plain").touch()

    before = os.umask(0o027)
    try:
        fill()
        assert modes() == ["0o750", "0o640", "0o640"]
        os.umask(0o077)
        (tmp_path / "x").chmod(0o755)
        (tmp_path / "x" / "private").chmod(0o660)
        fill()
        assert modes() == ["0o755", "0o660", "0o640"]
        shutil.rmtree(tmp_path / "x")
        fill()
        assert modes() == ["0o700", "0o600", "0o600"]
    finally:
        os.umask(before)
