"""A run's model in CTranslate2's format, kept beside it; `tests/cli/test_decoding.py` decodes with real ones."""

import os
from importlib.metadata import version
from pathlib import Path

import pytest

from catscale.evaluation.config import EvaluationConfig
from catscale.run.folder import converted as module
from catscale.run.folder.converted import SOURCE, converted_best, describe_source, identify_files
from catscale.system.writing.manifest import checksum, write_manifest

ctranslate2 = pytest.importorskip("ctranslate2", reason="CTranslate2 is not installed")


@pytest.fixture
def best(tmp_path) -> Path:
    folder = tmp_path / "run" / "best"
    folder.mkdir(parents=True)
    for name in ("model.safetensors", "config.json", "notes.txt"):
        (folder / name).write_text(name)
    write_manifest(folder)
    return folder


@pytest.fixture
def conversions(monkeypatch) -> list[str]:
    """Precisions in which something was converted; the conversion is a copy."""
    made: list[str] = []

    def convert(best: Path, target: Path, precision: str, vocabulary: object = None) -> None:
        made.append(precision)
        target.mkdir()
        for name in ("model.bin", "shared_vocabulary.json"):
            (target / name).write_text((best / "model.safetensors").read_text())

    monkeypatch.setattr("catscale.evaluation.decoding.ctranslate2.convert_model", convert)
    monkeypatch.setattr("catscale.run.decoding.decoders_of", lambda best: ("ctranslate2", "huggingface"))
    return made


def find(best: Path, said: list[str] | None = None, **settings: object) -> Path | None:
    heard = [] if said is None else said
    with converted_best(best.parent, best, EvaluationConfig.model_validate(settings), "cpu", heard.append) as folder:
        return folder


def test_it_is_made_once_for_each_precision(best, conversions):
    kept = find(best)
    assert kept == best.parent / "ctranslate2" / "float32"
    assert {path.name for path in kept.iterdir()} == {"model.bin", "shared_vocabulary.json", "manifest.json", SOURCE}
    assert find(best) == kept
    assert find(best, precision="int8") == best.parent / "ctranslate2" / "int8"
    assert conversions == ["float32", "int8"]


def test_another_model_another_tool_or_damage_make_it_again(best, conversions, monkeypatch):
    kept = find(best)
    assert kept is not None
    (best / "model.safetensors").write_text("another")
    write_manifest(best)
    find(best)
    assert (kept / "model.bin").read_text() == "another"
    (kept / "model.bin").write_text("damaged")
    said: list[str] = []
    find(best, said)
    assert said[0].startswith(f"warning: {kept} is damaged (")
    monkeypatch.setattr(module, "version", lambda package: "99.0")
    find(best)
    assert conversions == ["float32"] * 4


def test_weights_that_were_brought_along_are_not_used(best, conversions):
    """The manifest fits, and so does all that an archive can bring; the inode does not."""
    kept = find(best)
    assert kept is not None
    content = (kept / "model.bin").read_bytes()
    (kept / "copy").write_bytes(content)
    os.replace(kept / "copy", kept / "model.bin")
    find(best)
    assert conversions == ["float32", "float32"]


def test_where_it_cannot_be_kept_it_is_made_for_a_while(best, conversions):
    (best.parent / "ctranslate2").write_text("in the way")
    said: list[str] = []
    with converted_best(best.parent, best, EvaluationConfig(), "cpu", said.append) as folder:
        assert folder is not None
        assert (folder / "model.bin").is_file()
        assert best.parent not in folder.parents
    assert not folder.exists()
    assert said[-1].startswith("note: the converted model is not kept: ")
    assert (best.parent / "ctranslate2").read_text() == "in the way"


def test_another_backend_needs_none(best, conversions):
    assert find(best, backend="huggingface") is None
    assert not (best.parent / "ctranslate2").exists()


def test_what_it_was_made_from(best):
    said = describe_source(best, "int8")
    names = ("model.safetensors", "config.json")
    assert said == {
        "format": module.FORMAT,
        "ctranslate2": version("ctranslate2"),
        "precision": "int8",
        "files": {name: checksum(best / name) for name in names},
    }
    (best / "manifest.json").unlink()
    assert describe_source(best, "int8") == said


def test_files_are_told_by_inode_and_change_and_belong_to_the_user(best, monkeypatch):
    status = (best / "config.json").stat()
    (best / SOURCE).touch()
    found = identify_files(best)
    assert found["config.json"] == [status.st_ino, status.st_ctime_ns]
    assert SOURCE not in found
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    with pytest.raises(PermissionError, match=r"config\.json belongs to another user"):
        identify_files(best)


class KilledError(BaseException):
    """A death at some place, which nothing of the program catches."""


@pytest.mark.parametrize("place", ["convert_into", "write_manifest", "identify_files", "write_json"])
def test_what_a_death_left_between_two_files_is_never_used(best, conversions, monkeypatch, place):
    """In the middle of the conversion, before the manifest, before the files are told, before `source.json`."""
    original = getattr(module, place, None)

    def die(*arguments: object, **options: object) -> None:
        if place == "convert_into":
            (best.parent / "ctranslate2" / "float32").mkdir(exist_ok=True)  # as an older version left it
        raise KilledError

    at = "catscale.evaluation.decoding.ctranslate2" if original is None else module.__name__
    with monkeypatch.context() as patched:
        patched.setattr(f"{at}.{place}", die)
        with pytest.raises(KilledError):
            find(best)
    kept = best.parent / "ctranslate2" / "float32"
    if kept.exists():
        (kept / "model.bin").write_text("half of it")
    assert find(best) == kept
    assert (kept / "model.bin").read_text() == "model.safetensors"
    assert (kept / SOURCE).is_file()
    assert find(best) == kept
    assert sorted(path.name for path in kept.parent.iterdir()) == ["float32"]
    assert len(conversions) == (1 if place == "convert_into" else 2)
