"""The demo's plan; `tests/cli/test_demo.py` runs it (slow)."""

import pytest

from catscale.cli.main import build_parser
from catscale.errors import ConfigError
from catscale.run.demo import METHODS, demo, demo_config
from catscale.run.sweep import plan_sweep


def test_every_method_has_the_same_model_and_budget(tmp_path):
    configs = [run.config for run in plan_sweep(demo_config(tmp_path, 100), METHODS, [1], tmp_path)]
    for config in configs[1:]:
        assert config == configs[0].model_copy(update={"sampling": config.sampling, "balancing": config.balancing})
    assert [config.sampling.name for config in configs] == ["temperature", "temperature", "cats_sampling"]
    assert [config.sampling.temperature for config in configs] == [1, 5, 1]
    assert {config.balancing.name for config in configs} == {"fixed"}
    assert {config.training.max_steps for config in configs} == {100}


def test_the_command_line_s_methods_are_the_demo_s():
    assert tuple(build_parser().parse_args(["demo"]).methods) == METHODS


def test_a_wrong_method_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ConfigError, match="did you mean cats"):
        demo(tmp_path / "demo", None, 1, ["T=1", "cat"], [1], None, print)
    assert not (tmp_path / "demo").exists()
