"""Names of stores on record: what was prepared before is found again, whatever modules and classes are called."""

import json
from pathlib import Path

import pytest

from catscale.data import DataConfig
from catscale.data.corpora.corpus import Corpus
from catscale.data.preparation.fingerprint import HashCache, fingerprint
from catscale.vocabulary.training import SentencePieceSettings
from tests.data.formats.writers import WRITERS
from tests.data.toy_corpora import sentences, write, write_moses

PAIRS = [(f"the cat {n}", f"die Katze {n}") for n in range(7)]
CASES: dict[str, tuple[dict[str, object], dict[str, object], str]] = {
    "moses": (
        {"format": "moses", "path": "moses"},
        {"size": 150},
        "099c37c9b8c09ab2ac09714af31a44242b65c8fdb1ee43f2ff6a3800ca6bf264",
    ),
    "the rule of 0.1": (
        {"format": "moses", "path": "moses"},
        {"size": 150, "normalisation": "nmt_nfkc"},
        "087d7f5878c14113c2453cdec5be8148301ee4a29044ac404c5691e28e96e07b",
    ),
    "a given model": (
        {"format": "moses", "path": "moses"},
        {"path": "given.model", "max_unknown": 0.5},
        "1eaab548ab06fbd25542069f17593b33dd60754be31c180d53dccd085f6eb774",
    ),
    "limits and holdout": (
        {"format": "moses", "path": "moses", "limit": {"en-de": 9}, "holdout": {"dev": 2, "test": 2}},
        {"size": 150},
        "a939fda2f007c6533256c16bfe1c00c8532d3e57309047a3905f0d5f773e4e00",
    ),
    "tsv": ({"format": "tsv", "path": "files"}, {}, "836324cce88e254bfe1bae5522a46b81a8cb44bc34681ecbcd30908a995157b0"),
    "jsonl": (
        {"format": "jsonl", "path": "files"},
        {},
        "3bc3c77f025ca942a98729534337857423d65d5e634ad2b65ee278f4d1d3c3bf",
    ),
    "tmx": ({"format": "tmx", "path": "files"}, {}, "9660b3bd6e39b18ee6b1f590e5aa610ce3334826a71cf141429c872dd5ce50c8"),
    "xliff": (
        {"format": "xliff", "path": "files"},
        {},
        "61407c6940a9a807ff23cd976fb06515e84441577c29378d61abf87cff4a0704",
    ),
    "a mixture": (
        {"corpora": [{"format": "moses", "path": "moses"}, {"format": "tmx", "path": "files", "use": ["train"]}]},
        {"size": 99},
        "fbbdb4a4c24c8e5650032de946ac7dad966c1f6c956d70d06905a84ce8cd663e",
    ),
}


def write_files(folder: Path) -> None:
    """Write the corpora, which are the same on every machine."""
    write_moses(folder / "moses", {"train": 20, "dev": 3, "test": 3})
    for name, ending in (("tsv", "tsv"), ("jsonl", "jsonl"), ("tmx", "tmx"), ("xliff", "xlf")):
        for split in ("train", "dev"):
            path = folder / "files" / f"{split}.{ending}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(WRITERS[name](PAIRS))
    write(folder / "given.model", sentences("en", 3))


@pytest.mark.parametrize("name", CASES)
def test_the_name_of_a_store_is_the_one_on_record(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, vocabulary, expected = CASES[name]
    write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    config = DataConfig.model_validate({**data, "directions": ["en-de"]})
    settings = SentencePieceSettings.model_validate(vocabulary)
    assert fingerprint(Corpus(config), settings, HashCache(tmp_path / "hashes.json")) == expected


def test_the_kind_of_a_vocabulary_counts_where_it_is_not_the_first(tmp_path: Path) -> None:
    """`kind` is no setting of version 0.1, so that it must not be part of what `sentencepiece` hands on."""
    settings = SentencePieceSettings()
    assert "kind" not in settings.relevant()
    assert json.dumps(settings.relevant())
