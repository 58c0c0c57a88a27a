"""Which plain models stand for a run's: itself, one for each direction, or none."""

from typing import Any

import pytest

from catscale.data.direction import Direction
from catscale.errors import ConfigError
from catscale.model.check_material import VOCABULARY
from catscale.model.m2m100 import M2M100
from catscale.model.table import ARCHITECTURES
from catscale.run.exporting.plain_models import plain_models
from tests.model.adapted import Adapted, AdaptedModel

SIZES: Any = {"preset": "tiny", "width": 16, "heads": 2, "feed_forward": 24}
DIRECTIONS = [Direction("en", "az"), Direction("en", "be")]


class Saved:
    """A vocabulary that writes its name."""

    def save(self, folder):
        (folder / "vocabulary").write_text("saved")


VOCABULARY_FILE: Any = Saved()


class WithPlain(AdaptedModel):
    """One whose own parameters a plain model can do without."""

    def plain(self, direction):
        return self.base


class Foldable(Adapted):
    made = WithPlain


@pytest.fixture
def best(tmp_path):
    (tmp_path / "best").mkdir()
    return tmp_path / "best"


def test_a_plain_model_is_its_own(best):
    M2M100(**SIZES).build(VOCABULARY, DIRECTIONS, 1).save(best)
    with plain_models(best, DIRECTIONS, VOCABULARY_FILE) as found:
        (model,) = found
        assert (model.name, model.folder, model.directions) == ("", best, DIRECTIONS)


def test_one_for_each_direction_where_the_architecture_makes_them(best, monkeypatch):
    monkeypatch.setitem(ARCHITECTURES, "adapted", Foldable)
    Foldable(**SIZES).build(VOCABULARY, DIRECTIONS, 1).save(best)
    with plain_models(best, DIRECTIONS, VOCABULARY_FILE) as found:
        assert [model.name for model in found] == ["en-az", "en-be"]
        for model in found:
            assert {"config.json", "model.safetensors", "vocabulary"} <= {path.name for path in model.folder.iterdir()}
    assert not found[0].folder.exists()


def test_what_has_no_plain_model_is_refused(best, monkeypatch):
    monkeypatch.setitem(ARCHITECTURES, "adapted", Adapted)
    Adapted(**SIZES).build(VOCABULARY, DIRECTIONS, 1).save(best)
    with (
        pytest.raises(ConfigError, match=r"the architecture adapted of .* has no plain model for en-az, .*; allowed"),
        plain_models(best, DIRECTIONS, VOCABULARY_FILE),
    ):
        pass
