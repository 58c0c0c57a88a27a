"""The parts that can be held as they are, and what is left to train."""

import pytest

from catscale.model.check_material import DIRECTIONS, VOCABULARY
from catscale.model.freezing import MEMBERS, PARTS, WHOLE, Part, freeze_parts
from catscale.model.m2m100 import M2M100

SETTINGS = M2M100(preset="tiny", width=16, heads=2, feed_forward=24, encoder_layers=2, decoder_layers=1)


def trained(*parts: Part) -> set[str]:
    """Names of the parameters that are left to train."""
    model = freeze_parts(SETTINGS.build(VOCABULARY, DIRECTIONS, 1), parts)
    return {name.removeprefix("network.model.") for name, p in model.named_parameters() if p.requires_grad}


def test_nothing_is_frozen_without_a_name() -> None:
    assert len(trained()) == len(list(SETTINGS.build(VOCABULARY, DIRECTIONS, 1).parameters()))


def test_the_table_is_frozen_on_both_sides_and_in_the_output() -> None:
    assert trained() - trained("embeddings") == {"shared.weight"}


@pytest.mark.parametrize(
    ("part", "beginnings", "ends"),
    [
        ("encoder", ("encoder.",), ("",)),
        ("decoder", ("decoder.",), ("",)),
        ("attention", ("encoder.", "decoder."), ("_proj.weight", "_proj.bias")),
        ("feed_forward", ("encoder.", "decoder."), ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias")),
        ("layer_norm", ("encoder.", "decoder."), ("norm.weight", "norm.bias")),
    ],
)
def test_a_part_is_what_its_name_says(part: Part, beginnings: tuple[str, ...], ends: tuple[str, ...]) -> None:
    expected = {name for name in trained() if name.startswith(beginnings) and name.endswith(ends)}
    assert expected
    assert trained() - trained(part) == expected


def test_parts_add_up() -> None:
    assert trained("embeddings", "layer_norm") == trained("embeddings") & trained("layer_norm")
    assert trained(*WHOLE) == set()
    assert set(MEMBERS) == set(PARTS)


def test_groups_hold_what_is_trained() -> None:
    model = freeze_parts(SETTINGS.build(VOCABULARY, DIRECTIONS, 1), ["embeddings", "encoder"])
    assert list(model.parameter_groups()) == ["decoder.norm", "decoder.0"]
    assert {name[0] for name in model.module_groups()} == {"D"}
    assert len(model.shared_parameters()) == sum(map(len, model.parameter_groups().values()))
