"""The licence of a folder's model: its name, its files, and copies of them."""

import os

import pytest

from catscale.errors import ConfigError
from catscale.model.licence import copy_licence, read_licence


@pytest.mark.parametrize(
    ("card", "name"),
    [
        ("---\nlanguage: [en, tyv]\nlicense: cc-by-nc-4.0\n---\n# NLLB\n", "cc-by-nc-4.0"),
        ("\ufeff---\r\nlicense: mit\r\n---\r\n", "mit"),
        ("---\nlicense: other\nlicense_name: my-own\n---\n", "my-own"),
        ("---\ntags: [nmt]\n---\nlicense: mit\n", None),
        ("license: mit\n", None),
        ("---\nlicense: [mit]\n---\n", None),
        ("---\nlicense: [\n---\n", None),
        ("---\n- license\n---\n", None),
    ],
)
def test_the_name_is_the_card_s(tmp_path, card, name):
    (tmp_path / "README.md").write_text(card, encoding="utf-8", newline="")
    assert read_licence(tmp_path).name == name


def test_the_files_are_copied_by_their_names(tmp_path):
    base, target = tmp_path / "base", tmp_path / "run" / "licence"
    base.mkdir()
    assert read_licence(base).name is None
    assert copy_licence(read_licence(base), target) == []
    assert not target.exists()
    for name in ("LICENSE", "LICENCE.md", "COPYING", "Notice.txt", "license_plate.txt", "licensed", "model.bin"):
        (base / name).write_text(name)
    (base / "LICENSES").mkdir()
    names = ["COPYING", "LICENCE.md", "LICENSE", "Notice.txt", "license_plate.txt"]
    assert sorted(copy_licence(read_licence(base), target)) == names
    assert {path.name: path.read_text() for path in target.iterdir()} == {name: name for name in names}


def test_what_is_no_licence_is_not_copied(tmp_path):
    base = tmp_path / "base"
    base.mkdir()
    (base / "LICENSE").write_bytes(b"x" * (2**20 + 1))
    with pytest.raises(ConfigError, match=r"LICENSE cannot be copied: it is longer than .*; it must be a file of at"):
        copy_licence(read_licence(base), tmp_path / "target")
    (base / "LICENSE").unlink()
    os.mkfifo(base / "COPYING")
    assert copy_licence(read_licence(base), tmp_path / "target") == []
