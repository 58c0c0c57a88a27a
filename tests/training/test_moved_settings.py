"""Settings of version 0.1 under their names of today."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from catscale.errors import ConfigError
from catscale.run.config import load_config, parse_config
from catscale.training.moved_settings import MOVED, move_settings

DATA = {"data": {"format": "moses", "path": "corpus", "source": "en", "targets": "all"}}
OLD = {
    "learning_rate": 0.002, "warmup_steps": 7, "betas": [0.8, 0.9], "adam_epsilon": 1e-6, "weight_decay": 0.5,
    "clip_norm": None,
}  # fmt: skip
NEW = {"learning_rate": 0.002, "warmup_steps": 7, "betas": [0.8, 0.9], "epsilon": 1e-6, "weight_decay": 0.5}
NEW |= {"clip_norm": None}


def write(folder: Path, name: str = "my.yaml", **sections: Any) -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump(DATA | sections), encoding="utf-8")
    return path


def test_every_old_key_is_read_under_its_new_name() -> None:
    assert {f"training.{key}" for key in OLD} | {"model.gradient_checkpointing"} == MOVED.keys()
    old = parse_config(DATA | {"training": OLD | {"seed": 3}}, "old")
    assert old == parse_config(DATA | {"training": {"seed": 3}, "optimizer": NEW}, "new")
    assert old.model_dump(mode="json")["optimizer"] == old.optimizer.model_dump(mode="json")


@pytest.mark.parametrize("value", [False, True])
def test_gradient_checkpointing_was_a_setting_of_the_model(tmp_path: Path, value: bool) -> None:
    """As the runs of pre-trained models have it on record, whatever else their section says."""
    said: list[str] = []
    path = write(tmp_path, model={"preset": "tiny", "gradient_checkpointing": value})
    config = load_config(path, (), said.append)
    assert config.training.gradient_checkpointing is value
    assert "gradient_checkpointing" not in config.model.model_dump()
    assert said == [
        f"warning: {path}: model.gradient_checkpointing is now training.gradient_checkpointing; the old name is read "
        "until version 0.3"
    ]
    assert load_config(write(tmp_path), [f"model.gradient_checkpointing={str(value).lower()}"]) == config.model_copy(
        update={"model": load_config(write(tmp_path)).model}
    )


def test_the_content_of_the_caller_is_left_alone() -> None:
    content = DATA | {"training": dict(OLD)}
    parse_config(content, "x")
    assert content == DATA | {"training": OLD}


def test_one_line_names_the_new_places(tmp_path: Path) -> None:
    said: list[str] = []
    path = write(tmp_path, training={"learning_rate": 0.5, "adam_epsilon": 1e-6})
    config = load_config(path, ["training.warmup_steps=3", "training.seed=2"], said.append)
    assert (config.optimizer.learning_rate, config.optimizer.warmup_steps, config.training.seed) == (0.5, 3, 2)
    (line,) = said
    assert line.startswith(f"warning: {path}")
    assert "training.learning_rate is now optimizer.learning_rate" in line
    assert "training.adam_epsilon is now optimizer.epsilon" in line
    assert "training.warmup_steps is now optimizer.warmup_steps" in line
    assert line.endswith("the old names are read until version 0.3")


def test_new_names_are_no_news(tmp_path: Path) -> None:
    said: list[str] = []
    load_config(write(tmp_path, optimizer=NEW), ["optimizer.learning_rate=1"], said.append)
    assert said == []


def test_a_run_s_own_configuration_is_read_in_silence(tmp_path: Path) -> None:
    (tmp_path / "environment.json").write_text("{}")
    said: list[str] = []
    config = load_config(write(tmp_path, "config.yaml", training=OLD), (), said.append)
    assert config.optimizer.model_dump(mode="json").items() >= NEW.items()
    assert said == []


@pytest.mark.parametrize(
    ("section", "override"),
    [
        ({"training": {"learning_rate": 0.5}}, "optimizer.learning_rate=0.25"),
        ({"optimizer": {"learning_rate": 0.5}}, "training.learning_rate=0.25"),
    ],
)
def test_the_command_line_prevails_under_either_name(tmp_path: Path, section: Any, override: str) -> None:
    assert load_config(write(tmp_path, **section), [override]).optimizer.learning_rate == 0.25


def test_a_whole_section_of_old_keys_on_the_command_line(tmp_path: Path) -> None:
    said: list[str] = []
    config = load_config(write(tmp_path), ["training={betas: [0.5, 0.6], seed: 4}"], said.append)
    assert (config.optimizer.model_dump()["betas"], config.training.seed) == ((0.5, 0.6), 4)
    assert len(said) == 1


def test_both_names_at_once_are_an_error(tmp_path: Path) -> None:
    message = r"training\.betas is an earlier name of optimizer\.betas, and both are given"
    both: dict[str, Any] = {"training": {"betas": [0.9, 0.98]}, "optimizer": {"betas": [0.9, 0.99]}}
    with pytest.raises(
        ConfigError, match=rf"my\.yaml: {message}, found \[0\.9, 0\.98\] and \[0\.9, 0\.99\]; leave out"
    ):
        load_config(write(tmp_path, **both))
    with pytest.raises(ConfigError, match=message):
        parse_config(DATA | both, "x")
    with pytest.raises(ConfigError, match=f"--set: {message}; leave out training.betas"):
        load_config(write(tmp_path), ["training.betas=[0.9, 0.98]", "optimizer.betas=[0.9, 0.98]"])


@pytest.mark.parametrize("content", [{}, {"training": None}, {"training": [1]}, {"training": {}, "optimizer": {}},
                                     {"training": {"betas": 1}, "optimizer": 3}])  # fmt: skip
def test_what_has_another_form_is_left_for_the_check(content: dict[str, Any]) -> None:
    before = dict(content)
    assert move_settings(content, "x") == []
    assert content == before


def test_a_wrong_value_is_named_under_the_new_name() -> None:
    with pytest.raises(ConfigError, match=r"optimizer\.learning_rate: input should be greater than 0, found -1"):
        parse_config(DATA | {"training": {"learning_rate": -1}}, "x")
