"""One process alone, and the parts of gradients; several processes are in test_distributed.py."""

import pytest
import torch

from catscale.balancing.engine.ranks import Ranks, take_local
from catscale.errors import ConfigError
from tests.unchecked import unchecked


class _Spread:
    """Looks like a DTensor."""

    device = torch.device("cpu")
    is_sparse = False

    def __init__(self, ndim: int = 1, shard: bool = True) -> None:
        self.device_mesh = type("Mesh", (), {"ndim": ndim})()
        self.placements = [type("Placement", (), {"is_shard": lambda _: shard})()]

    def to_local(self) -> str:
        return "its part"


def test_one_process_sums_nothing() -> None:
    ranks = Ranks([torch.zeros(2)])
    assert (ranks.size, ranks.is_sharded, ranks.gradient_factor) == (1, False, 1.0)
    values = torch.tensor([1.0, -2.0])
    assert ranks.sum(values).tolist() == ranks.maximum(values).tolist() == [1.0, -2.0]


def test_gradients_of_one_process_are_left_alone() -> None:
    gradient = torch.tensor([1.0, 2.0])
    found = Ranks([torch.zeros(2)]).sum_gradients([torch.zeros(2), torch.zeros(2)], [gradient, None])
    assert found[0] is gradient
    assert found[1] is None
    assert gradient.tolist() == [1.0, 2.0]


def test_all_parameters_sharded_over_one_dimension() -> None:
    ranks = Ranks(unchecked([_Spread(), _Spread()]))
    assert ranks.is_sharded
    assert ranks.gradient_factor == 1.0


@pytest.mark.parametrize(
    "parameters",
    [[_Spread(), torch.zeros(1)], [_Spread(ndim=2)], [_Spread(), _Spread(shard=False)]],
    ids=["plain beside sharded", "two dimensions", "replicated"],
)
def test_other_ways_of_spreading_are_refused(parameters: list[object]) -> None:
    with pytest.raises(ConfigError, match=r"parameters must be all plain tensors or all DTensors .*one-dimensional"):
        Ranks(unchecked(parameters))


def test_the_local_part_shares_memory() -> None:
    gradient = torch.zeros(3)
    assert take_local(gradient) is gradient
    assert take_local(None) is None
    assert take_local(unchecked(_Spread())) == "its part"


def test_a_sparse_gradient_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"a gradient is sparse.*build the embedding with sparse=False"):
        take_local(torch.eye(2).to_sparse())
