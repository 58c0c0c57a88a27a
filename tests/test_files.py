import os

import pytest

from catscale.errors import CatscaleError
from catscale.files import write_bytes


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
