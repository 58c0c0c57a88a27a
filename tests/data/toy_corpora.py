"""Small corpora written to disk, and the real ones where they are."""

import gzip
import json
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REAL = Path(os.environ.get("CATSCALE_DATA", ROOT.parent / "shared" / "data"))
WORDS = {
    "en": ["the", "cat", "sleeps", "under", "a", "red", "house", "today", "and", "sings"],
    "de": ["die", "Katze", "schläft", "unter", "einem", "roten", "Haus", "heute", "und", "singt"],
    "az": ["pişik", "qırmızı", "evin", "altında", "bu", "gün", "yatır", "və", "oxuyur", "bir"],
}


def sentences(language: str, count: int, start: int = 0) -> list[str]:
    """`count` different sentences; the n-th has the same words in every language."""
    words = WORDS[language]
    return [" ".join(words[int(digit)] for digit in f"{n * 7919 % 100_000:05d}") for n in range(start, start + count)]


def write(path: Path, lines: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "".join(line + "\n" for line in lines).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def write_moses(root: Path, sizes: dict[str, int], languages: tuple[str, ...] = ("en", "de")) -> Path:
    """Multi-parallel files `SPLIT.LANG` with different sentences in each split."""
    start = 0
    for split, size in sizes.items():
        for language in languages:
            write(root / f"{split}.{language}", sentences(language, size, start))
        start += size
    return root


def write_jsonl(path: Path, pairs: list[dict[str, str]]) -> Path:
    return write(path, [json.dumps({"translation": pair}, ensure_ascii=False) for pair in pairs])


def real(name: str) -> Path:
    """Folder of a real corpus; the test is skipped where it is absent."""
    if not (REAL / name).is_dir():
        pytest.skip(f"the corpus {REAL / name} is not here; set CATSCALE_DATA to the folder of the corpora")
    return REAL / name
