"""How an architecture is chosen: by a configuration, and by a saved folder."""

import json
from pathlib import Path
from typing import Any

import pytest

from catscale.errors import CheckpointError, ConfigError
from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.decoding.choice import choose_backend
from catscale.model.check_material import DIRECTIONS, VOCABULARY
from catscale.model.decoders import decoders_of
from catscale.model.m2m100 import M2M100
from catscale.model.saved_config import DECODERS
from catscale.model.table import ARCHITECTURES, architecture_of, load_model
from catscale.run.config import RunConfig, parse_config
from tests.model.adapted import Adapted

SIZES: dict[str, Any] = {"preset": "tiny", "width": 16, "heads": 2, "feed_forward": 24}
DATA = {"format": "opus100", "path": "x", "source": "en", "targets": "all"}


def parse(model: Any) -> RunConfig:
    return parse_config({"data": DATA, "model": model}, "my.yaml")


def test_a_configuration_of_the_first_version_names_none_and_has_the_plain_one() -> None:
    plain = M2M100(preset="ted", width=64)
    assert parse({"preset": "ted", "width": 64}).model == plain
    assert parse({"architecture": "m2m100", "preset": "ted", "width": 64}).model == plain
    assert parse({}).model == M2M100()
    assert parse({}).model_dump(mode="json")["model"]["architecture"] == "m2m100"


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"architecture": "m2m10"}, r"model\.architecture: 'm2m10' is not known; did you mean m2m100\?"),
        ({"architecture": "m2m100", "pretrained": "x"}, r"model\.pretrained: unknown key; it belongs to the arch"),
        ({"width": "8"}, r"model\.width: input should be a valid integer, found '8'"),
        ({"widht": 8}, r"model\.widht: unknown key; did you mean width\?"),
    ],
)
def test_mistakes_are_named(model: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse(model)


def test_a_folder_names_its_architecture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for architecture, name in ((M2M100(**SIZES), "plain"), (Adapted(**SIZES), "toy")):
        (tmp_path / name).mkdir()
        architecture.build(VOCABULARY, DIRECTIONS, 1).save(tmp_path / name)
    assert "architecture" not in json.loads((tmp_path / "plain/config.json").read_text())
    assert architecture_of(tmp_path / "plain") is M2M100
    assert decoders_of(tmp_path / "plain") == DECODERS
    known = ", ".join(ARCHITECTURES)
    unknown = rf"config\.json names the architecture 'adapted', which this version .*\(.*{known}\)"
    with pytest.raises(CheckpointError, match=unknown):
        load_model(tmp_path / "toy")
    monkeypatch.setitem(ARCHITECTURES, "adapted", Adapted)
    assert type(load_model(tmp_path / "toy")).__name__ == "AdaptedModel"
    assert decoders_of(tmp_path / "toy") == ("huggingface",)


@pytest.mark.parametrize("settings", [{"backend": "ctranslate2"}, {"precision": "int8"}])
def test_a_backend_that_cannot_run_the_model_is_refused(settings: dict[str, Any]) -> None:
    message = (
        r"the model's architecture is decoded by huggingface without integers, found backend .*change evaluation\."
    )
    with pytest.raises(ConfigError, match=message):
        choose_backend(EvaluationConfig(**settings), "cpu", ("huggingface",))
    assert choose_backend(EvaluationConfig(), "cpu", ("huggingface",)) == "huggingface"
