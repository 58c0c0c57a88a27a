import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from catscale.errors import CatscaleError
from catscale.system.writing.output import find_descriptor, open_output

WRITE = """
import sys
from pathlib import Path
from catscale.system.writing.output import open_output
with open_output(Path(sys.argv[1])) as file:
    file.write(b"text")
"""


def write_output(path: Path, content: bytes) -> None:
    with open_output(path) as file:
        file.write(content)


def write_in_a_process(path: str, **options: Any) -> None:
    subprocess.run([sys.executable, "-c", WRITE, path], check=True, timeout=60, **options)


def test_a_pipe_is_written_to_and_stays_one(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_output(tmp_path / "pipe", b"text")
    assert os.read(reader, 10) == b"text"
    os.close(reader)
    assert (tmp_path / "pipe").is_fifo()
    assert [p.name for p in tmp_path.iterdir()] == ["pipe"]


@pytest.mark.parametrize("name", ["/dev/null", "link"])
def test_a_device_stays_one(tmp_path, name):
    (tmp_path / "link").symlink_to("/dev/null")
    write_output(tmp_path / name, b"text")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert (tmp_path / "link").is_symlink()
    assert not list(Path("/dev").glob(".null*"))


@pytest.mark.parametrize("name", ["/dev/stdout", "/proc/self/fd/1", "/dev/fd/1", "link", "link to link"])
def test_standard_output_is_not_replaced(tmp_path, name):
    (tmp_path / "link").symlink_to("/dev/stdout")
    (tmp_path / "link to link").symlink_to("link")
    before = os.lstat("/dev/stdout")
    with (tmp_path / "file").open("wb") as file:
        file.write(b"before ")
        file.flush()
        write_in_a_process(str(tmp_path / name), stdout=file)
    assert (tmp_path / "file").read_bytes() == b"before text"
    assert os.lstat("/dev/stdout").st_ino == before.st_ino
    assert (tmp_path / "link").is_symlink()


def test_a_descriptor_is_found(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    found = [find_descriptor(Path(name)) for name in ("/dev/fd/3", f"/proc/{os.getpid()}/fd/4", "/dev/null", "/5")]
    assert found == [3, 4, None, None]
    assert find_descriptor(tmp_path / "loop") is None
    assert find_descriptor(tmp_path / "file") is None
    with pytest.raises(CatscaleError, match=r"cannot write .*(loop|descriptor)"):
        write_output(Path("/dev/fd/999"), b"")


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_is_followed_and_the_file_behind_it_written_whole(tmp_path, is_there):
    (tmp_path / "inner").mkdir()
    target = tmp_path / "inner" / "file"
    if is_there:
        target.write_text("old")
        target.chmod(0o640)
    (tmp_path / "link").symlink_to(target)
    with open_output(tmp_path / "link") as file:
        file.write(b"new")
        assert target.exists() == is_there
        assert not is_there or target.read_text() == "old"
    assert (tmp_path / "link").is_symlink()
    assert target.read_text() == "new"
    assert not is_there or stat.S_IMODE(target.stat().st_mode) == 0o640
    assert sorted(path.name for path in target.parent.iterdir()) == ["file"]


def test_what_fails_leaves_the_file_as_it_was(tmp_path):
    (tmp_path / "file").write_text("old")

    def fail() -> None:
        with open_output(tmp_path / "file") as file:
            file.write(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file", "old")]


def test_a_folder_is_no_output(tmp_path):
    with pytest.raises(CatscaleError, match=r"cannot write .*: Is a directory"):
        write_output(tmp_path, b"text")


def test_what_is_private_stays_private_while_it_is_written(tmp_path):
    (tmp_path / "file").write_text("old")
    (tmp_path / "file").chmod(0o600)
    with open_output(tmp_path / "file"):
        assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
