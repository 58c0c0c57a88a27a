import json

import pytest

from catscale.system.manifest import MANIFEST, find_damage, forget_cached, read_manifest, write_manifest


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
    (folder / MANIFEST).write_text("[]")
    with pytest.raises(ValueError, match="does not list files"):
        read_manifest(folder)
