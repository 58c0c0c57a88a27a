"""What counts as a write: what is done below the folder, and nothing that the time or another folder has a part in."""

import os

import pytest

from tests.faults.accidents import Accident, Writes

FLAGS = os.O_WRONLY | os.O_CREAT


@pytest.fixture
def writes(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    return Writes(folder, Accident())


def test_writes_below_the_folder_count_by_path_and_by_descriptor(writes, tmp_path):
    path = tmp_path / "run" / "a"
    descriptor = os.open(path, FLAGS)
    writes._audit("open", (str(path), None, FLAGS))
    writes._audit("open", (descriptor, "w", 0))
    writes._note_below("flush", descriptor)
    writes._audit("os.rename", (str(path), str(path) + "b", -1, -1))
    os.close(descriptor)
    assert writes.names == ["open a", f"open {descriptor}", f"flush {descriptor}", "os.rename a"]


def test_what_is_read_does_not_count(writes, tmp_path):
    writes._audit("open", (str(tmp_path / "run" / "a"), "r", 0))
    writes._audit("open", (str(tmp_path / "run" / "a"), None, os.O_RDONLY))
    writes._audit("os.listdir", (str(tmp_path / "run"),))
    assert writes.names == []


def test_writes_elsewhere_do_not_count(writes, tmp_path):
    """As those of the hashes of a corpus's files, which are remembered once the files are two seconds old."""
    for name in ("store", "run2"):  # the second begins with the folder's name
        path = tmp_path / name
        descriptor = os.open(path, FLAGS)
        writes._audit("open", (str(path), None, FLAGS))
        writes._audit("open", (descriptor, "w", 0))
        writes._note_below("flush", descriptor)
        os.close(descriptor)
    assert writes.names == []


def test_an_accident_happens_at_its_write(writes, tmp_path):
    refusing = Writes(tmp_path / "run", Accident(2, 28))
    refusing._audit("os.mkdir", (str(tmp_path / "run" / "a"), 0o777, -1))
    with pytest.raises(OSError, match="No space left on device"):
        refusing._audit("os.mkdir", (str(tmp_path / "run" / "b"), 0o777, -1))
    assert refusing.names == ["os.mkdir a", "os.mkdir b"]
