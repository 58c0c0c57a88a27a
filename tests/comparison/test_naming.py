"""Names of methods: short, telling, and no two alike."""

from typing import Any

import pytest

from catscale.comparison.naming import LONGEST, name_methods

BASE: dict[str, Any] = {
    "sampling.method": "temperature", "sampling.temperature": 5.0, "balancing.method": "fixed",
    "optimizer.learning_rate": 0.1, "optimizer.total_steps": 60, "training.max_steps": 60, "training.precision": "auto",
    "training.validate_every": 30, "model.pretrained": "/models/nllb", "model.pieces": 0, "model.trim": False,
    "model.adapters": None, "data": "0cb45414",
}  # fmt: skip


def name(*changes: dict[str, Any]) -> list[str]:
    return name_methods([BASE, *({**BASE, **change} for change in changes)])


def change(**settings: Any) -> dict[str, Any]:
    return {key.replace("__", "."): value for key, value in settings.items()}


def test_what_follows_or_does_not_matter_is_no_part_of_a_name() -> None:
    other = change(training__max_steps=90, optimizer__total_steps=90, training__validate_every=9, data="11111111")
    assert name({**other, "training.precision": "bf16"}) == ["T=5 max_steps=60", "T=5 max_steps=90"]


@pytest.mark.parametrize(
    ("key", "value", "names"),
    [
        ("training.validate_every", 9, ["T=5 validate_every=30", "T=5 validate_every=9"]),
        ("training.precision", "bf16", ["T=5 precision=auto", "T=5 precision=bf16"]),
        ("data", "11111111", ["T=5 data=0cb45414", "T=5 data=11111111"]),
        ("optimizer.total_steps", 90, ["T=5 total_steps=none", "T=5 total_steps=90"]),
    ],
)
def test_what_alone_differs_is_named(key: str, value: object, names: list[str]) -> None:
    assert name({key: value}) == names


def test_of_many_settings_the_telling_ones_are_named() -> None:
    many = change(model__pieces=9, model__trim=True, model__pretrained="/x/one/best", optimizer__learning_rate=0.2)
    assert name(many) == [
        "T=5 pieces=0 pretrained=nllb trim=no …", "T=5 pieces=9 pretrained=one/best trim=yes …"
    ]  # fmt: skip
    told = name(many, many | change(optimizer__learning_rate=0.3), many | change(training__validate_every=4))
    assert len(set(told)) == 4
    assert "learning_rate=0.3" in told[2]
    assert "validate_every=4" in told[3]


def test_paths_are_as_long_as_they_must_be() -> None:
    alike = [change(model__pretrained=path) for path in ("/other/nllb", "/runs/a/best")]
    assert name(*alike) == ["T=5 pretrained=models/nllb", "T=5 pretrained=other/nllb", "T=5 pretrained=a/best"]


def test_settings_that_hold_others() -> None:
    lora = [{"method": "lora", "rank": rank, "alpha": 32} for rank in (8, 16)]
    found = name(*(change(model__adapters=adapters) for adapters in lora))
    assert found == [
        "T=5 adapters=none", "T=5 adapters=lora adapters.alpha=32 adapters.rank=8",
        "T=5 adapters=lora adapters.alpha=32 adapters.rank=16",
    ]  # fmt: skip


def test_long_values_are_cut_and_never_look_the_same() -> None:
    values = [[f"layer_norm_{n}" for n in range(9)], [f"layer_norm_{n}" for n in range(10)]]
    found = name(*(change(model__freeze=value) for value in values))
    assert len(set(found)) == 3
    assert max(len(part.partition("=")[2]) for one in found for part in one.split(" ")) <= LONGEST


def test_values_that_are_written_alike_are_numbered() -> None:
    assert name(change(model__adapters="none")) == ["T=5 adapters=none", "T=5 adapters=none #2"]
