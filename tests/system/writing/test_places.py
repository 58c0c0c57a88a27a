"""Places where we may write."""

import os

import pytest

from catscale.errors import CatscaleError
from catscale.system.writing.places import (
    check_alone,
    check_file,
    check_folder,
    check_place,
    describe,
    find_kind,
    find_moved,
    working_in,
)
from tests.system.plants import plant


@pytest.fixture
def ours(tmp_path):
    folder = tmp_path / "ours"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    ("planted", "kind"),
    [("link", "a symbolic link"), ("dangling link", "a symbolic link"), ("pipe", "a pipe"), ("folder", "a folder"),
     ("socket", "a socket"), ("hard link", "a file")],
)  # fmt: skip
def test_kinds_are_those_of_the_place_itself(tmp_path, planted, kind):
    plant(tmp_path / "place", planted, tmp_path / "theirs")
    assert find_kind(tmp_path / "place") == kind


def test_kinds_of_what_is_not_there_and_of_devices(tmp_path):
    (tmp_path / "file").touch()
    assert find_kind(tmp_path / "nothing") is None
    assert find_kind(tmp_path / "file" / "below") is None
    assert describe(os.stat("/dev/null")) == "a device"


def test_a_link_inside_is_refused_and_one_on_the_way_is_the_user_s(tmp_path, ours):
    (tmp_path / "named").symlink_to(ours)
    (ours / "link").symlink_to(tmp_path)
    check_place(ours / "link" / "file")  # nobody works here yet
    with working_in(tmp_path / "named"):
        check_place(tmp_path / "named" / "new" / "file")
        assert check_folder(tmp_path / "named")
        with pytest.raises(CatscaleError, match=r"link is a symbolic link, where catscale keeps a folder of its own"):
            check_place(tmp_path / "named" / "link" / "file")
    check_place(ours / "link" / "file")


def test_of_two_folders_of_ours_the_outer_one_decides(tmp_path, ours):
    (tmp_path / "theirs" / "inner").mkdir(parents=True)
    (ours / "link").symlink_to(tmp_path / "theirs")
    inner = ours / "link" / "inner"
    with working_in(inner):
        check_place(inner / "file")  # a link on the way to it
        with (
            working_in(ours),
            pytest.raises(CatscaleError, match=r"link is a symbolic link, where catscale keeps a folder of its own"),
        ):
            check_place(inner / "file")


def test_a_file_or_a_folder_or_nothing(ours):
    (ours / "file").write_text("four")
    status = check_file(ours / "file")
    assert status is not None
    assert status.st_size == 4
    assert check_file(ours / "none") is None
    assert (check_folder(ours), check_folder(ours / "none")) == (True, False)
    with pytest.raises(CatscaleError, match=r"ours is a folder, where catscale keeps a file of its own; nothing was"):
        check_file(ours)
    with pytest.raises(CatscaleError, match=r"file is a file, where catscale keeps a folder of its own"):
        check_folder(ours / "file")


def test_a_second_name_would_change_another_file(tmp_path):
    (tmp_path / "file").touch()
    with (tmp_path / "file").open("rb") as file:
        check_alone(tmp_path / "file", file.fileno())
        (tmp_path / "second").hardlink_to(tmp_path / "file")
        with pytest.raises(CatscaleError, match=r"same file as another \(2 hard links\).*put a copy in its place"):
            check_alone(tmp_path / "file", file.fileno())


def test_a_folder_that_moves_is_found(tmp_path, ours):
    with working_in(ours):
        assert find_moved(ours) is None
        ours.rename(tmp_path / "moved")
        assert find_moved(ours) == tmp_path / "moved"
        with pytest.raises(CatscaleError, match=rf"was renamed, .* and is now {tmp_path / 'moved'}; nothing more is"):
            check_place(ours / "file")
        (tmp_path / "moved").rmdir()
        with pytest.raises(CatscaleError, match=r"ours was renamed, removed or replaced .* and is gone"):
            find_moved(ours)
    assert find_moved(ours) is None


def test_a_folder_that_cannot_be_opened(tmp_path):
    with (
        pytest.raises(CatscaleError, match=r"cannot open .*none: No such file or directory; check"),
        working_in(tmp_path / "none"),
    ):
        raise AssertionError
