import hashlib
import json
import os

import pytest

from catscale.errors import DataError
from catscale.recipes.checked_files import obtain
from catscale.recipes.patience import Patience
from catscale.recipes.remote_file import RemoteFile

CONTENT = b"the corpus\n" * 10_000
SHA = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()
QUICK = Patience(tries=2, wait=0.01)


def have(folder, said=None, **files):
    return obtain(files, folder, (said if said is not None else []).append, QUICK)


def lock(folder):
    return json.loads((folder / "f.lock.json").read_text())


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_with_a_checksum(site, tmp_path):
    said: list[str] = []
    file = RemoteFile(url=site.put("f", CONTENT), sha256=SHA, bytes=len(CONTENT))
    assert have(tmp_path, said, f=file) == {"f"}
    assert names(tmp_path) == ["f", "f.lock.json"]
    assert lock(tmp_path)["checked"] == "sha256 of the recipe"
    assert said == [f"downloading 1 file(s), 110 kB, to {tmp_path}", "f: 110 kB, checked"]


def test_a_second_time_nothing_is_done(site, tmp_path, monkeypatch):
    file = RemoteFile(url=site.put("f", CONTENT), sha256=SHA)
    have(tmp_path, f=file)
    monkeypatch.setattr("catscale.recipes.first_use.digests", None)  # nor is it read again
    assert have(tmp_path, f=file) == {"f"}
    assert len(site.requests) == 1


def test_a_wrong_checksum_is_refused_before_anything_uses_the_file(site, tmp_path):
    file = RemoteFile(url=site.put("f", CONTENT), sha256="0" * 64)
    with pytest.raises(DataError, match=rf"f has SHA-256 {SHA}, and the recipe says {'0' * 64}.*fetch again"):
        have(tmp_path, f=file)
    assert names(tmp_path) == []


def test_a_wrong_md5_is_refused(site, tmp_path):
    with pytest.raises(DataError, match=f"f has MD5 {MD5}, and the recipe says {'0' * 32}"):
        have(tmp_path, f=RemoteFile(url=site.put("f", CONTENT), md5="0" * 32))


def test_a_download_pieced_together_wrongly_is_made_anew(site, tmp_path):
    """A server that keeps its entity tag when it changes the file."""
    site.tags["/f"] = '"same"'
    url = site.put("f", b"x" * len(CONTENT), ("break", 5000))
    with pytest.raises(DataError, match="broke off"):
        obtain({"f": RemoteFile(url=url, sha256=SHA)}, tmp_path, print, Patience(tries=1))
    site.put("f", CONTENT)
    said: list[str] = []
    have(tmp_path, said, f=RemoteFile(url=url, sha256=SHA))
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert "the resumed download does not have the right checksum" in said[1]


def test_that_is_tried_once_only(site, tmp_path):
    url = site.put("f", CONTENT, ("break", 5000))
    with pytest.raises(DataError, match="broke off"):
        obtain({"f": RemoteFile(url=url)}, tmp_path, print, Patience(tries=1))
    with pytest.raises(DataError, match="SHA-256"):
        have(tmp_path, f=RemoteFile(url=url, sha256="0" * 64))
    assert len(site.requests) == 3
    assert names(tmp_path) == []


def test_without_a_checksum_the_first_one_is_said_and_recorded(site, tmp_path):
    said: list[str] = []
    have(tmp_path, said, f=RemoteFile(url=site.put("f", CONTENT)))
    assert f"f: no SHA-256 of the publisher is known; found {SHA}, which is recorded in f.lock.json" in said[1]
    assert (lock(tmp_path)["sha256"], lock(tmp_path)["checked"]) == (SHA, "first use")


def test_an_md5_alone_is_checked_and_said(site, tmp_path):
    said: list[str] = []
    have(tmp_path, said, f=RemoteFile(url=site.put("f", CONTENT), md5=MD5))
    assert "no SHA-256 of the publisher is known, only its MD5, which agrees" in said[1]
    assert lock(tmp_path)["checked"] == "md5 of the recipe"


def test_without_a_checksum_the_first_one_is_expected_from_then_on(site, tmp_path):
    file = RemoteFile(url=site.put("f", CONTENT))
    have(tmp_path, f=file)
    (tmp_path / "f").unlink()  # the archive may go, its lock stays
    site.put("f", CONTENT[::-1])
    with pytest.raises(DataError, match=rf"f has SHA-256 \w+, and .*f.lock.json, written at its first use, says {SHA}"):
        have(tmp_path, f=file)
    site.put("f", CONTENT)
    assert have(tmp_path, f=file) == {"f"}


def test_a_file_changed_on_the_disk_is_found(site, tmp_path):
    file = RemoteFile(url=site.put("f", CONTENT), sha256=SHA)
    have(tmp_path, f=file)
    (tmp_path / "f").write_bytes(CONTENT[::-1])
    os.utime(tmp_path / "f", ns=(0, 0))
    with pytest.raises(DataError, match="f has SHA-256"):
        have(tmp_path, f=file)


def test_a_recipe_that_names_another_checksum_later_is_believed(site, tmp_path):
    url = site.put("f", CONTENT)
    have(tmp_path, f=RemoteFile(url=url))
    with pytest.raises(DataError, match="and the recipe says 000"):
        have(tmp_path, f=RemoteFile(url=url, sha256="0" * 64))


def test_a_file_put_there_by_hand_is_checked(tmp_path):
    (tmp_path / "f").write_bytes(CONTENT)
    assert have(tmp_path, f=RemoteFile(url="https://nowhere.invalid/f", sha256=SHA)) == {"f"}
    (tmp_path / "g").write_bytes(CONTENT)
    with pytest.raises(DataError, match="g has bytes 110000, and the recipe says 5"):
        have(tmp_path, g=RemoteFile(url="https://nowhere.invalid/g", bytes=5))


def test_a_file_without_a_public_address_is_asked_for_and_the_rest_goes_on(site, tmp_path):
    said: list[str] = []
    manual = RemoteFile(url=None, manual="Register at https://example.org and download it.")
    files = {"f": RemoteFile(url=site.put("f", CONTENT)), "m": manual}
    assert have(tmp_path, said, **files) == {"f"}
    assert said[-1] == (
        f"m has no public address and is left out. {manual.manual} Then put it into {tmp_path} and fetch again."
    )
    (tmp_path / "m").write_bytes(b"x")
    assert have(tmp_path, said, **files) == {"f", "m"}


def test_a_disk_without_room_for_all_is_said_first(site, tmp_path):
    file = RemoteFile(url=site.put("f", CONTENT), bytes=10**18)
    with pytest.raises(DataError, match=r"downloading 2 file\(s\) needs 2000000.0 TB and .* free; make room"):
        have(tmp_path, f=file, g=file)
    assert site.requests == []
