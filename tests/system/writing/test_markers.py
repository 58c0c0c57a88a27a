import json
import os
from pathlib import Path

import pytest

from catscale.errors import CatscaleError, ConfigError
from catscale.system.writing.files import write_text
from catscale.system.writing.markers import MARKER, Kind, check_claim, claimed, kind_of, mark, read_small, withdraw
from tests.system.plants import KINDS, plant, snapshot


@pytest.mark.parametrize("folder", ["new", "new/deep", "empty", "marked"])
def test_a_new_an_empty_and_a_marked_folder_are_ours(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    (tmp_path / "marked").mkdir()
    mark(tmp_path / "marked", "run")
    (tmp_path / "marked" / "other").touch()
    with claimed(tmp_path / folder, Kind("run")):
        write_text(tmp_path / folder / "file", "text")
    assert kind_of(tmp_path / folder) == "run"
    with claimed(tmp_path / folder, Kind("run")):
        pass


def test_a_folder_with_the_user_s_files_is_refused_and_left_as_it_is(tmp_path):
    (tmp_path / "report.html").write_text("mine")
    message = r"exists and is not a comparison's folder: it holds 'report\.html' and no \.catscale"
    with pytest.raises(ConfigError, match=message), claimed(tmp_path, Kind("comparison")):
        pass
    assert snapshot(tmp_path) == {"report.html": b"mine"}


def test_a_folder_of_another_kind_is_refused(tmp_path):
    mark(tmp_path, "sweep")
    with pytest.raises(ConfigError, match="holds a sweep of catscale and no run"), claimed(tmp_path, Kind("run")):
        pass
    with claimed(tmp_path, Kind("comparison", also=("sweep",))):
        pass
    assert kind_of(tmp_path) == "sweep"


def test_a_folder_of_version_0_1_and_what_is_harmless(tmp_path):
    (tmp_path / "config.yaml").touch()
    check_claim(tmp_path, Kind("run", earlier=lambda folder: (folder / "config.yaml").exists()))
    check_claim(tmp_path, Kind("run", harmless=("config.yaml",)))
    with pytest.raises(ConfigError, match=r"is not a run's folder: it holds 'config\.yaml'"):
        check_claim(tmp_path, Kind("run", harmless=("other",)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_or_a_special_file_is_no_folder(tmp_path, kind):
    plant(tmp_path / "x", kind, tmp_path / "theirs")
    if kind in ("folder", "link to a folder"):
        (tmp_path / "x" / "mine").touch()
    with pytest.raises(CatscaleError, match=r"x (is|exists)"), claimed(tmp_path / "x", Kind("run")):
        pass
    assert not (tmp_path / "theirs" / "folder" / MARKER).exists()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "hard link"])
def test_a_marker_is_a_regular_file(tmp_path, kind):
    folder = tmp_path / "ours"
    folder.mkdir()
    plant(folder / MARKER, kind, tmp_path / "theirs")
    (tmp_path / "theirs" / "precious").write_text(json.dumps({"kind": "run"}))
    before = snapshot(tmp_path / "theirs")
    with (
        pytest.raises(ConfigError, match=r"is not a run's folder: it holds '\.catscale'"),
        claimed(folder, Kind("run")),
    ):
        pass
    assert snapshot(tmp_path / "theirs") == before


@pytest.mark.parametrize("content", ["", "[]", "{", '{"kind": 1}', "[" * 100_000, "\xff"])
def test_a_marker_that_says_nothing_is_none(tmp_path, content):
    (tmp_path / MARKER).write_text(content, encoding="latin-1")
    assert kind_of(tmp_path) is None
    with claimed(tmp_path, Kind("run")):  # as a killed disk may have left it: it is the only thing here
        pass
    assert kind_of(tmp_path) == "run"


def test_a_folder_with_nothing_but_the_marker_is_withdrawn(tmp_path):
    for name in ("only", "more"):
        (tmp_path / name).mkdir()
        mark(tmp_path / name, "run")
    (tmp_path / "more" / "file").touch()
    for name in ("only", "more", "none"):
        withdraw(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["more"]
    assert kind_of(tmp_path / "more") == "run"


def test_a_small_file_is_read_and_nothing_else(tmp_path):
    (tmp_path / "file").write_text('{"a": 1}')
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    assert [read_small(tmp_path / name) for name in ("file", "link", "pipe", "none")] == [{"a": 1}, None, None, None]


def test_a_folder_that_cannot_be_opened(tmp_path, monkeypatch):
    from catscale.system.writing import places

    def fail(path: Path, flags: int) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(CatscaleError, match=r"cannot open .*: Permission denied"), places.working_in(tmp_path):
        pass


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "hard link"])
@pytest.mark.parametrize("name", ["file", "folder"])
def test_what_we_write_is_looked_at_beforehand(tmp_path, name, kind):
    folder = tmp_path / "ours"
    folder.mkdir()
    mark(folder, "run")
    plant(folder / name, kind, tmp_path / "theirs")
    if (name, kind) == ("folder", "folder"):
        check_claim(folder, Kind("run", folders=(name,)))
        return
    with pytest.raises(CatscaleError, match=f"{name} is a .*, where catscale keeps a {name}"):
        check_claim(folder, Kind("run", files=("file",), folders=("folder",)))
