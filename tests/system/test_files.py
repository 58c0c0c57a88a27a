import os
from pathlib import Path

import pytest

from catscale.errors import CatscaleError
from catscale.system.files import clear_leftovers, new_folder, user_errors, write_bytes


def test_a_pipe_is_written_to_and_stays_one(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_bytes(tmp_path / "pipe", b"text")
    assert os.read(reader, 10) == b"text"
    os.close(reader)
    assert (tmp_path / "pipe").is_fifo()
    assert [p.name for p in tmp_path.iterdir()] == ["pipe"]


def test_a_folder_is_not_replaced_by_a_file(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(CatscaleError, match=r"cannot write .*folder"):
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


@pytest.mark.parametrize(("place", "aside", "found"), [(True, True, "new"), (True, False, "new"), (False, True, "old")])
def test_what_a_kill_left_is_settled(tmp_path, place, aside, found):
    for name, is_there in ((".x.tmp", True), ("x", place), (".x.old", aside)):
        if is_there:
            (tmp_path / name).mkdir()
            (tmp_path / name / "file").write_text({"x": "new", ".x.old": "old"}.get(name, "half"))
    (tmp_path / ".y.tmp").touch()
    clear_leftovers(tmp_path / "x")
    clear_leftovers(tmp_path / "y")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x" / "file").read_text() == found
    clear_leftovers(tmp_path / "x")


def test_a_replacement_that_fails_between_its_renames_is_undone(tmp_path, monkeypatch):
    (tmp_path / "x").mkdir()
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self.name == ".x.tmp":
            raise OSError(5, "Input/output error", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(CatscaleError, match=r"cannot write .*\.x\.tmp: Input/output error"), new_folder(tmp_path / "x"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
