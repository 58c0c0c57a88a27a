"""`layer_norm_parameters: false`: gains stay 1 and biases 0, in a standard checkpoint."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM

from catscale.data.batching import make_batch
from catscale.data.direction import Direction
from catscale.model.likelihood import batch_losses
from catscale.model.m2m100 import M2M100
from tests.unchecked import unchecked

VOCABULARY: Any = SimpleNamespace(size=60, bos_id=0, pad_id=1, eos_id=2, tag=lambda language: 58)


def trained(has_parameters: bool) -> torch.nn.Module:
    config = M2M100(
        preset="tiny", width=16, heads=2, feed_forward=16, layer_norm_parameters=has_parameters, dropout=0.0
    )
    model = config.build(VOCABULARY, (), 1)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=0.05, weight_decay=0.1)
    batch = make_batch([[5, 6], [7]], [[8], [9, 10]], VOCABULARY, Direction("en", "az"))
    for _ in range(5):
        loss, _ = batch_losses(model, batch, 0.1)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return model


def norms(model: torch.nn.Module) -> list[torch.nn.LayerNorm]:
    found = [module for module in model.modules() if isinstance(module, torch.nn.LayerNorm)]
    assert len(found) == 2 * 2 + 2 * 3 + 2
    return found


def test_without_parameters(tmp_path):
    model = trained(has_parameters=False)
    for norm in norms(model):
        assert norm.weight.eq(1).all()
        assert norm.bias.eq(0).all()
    unchecked(model).save(tmp_path)
    loaded, found = AutoModelForSeq2SeqLM.from_pretrained(tmp_path, output_loading_info=True)
    assert type(loaded).__module__ == "transformers.models.m2m_100.modeling_m2m_100"
    assert (sorted(found["missing_keys"]), sorted(found["unexpected_keys"])) == ([], [])


def test_with_parameters():
    assert all(not norm.weight.eq(1).all() and not norm.bias.eq(0).all() for norm in norms(trained(True)))


def test_both_have_the_same_number_of_parameters_in_the_checkpoint():
    one, other = trained(True).state_dict(), trained(False).state_dict()
    assert {name: value.shape for name, value in one.items()} == {name: v.shape for name, v in other.items()}


def test_they_start_alike():
    sizes: dict[str, Any] = {"preset": "tiny", "width": 16, "heads": 2, "feed_forward": 16}
    one, other = (
        M2M100(**sizes, layer_norm_parameters=with_them).build(VOCABULARY, (), 3) for with_them in (True, False)
    )
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))
    with pytest.raises(StopIteration):
        next(name for name, p in other.named_parameters() if p.requires_grad and "layer_norm" in name)
