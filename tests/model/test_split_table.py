"""A table in two parts reads and predicts as the whole one, and only the new rows are trained."""

from typing import Any

import pytest
import torch
from torch.nn import Parameter
from torch.nn.functional import embedding

from catscale.model.check_material import VOCABULARY
from catscale.model.m2m100 import M2M100
from catscale.model.split_table import SplitEmbedding, SplitHead, split_table

IDS = torch.tensor([[0, 6, 7, 9], [1, 8, 2, 7]])


@pytest.fixture
def whole():
    torch.manual_seed(1)
    return torch.randn(10, 4)


def make_network() -> Any:
    return M2M100(preset="tiny", width=16, heads=2, feed_forward=24).build(VOCABULARY, (), 1).network


def parts_of(whole):
    return Parameter(whole[:7].clone(), requires_grad=False), Parameter(whole[7:].clone())


def test_rows_logits_and_gradients_are_those_of_the_whole_table(whole):
    old, new = parts_of(whole)
    split, head = SplitEmbedding(old, new, 2.0, 1), SplitHead(old, new)
    assert split.num_embeddings == 10
    assert torch.equal(split.weight, whole)
    assert torch.equal(head.weight, whole)
    table = Parameter(whole.clone())
    expected = embedding(IDS, table, 1) * 2
    found = split(IDS)
    assert torch.equal(found, expected)
    states = torch.randn(3, 4)
    assert torch.allclose(head(states), states @ table.T)
    (found.square().sum() + head(states).sin().sum()).backward()
    (expected.square().sum() + (states @ table.T).sin().sum()).backward()
    assert torch.allclose(new.grad, table.grad[7:])
    assert old.grad is None


def test_all_places_of_a_network_share_the_two_parts():
    network = make_network()
    before = network.lm_head.weight.clone()
    split_table(network, 3)
    places = [network.model.shared, network.model.encoder.embed_tokens, network.model.decoder.embed_tokens]
    assert len({id(place.new) for place in [*places, network.lm_head]}) == 1
    assert len({id(place.old) for place in [*places, network.lm_head]}) == 1
    assert torch.equal(network.lm_head.weight, before)
    assert {place.embed_scale for place in places} == {4.0}
    for wrong in (0, 34):
        with pytest.raises(ValueError, match=f"new rows must be from 1 to 33, found {wrong}"):
            split_table(make_network(), wrong)
