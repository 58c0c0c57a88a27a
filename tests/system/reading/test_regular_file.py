import os
import socket

import pytest

from catscale.system.reading.regular_file import check_regular, read_regular, reason_of


def test_a_regular_file_within_its_length(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert read_regular(path, 5) == b"12345"
    with pytest.raises(OSError, match="longer than the 4 bytes"):
        read_regular(path, 4)


def test_what_is_no_regular_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")  # which would be waited for
    with pytest.raises(OSError, match="it is a pipe, not a regular file"):
        read_regular(tmp_path / "pipe", 10)
    with pytest.raises(OSError, match="it is a folder, not a regular file"):
        read_regular(tmp_path, 10)
    with pytest.raises(OSError, match="it is a device, not a regular file"):
        read_regular(tmp_path.__class__("/dev/zero"), 10)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        with pytest.raises(OSError, match=r"No such device or address|a socket"):
            read_regular(tmp_path / "s", 10)
    with pytest.raises(OSError, match="null"):
        read_regular(tmp_path / "a\0b", 10)


def test_a_link_is_checked_where_a_user_named_its_folder(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    check_regular(tmp_path / "link", follow=True)
    with pytest.raises(OSError, match="it is a symbolic link, which is not followed here"):
        check_regular(tmp_path / "link")
    with pytest.raises(OSError, match="No such file"):
        check_regular(tmp_path / "gone", follow=True)


def test_a_link_is_followed_where_a_user_named_it(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert read_regular(tmp_path / "link", 10, follow=True) == b"1"
    with pytest.raises(OSError, match="it is a symbolic link") as error:
        read_regular(tmp_path / "link", 10)
    assert reason_of(error.value) == "it is a symbolic link, which is not followed here"
    assert reason_of(ValueError("why")) == "why"
    (tmp_path / "pipe").symlink_to("/dev/zero")
    with pytest.raises(OSError, match="a device"):
        read_regular(tmp_path / "pipe", 10, follow=True)
