"""Groups of parameters by kind of module."""

from types import SimpleNamespace
from typing import Any

import pytest

from catscale.model.m2m100 import M2M100

VOCABULARY: Any = SimpleNamespace(size=40, bos_id=0, pad_id=1, eos_id=2, tag=lambda language: 38)


@pytest.mark.parametrize("layer_norms", [True, False])
def test_every_parameter_by_its_name(layer_norms):
    config = M2M100(
        preset="tiny", encoder_layers=2, decoder_layers=3, width=16, heads=2, feed_forward=24,
        layer_norm_parameters=layer_norms,
    )  # fmt: skip
    model = config.build(VOCABULARY, (), 1)
    expected: dict[str, set[str]] = {}
    for name, parameter in model.named_parameters():
        if "shared" in name or not parameter.requires_grad:
            continue
        side = "E" if ".encoder." in name else "D"
        kind = "LN" if "norm" in name else "SA" if "self_attn" in name else "EA" if "encoder_attn" in name else "FC"
        expected.setdefault(f"{side}.{kind}", set()).add(name)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    found = {group: {names[id(p)] for p in members} for group, members in model.module_groups().items()}
    assert found == expected
    assert set(found) == {"E.SA", "E.FC", "D.SA", "D.EA", "D.FC", *(["E.LN", "D.LN"] if layer_norms else [])}
    assert [len(members) for members in model.module_groups().values()] == [len(found[group]) for group in found]
    if layer_norms:
        assert "network.model.encoder.layer_norm.weight" in found["E.LN"]
    assert ("encoder.norm" in model.parameter_groups()) == layer_norms
