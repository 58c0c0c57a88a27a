import json
import os

import pytest

from catscale.system.writing.manifest import (
    MANIFEST,
    find_damage,
    find_file_damage,
    forget_cached,
    read_manifest,
    write_manifest,
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "b.bin").write_bytes(bytes(1000))
    write_manifest(tmp_path)
    return tmp_path


def test_it_lists_every_file_but_itself(folder):
    write_manifest(folder)
    assert read_manifest(folder) == {
        "a.txt": {"bytes": 3, "sha256": "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"},
        "b.bin": {"bytes": 1000, "sha256": "541b3e9daa09b20bf85fa273e5cbd3e80185aa4ec298e765db87742b70138a53"},
    }
    assert find_damage(folder) is None
    forget_cached(folder)
    assert find_damage(folder, ("a.txt", "b.bin")) is None


def test_damage_is_named(folder):
    assert find_damage(folder, ("a.txt", "d", "c")) == f"{MANIFEST} does not list c, d"
    (folder / "b.bin").write_bytes(bytes(999) + b"\1")
    assert find_damage(folder) == "b.bin does not match its checksum"
    (folder / "b.bin").unlink()
    assert "No such file" in str(find_damage(folder))
    (folder / MANIFEST).unlink()
    assert MANIFEST in str(find_damage(folder))


@pytest.mark.parametrize("name", ["../a.txt", "/etc/passwd", "..", ".", "", "sub/a.txt", "a\0b"])
def test_a_manifest_does_not_lead_out_of_its_folder(folder, name):
    (folder / MANIFEST).write_text(json.dumps({name: {"bytes": 3, "sha256": ""}}))
    with pytest.raises(ValueError, match="does not list files"):
        read_manifest(folder)
    assert find_damage(folder) == "manifest.json does not list files"


def test_what_is_no_manifest(folder):
    (folder / MANIFEST).write_text("[" * 100_000)
    with pytest.raises(ValueError, match="nested too deeply"):
        read_manifest(folder)
    for entry, message in (
        ([3, ""], "a.txt: must hold keys"),
        ({"bytes": -1, "sha256": "0" * 64}, "a.txt: bytes: input should be greater"),
        ({"bytes": 3}, "a.txt: sha256: field required"),
        ({"bytes": 3, "sha256": "x"}, "a.txt: sha256: string should match"),
    ):
        (folder / MANIFEST).write_text(json.dumps({"a.txt": entry}))
        assert str(find_damage(folder)).startswith(f"{MANIFEST}: {message}")
    (folder / MANIFEST).write_text("[]")
    with pytest.raises(ValueError, match="does not list files"):
        read_manifest(folder)


@pytest.mark.timeout(20)
def test_a_listed_pipe_or_link_is_damage(folder, tmp_path):
    (folder / "a.txt").unlink()
    os.mkfifo(folder / "a.txt")  # which would be waited for
    assert "it is a pipe, not a regular file" in str(find_damage(folder))
    assert "it is a pipe" in str(find_file_damage(folder / "a.txt", {"bytes": 0, "sha256": "0" * 64}))
    (folder / "a.txt").unlink()
    (folder / "a.txt").symlink_to("/dev/zero")
    assert "it is a symbolic link" in str(find_damage(folder))
    (folder / MANIFEST).unlink()
    os.mkfifo(folder / MANIFEST)
    assert "it is a pipe" in str(find_damage(folder))
