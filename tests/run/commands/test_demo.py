"""The demo's plan; `tests/cli/test_demo.py` runs it (slow)."""

import json
from pathlib import Path

import pytest

from catscale.cli.parser import build_parser
from catscale.errors import ConfigError
from catscale.run.commands.demo import BASELINE, HINT, METHODS, STEPS, demo, demo_config
from catscale.run.sweep_plan import plan_sweep
from tests.unchecked import unchecked


def test_every_method_has_the_same_model_and_budget(tmp_path):
    configs = [run.config for run in plan_sweep(demo_config(tmp_path, 100), METHODS, [1], tmp_path)]
    for config in configs[1:]:
        assert config == configs[0].model_copy(update={"sampling": config.sampling, "balancing": config.balancing})
    assert [config.sampling.name for config in configs] == ["temperature", "temperature", "cats_sampling"]
    assert [unchecked(config.sampling).temperature for config in configs] == [1, 5, 1]
    assert {config.balancing.name for config in configs} == {"fixed"}
    assert {config.training.max_steps for config in configs} == {100}


def test_the_command_line_s_methods_are_the_demo_s():
    assert tuple(build_parser().parse_args(["demo"]).methods) == METHODS


def test_what_the_demo_says_it_decides_stands_over_every_seed_on_record():
    """Against T=1 the poor languages gain 14 to 19 BLEU, the rich ones lose 0 to 8."""
    changes: dict[str, list[float]] = {"low": [], "high": []}
    for name in ("comparison-demo", "comparison-demo-identity"):
        content = json.loads((Path(__file__).parents[3] / "results" / f"{name}.json").read_text(encoding="utf-8"))
        rows = {(row["over"], row["method"]): row["values"] for row in content["rows"] if row["metric"] == "bleu"}
        for over, found in changes.items():
            for method in ("T=5", "cats_sampling"):
                found += [new - old for new, old in zip(rows[over, method], rows[over, "T=1"], strict=True)]
    assert 13.5 <= min(changes["low"]) <= max(changes["low"]) < 19.5
    assert -8.5 < min(changes["high"]) <= max(changes["high"]) <= 0
    assert "14 to 19 with every seed on record at 650 updates" in HINT
    assert "the rich ones lose less than that (0 to 8)" in HINT
    assert STEPS == 650


def test_the_baseline_is_what_the_question_asks_about():
    assert METHODS[0] == BASELINE


def test_a_wrong_method_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ConfigError, match="did you mean cats"):
        demo(tmp_path / "demo", None, 1, ["T=1", "cat"], [1], None, print)
    assert not (tmp_path / "demo").exists()
