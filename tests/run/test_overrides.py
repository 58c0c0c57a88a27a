"""`--set KEY=VALUE`."""

from typing import Any

import pytest

from catscale.errors import ConfigError
from catscale.run.overrides import apply_overrides
from catscale.settings.section import Section

METHODS = {"sampling": Section({}, "temperature")}


@pytest.mark.parametrize(
    ("overrides", "found"),
    [
        (["training.seed=2"], {"training": {"seed": 2}, "balancing": {"method": "cats", "alpha_lr": 1}}),
        (["training=[0.9, x]"], {"training": [0.9, "x"], "balancing": {"method": "cats", "alpha_lr": 1}}),
        (["a.b.c=x=y"], {"training": None, "balancing": {"method": "cats", "alpha_lr": 1}, "a": {"b": {"c": "x=y"}}}),
        (["balancing.method=cats"], {"training": None, "balancing": {"method": "cats", "alpha_lr": 1}}),
        (["balancing.losses=tokens", "balancing.method=fixed"],
         {"training": None, "balancing": {"method": "fixed", "losses": "tokens"}}),
    ],
)  # fmt: skip
def test_keys_are_set_and_another_method_drops_the_settings_of_the_first(overrides: list[str], found: Any) -> None:
    content: dict[str, Any] = {"training": None, "balancing": {"method": "cats", "alpha_lr": 1}}
    apply_overrides(content, overrides, METHODS)
    assert content == found


def test_settings_without_a_method_are_those_of_the_default() -> None:
    content: dict[str, Any] = {"sampling": {"temperature": 5}}
    apply_overrides(content, ["sampling.method=temperature"], METHODS)
    assert content == {"sampling": {"temperature": 5, "method": "temperature"}}
    apply_overrides(content, ["sampling.method=multidds"], METHODS)
    assert content == {"sampling": {"method": "multidds"}}


@pytest.mark.parametrize(
    ("override", "answer"),
    [
        ("training.seed", "--set needs key=value, as in training.seed=2; found 'training.seed'"),
        ("training..seed=1", "--set needs key=value"),
        ("=1", "--set needs key=value"),
        ("training.seed=[1", "the value is not valid YAML"),
        ("balancing.method.x=1", "'method' is a single value and has no keys"),
    ],
)
def test_what_has_no_such_form_is_refused(override: str, answer: str) -> None:
    with pytest.raises(ConfigError, match=answer):
        apply_overrides({"balancing": {"method": "cats"}}, [override])
