"""The benchmark of encoding measures what it says, on a corpus of nothing."""

from pathlib import Path
from typing import Any

from benchmarks import encoding

from catscale.data.preparation.builder import Builder
from tests.data.toy_corpora import write_moses


def test_encoding_is_measured_by_turns_and_the_preparation_is_as_before(tmp_path: Path) -> None:
    before = Builder._encode
    write_moses(tmp_path, {"train": 60, "dev": 4, "test": 4})
    content: dict[str, Any] = {
        "data": {"format": "moses", "path": str(tmp_path), "source": "en", "targets": ["de"]}
        | {"store": str(tmp_path / "store")},
        "vocabulary": {"size": 60},
    }
    found = encoding.measure(content, 2)
    assert found["lines"] == 2 * 68
    assert found["share"] > 0
    assert Builder._encode is before
