"""Classes of the user's own: named in a configuration, imported from it alone, kept as they are written elsewhere."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from catscale.balancing.contract import MethodSettings
from catscale.errors import ConfigError
from catscale.run.config import dump_config, load_config, parse_config
from catscale.run.folder.run_folder import load_run, open_folder
from catscale.sampling import Sampler
from catscale.settings.own_class import RecordedChoice, import_class
from tests.own_module import module_at_hand
from tests.unchecked import unchecked

DATA = {"data": {"format": "moses", "path": "corpus", "source": "en", "targets": "all"}}
MODULE = """
from typing import Literal

from pydantic import Field

from catscale.balancing.contract import MethodSettings
from catscale.optimisation.adamw import AdamW
from catscale.sampling import TemperatureSampling


class Hot(TemperatureSampling):
    heat: float = Field(default=2.0, gt=0)


class Heavy(MethodSettings):
    method: Literal["heavy"] = "heavy"
    losses: Literal["tokens", "tasks"] = "tokens"


class Slow(AdamW):
    pass


NUMBER = 3
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module in the working directory, by a name that no other test has."""
    with module_at_hand(tmp_path, monkeypatch, MODULE) as name:
        yield name


@pytest.mark.filterwarnings("error")  # pydantic warns of a class that it does not expect in a section
def test_a_configuration_names_them_and_its_record_is_loadable(module: str, tmp_path: Path) -> None:
    content = DATA | {
        "sampling": {"method": f"{module}:Hot", "heat": 3.0, "temperature": 2.0},
        "balancing": {"method": f"{module}:Heavy"},
        "optimizer": {"method": f"{module}:Slow", "learning_rate": 0.01},
    }
    config = parse_config(content, "x")
    sampling = unchecked(config.sampling)
    assert (sampling.heat, sampling.temperature, sampling.name) == (3.0, 2.0, f"{module}:Hot")
    assert (config.balancing.name, config.optimizer.method) == (f"{module}:Heavy", f"{module}:Slow")
    shares = Sampler(config.sampling, {"en-az": 1, "en-fr": 9}).probabilities(1)
    assert shares.tolist() == pytest.approx([0.25, 0.75])
    path = tmp_path / "mine.yaml"
    path.write_text(dump_config(config))
    again = load_config(path)
    assert (again.balancing, again.optimizer) == (config.balancing, config.optimizer)
    assert again.sampling == config.sampling
    assert load_config(path, ["sampling.heat=5"]).sampling != config.sampling


def test_the_record_of_a_run_is_not_followed_to_code(module: str, tmp_path: Path) -> None:
    content = DATA | {"sampling": {"method": f"{module}:Hot", "heat": 3.0}}
    config = parse_config(content, "x")
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.yaml").write_text(dump_config(config))
    sys.modules.pop(module)
    import_class.cache_clear()
    begun = load_run(folder)  # a run that has only begun, or that somebody made up
    assert isinstance(begun.sampling, RecordedChoice)
    assert module not in sys.modules
    (folder / "environment.json").write_text(json.dumps({"data_fingerprint": "0" * 64}))
    recorded = load_run(folder)
    assert module not in sys.modules
    assert isinstance(recorded.sampling, RecordedChoice)
    assert recorded.sampling.name == f"{module}:Hot"
    assert recorded.model_dump(mode="json")["sampling"] == config.model_dump(mode="json")["sampling"]
    assert yaml.safe_load(dump_config(recorded))["sampling"] == yaml.safe_load(dump_config(config))["sampling"]
    with pytest.raises(
        ConfigError, match=r":Hot is a class of the user's own, and the record of a run is not followed"
    ):
        recorded.sampling.for_data({"en-az": 1.0}, 1.0)
    open_folder(folder, config)  # the user's own configuration continues it
    with pytest.raises(ConfigError, match=r"sampling\.heat: 3\.0 there, 4\.0 now"):
        open_folder(folder, parse_config(DATA | {"sampling": {"method": f"{module}:Hot", "heat": 4.0}}, "x"))


def test_a_class_without_settings_has_the_name_that_it_was_imported_by(module: str) -> None:
    made = import_class(f"{module}:Heavy", MethodSettings)
    assert unchecked(made)().name == f"{module}:Heavy"
    with pytest.raises(ConfigError, match=rf"method: input should be '{module}:Heavy'"):
        unchecked(made)(method="heavy")


@pytest.mark.parametrize(
    ("section", "settings", "message"),
    [
        ("sampling", {"method": "{}:Cold"}, "{}:Cold cannot be imported .*has no attribute 'Cold'.*; put the module"),
        ("sampling", {"method": "no_such_module_here:Hot"}, "no_such_module_here:Hot cannot be imported .*install it"),
        (
            "sampling",
            {"method": "{}:NUMBER"},
            "must be a class that derives from catscale.sampling.contract.Sampl",
        ),
        ("sampling", {"method": "{}:Heavy"}, "must be a class that derives from catscale.sampling.contract.Sampl"),
        ("balancing", {"method": "{}:Hot"}, "must be a class that derives from catscale.balancing.contract.Meth"),
        ("sampling", {"method": "{}:Hot", "heat": -1.0}, "heat: input should be greater than 0"),
        ("sampling", {"method": "{}:Hot", "haet": 1.0}, "haet: unknown key; did you mean heat"),
        ("sampling", {"method": "a b:Hot"}, "sampling.method: 'a b:Hot' is not known"),
        ("model", {"architecture": "{}:Hot"}, "is not known"),
    ],
)
def test_what_is_no_such_class(module: str, section: str, settings: dict[str, Any], message: str) -> None:
    filled = {key: value.format(module) if isinstance(value, str) else value for key, value in settings.items()}
    with pytest.raises(ConfigError, match=message.replace("{}", module)):
        parse_config(DATA | {section: filled}, "x")
