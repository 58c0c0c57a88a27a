from pathlib import Path

import pytest
from pydantic import ValidationError

from catscale.data import CleaningConfig, DataConfig, VocabularyConfig

BASE = {"format": "moses", "path": "x", "source": "en", "targets": "all"}


def test_paths_take_the_environment(monkeypatch):
    monkeypatch.setenv("CORPORA", "/data")
    assert DataConfig(**BASE | {"path": "${CORPORA}/a"}).path == Path("/data/a")
    assert DataConfig(**BASE | {"path": "${NOT_SET:-../b}/a"}).path == Path("../b/a")
    with pytest.raises(
        ValidationError, match=r"variable NOT_SET is not set.*give a default as in \$\{NOT_SET:-folder\}"
    ):
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
        ({"formt": "moses"}, "Extra inputs"),
        ({"columns": {"en": 0, "de": "German"}}, "columns"),
    ],
)
def test_wrong_settings_are_refused(change, message):
    with pytest.raises(ValidationError, match=message):
        DataConfig(**BASE | change)


def test_a_dump_loads_again():
    config = DataConfig(**BASE | {"limit": {"en-de": 5}, "holdout": {"dev": 1, "test": 2}, "columns": {"en": 0}})
    assert DataConfig(**config.model_dump(mode="json")) == config
    vocabulary = VocabularyConfig(size=100, path="m")
    assert VocabularyConfig(**vocabulary.model_dump(mode="json")) == vocabulary


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (CleaningConfig, {"max_length": 0}),
        (CleaningConfig, {"max_ratio": 0.5}),
        (VocabularyConfig, {"size": 4}),
        (VocabularyConfig, {"temperature": 0}),
        (VocabularyConfig, {"character_coverage": 0.5}),
    ],
)
def test_bounds(kind, settings):
    with pytest.raises(ValidationError, match=next(iter(settings))):
        kind(**settings)
