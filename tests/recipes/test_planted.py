"""`data fetch` into folders that are somebody else's, or hold what somebody else put there."""

import os
import shutil

import pytest

from catscale.errors import CatscaleError
from catscale.recipes.fetch import fetch
from catscale.recipes.recipe import load_table
from catscale.system.writing.markers import MARKER
from tests.recipes.toys import ted, write
from tests.system.plants import KINDS, plant, snapshot

ARCHIVE = "ted_talks.tar.gz"
SPECIAL = [kind for kind in KINDS if kind not in ("folder", "hard link")]


@pytest.fixture
def go(site, tmp_path):
    """Fetches a toy into a folder of tmp_path."""
    table = load_table(write(tmp_path / "recipes.yaml", ted(site)))

    def run(out, downloads=None):
        return fetch(table, "ted-related", out, downloads, lambda line: None)

    return run


@pytest.fixture(params=["corpus/train.en", "config.yaml", "corpus/.hidden", "prepared/x", "fetched.json", "mine.txt"])
def mine(request, tmp_path):
    path = tmp_path / "out" / request.param
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    return tmp_path / "out"


def test_a_user_s_folder_is_refused(go, mine):
    before = snapshot(mine)
    with pytest.raises(CatscaleError, match=r"out exists and is not a corpus's folder: it holds '\w+"):
        go(mine)
    assert snapshot(mine) == before


@pytest.mark.parametrize("shared", [False, True])
def test_archives_that_the_user_put_there_make_no_other_s_folder(go, site, tmp_path, shared):
    out = tmp_path / "out"
    downloads = out if shared else out / "downloads"
    downloads.mkdir(parents=True)
    (downloads / ARCHIVE).write_bytes(site.files[f"/{ARCHIVE}"])
    assert go(out, out if shared else None).is_new
    assert not site.requests


def test_a_folder_of_version_0_1_is_gone_on_with(go, tmp_path):
    go(tmp_path / "out")
    (tmp_path / "out" / MARKER).unlink()
    assert not go(tmp_path / "out").is_new
    assert (tmp_path / "out" / MARKER).exists()


NAMES = ["config.yaml", "fetched.json", "corpus", "downloads", ".lock", *(
    f"downloads/{name}" for name in (".lock", f"{ARCHIVE}.part", f"{ARCHIVE}.part.json", f"{ARCHIVE}.lock.json")
)]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_what_somebody_else_put_there_is_left_as_it_is(go, tmp_path, name, kind):
    out, theirs = tmp_path / "out", tmp_path / "theirs"
    (out / "downloads").mkdir(parents=True)
    (out / MARKER).write_text('{"kind": "corpus"}')
    if name == "downloads":
        shutil.rmtree(out / "downloads")
    plant(out / name, kind, theirs)
    before, inode = snapshot(theirs), os.lstat(out / name).st_ino
    if (name, kind) in {("corpus", "folder"), ("downloads", "folder")}:
        go(out)
    elif (name, kind) in {("config.yaml", "hard link"), ("fetched.json", "hard link")}:
        go(out)  # one is left as the user changed it, the other is replaced as a whole
    else:
        with pytest.raises(CatscaleError, match=rf"{name.rpartition('/')[2]} is ".replace(".", r"\.")):
            go(out)
        assert os.lstat(out / name).st_ino == inode
    assert snapshot(theirs) == before


@pytest.mark.parametrize("name", [f"{ARCHIVE}.part", f"{ARCHIVE}.part.json", f"{ARCHIVE}.lock.json"])
def test_files_with_names_of_ours_are_not_written_over(go, tmp_path, name):
    """As a browser leaves an unfinished download in a folder of the user's."""
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    (downloads / name).write_text("mine")
    (downloads / "other").write_text("mine")
    with pytest.raises(CatscaleError, match=rf"{name} is there, and (no download|is no record) of catscale"):
        go(tmp_path / "out", downloads)
    assert snapshot(downloads).items() >= {name: b"mine", "other": b"mine"}.items()
    (downloads / name).unlink()
    assert go(tmp_path / "out", downloads).is_new
    assert (downloads / "other").read_text() == "mine"
