from pathlib import Path
from typing import Any

import pytest

from catscale.data import CleaningConfig, DataConfig
from catscale.errors import ConfigError
from catscale.vocabulary.training import SentencePieceSettings
from tests.unchecked import unchecked

BASE: dict[str, Any] = {"format": "moses", "path": "x", "source": "en", "targets": "all"}


def test_paths_take_the_environment(monkeypatch):
    monkeypatch.setenv("CORPORA", "/data")
    assert DataConfig(**BASE | {"path": "${CORPORA}/a"}).path == Path("/data/a")
    assert DataConfig(**BASE | {"path": "${NOT_SET:-../b}/a"}).path == Path("../b/a")
    with pytest.raises(ConfigError, match=r"variable NOT_SET is not set.*give a default as in \$\{NOT_SET:-folder\}"):
        DataConfig(**BASE | {"path": "${NOT_SET}/a"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"directions": ["en-de"]}, "give either directions or source and targets, not both"),
        ({"targets": None}, "give directions"),
        ({"source": None, "targets": None, "directions": ["ende"]}, "joined by a hyphen"),
        ({"source": None, "targets": None, "directions": ["en-de", "en-de"]}, "each once"),
        ({"targets": None, "sources": "all"}, "give source or sources, not both"),
        ({"pattern": "{split}.{language}"}, "has {language}; the placeholders are {split}"),
        ({"pattern": "{split}.txt"}, "needs {lang}"),
        ({"pattern": "text.{lang}"}, "needs {split}, unless data.holdout"),
        ({"limit": {"en-de": 0}}, "greater than or equal to 1"),
        ({"pattern": "*/{split}.{lang}"}, r"a pattern with \* is for formats whose files hold both languages"),
        ({"pattern": "/x/*/{split}.{lang}"}, r"a pattern with \* is a name below data\.path, without \*\*"),
        ({"pattern": "**/{split}.{lang}"}, r"a pattern with \* is a name below data\.path, without \*\*"),
        ({"format": "pairs", "files": {"train": {"en-de": [["a", "b"]]}}, "pattern": "{split}"}, "list the files in"),
        ({"format": "hf", "pattern": "{split}"}, "pattern is not for the format hf; set name"),
        ({"format": "hf", "name": "{lang}"}, "has {lang}; the placeholders are {source}, {target}, {pair}"),
        ({"name": "{pair}"}, "name is for the format hf, found format moses"),
        ({"revision": "main"}, "revision is for the format hf, found format moses"),
        ({"files": {"train": {"en-de": [["a", "b"]]}}}, "files is for the format pairs, found format moses"),
        ({"format": "parquet", "columns": {"en": 0}}, "an index in columns is for tsv alone"),
        ({"path": None}, "give path, the corpus' folder"),
        ({"format": None, "path": None}, "give format and path, or corpora"),
        ({"formt": "moses"}, r"DataConfig\.formt: unknown key; did you mean format\?"),
        ({"columns": {"en": 0, "de": "German"}}, "columns"),
    ],
)
def test_wrong_settings_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        DataConfig(**BASE | change)


def test_paths_become_absolute_where_they_are_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "local").mkdir()
    given = [("moses", "x", tmp_path / "x"), ("tsv", "-", Path("-")), ("hf", "local", tmp_path / "local")]
    given += [("hf", "Helsinki-NLP/opus-100", Path("Helsinki-NLP/opus-100")), ("hf", "/x", Path("/x"))]
    for kind, path, absolute in given:
        assert DataConfig(**BASE | {"format": kind, "path": path}).with_absolute_paths().path == absolute
        corpora = [{"format": kind, "path": path}]
        mixture = DataConfig(corpora=unchecked(corpora), directions=["en-de"]).with_absolute_paths()
        assert (mixture.path, mixture.corpora[0].path) == (None, absolute)
        assert mixture.store == tmp_path / "prepared"
    listed = {"train": {"en-de": [["a", "b"]]}}
    assert (
        DataConfig(format="pairs", files=unchecked(listed), directions=["en-de"]).with_absolute_paths().path == tmp_path
    )


def test_a_dump_loads_again():
    config = DataConfig(**BASE | {"limit": {"en-de": 5}, "holdout": {"dev": 1, "test": 2}, "columns": {"en": 0}})
    assert DataConfig(**config.model_dump(mode="json")) == config
    vocabulary = SentencePieceSettings(size=100, path=Path("m"))
    assert SentencePieceSettings(**vocabulary.model_dump(mode="json")) == vocabulary


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (CleaningConfig, {"max_length": 0}),
        (CleaningConfig, {"max_ratio": 0.5}),
        (SentencePieceSettings, {"size": 4}),
        (SentencePieceSettings, {"temperature": 0}),
        (SentencePieceSettings, {"character_coverage": 0.5}),
        (SentencePieceSettings, {"character_coverage": 0.979}),  # SentencePiece's own bound is 0.98
        (SentencePieceSettings, {"character_coverage": 1.01}),
        (SentencePieceSettings, {"temperature": 0.01}),
        (SentencePieceSettings, {"size": 10**12}),
        (SentencePieceSettings, {"normalisation": "nfc"}),
        (SentencePieceSettings, {"max_unknown": 1.5}),
    ],
)
def test_bounds(kind, settings):
    with pytest.raises(ConfigError, match=next(iter(settings))):
        kind(**settings)
