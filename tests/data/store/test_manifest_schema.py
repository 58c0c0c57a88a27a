"""What a manifest of a token store must hold."""

from typing import Any

import pytest

from catscale.data.store.manifest_schema import ENDS, Formatted, StoreManifest
from catscale.system.reading.schema import check

SUM = {"bytes": 3, "sha256": "0" * 64}
NAMES = ["source.ids", "source.offsets", "target.ids", "target.offsets"]


def manifest(**changes: Any) -> dict[str, Any]:
    """Return a small sound manifest, but for what is changed."""
    sound = {
        "format": 2,
        "fingerprint": "a" * 64,
        "checksum": "b" * 64,
        "directions": ["en-de"],
        "statistics": {"en-de": {"train": {"read": 5, "kept": 4, "dropped": {"empty": 1}}}},
        "vocabulary_size": 100,
        "files": {f"train.en-de.{name}": SUM for name in NAMES} | {"vocabulary/sentencepiece.bpe.model": SUM},
    }
    return sound | changes


def test_a_sound_manifest_is_accepted() -> None:
    check(manifest(), StoreManifest)
    check(manifest(zero_shot=["de-az"]), StoreManifest)
    assert sorted(ENDS) == NAMES


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fingerprint": "A" * 64}, "fingerprint"),
        ({"checksum": "b" * 63}, "checksum"),
        ({"directions": ["../de"]}, "directions"),
        ({"vocabulary_size": 0}, "vocabulary_size"),
        ({"vocabulary_size": 2**31}, "vocabulary_size"),
        ({"statistics": {"en-de": {"valid": {}}}}, "valid"),
        ({"statistics": {"en-de": {"train": {"kept": -1}}}}, "kept"),
        ({"statistics": {"en-de": {"dev": {}}}}, r"files does not list dev\.en-de\.source\.ids"),
        (
            {"files": {f"train.en-de.{name}": SUM for name in NAMES[:-1]}},
            r"does not list train\.en-de\.target\.offsets",
        ),
        ({"files": {"../x": SUM}}, r"lies in its folder or in vocabulary/, found '\.\./x'"),
        ({"files": {"vocabulary/../x": SUM}}, r"lies in its folder or in vocabulary/, found 'vocabulary/\.\./x'"),
        ({"files": {"/x": SUM}}, r"lies in its folder or in vocabulary/, found '/x'"),
    ],
)
def test_a_fault_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check(manifest(**changes), StoreManifest)


def test_a_manifest_of_another_version_tells_its_format() -> None:
    check({"format": 1, "whatever": "it had"}, Formatted)
    with pytest.raises(ValueError, match="format"):
        check({"version": 1}, Formatted)
