"""Tensors that go to a GPU in one buffer come out as they were; the GPU is stood in for."""

from typing import Any

import pytest
import torch
from torch import Tensor

from catscale.data import carrying as module
from catscale.data.batching import IGNORED, make_batch
from catscale.data.carrying import carry, pack, unpack
from catscale.data.direction import Direction
from catscale.data.joining import join_batches
from tests.run.corpus import VOCABULARY

PAIRS = ([[5, 6, 7], [8]], [[9], [10, 11]])
CUDA = torch.device("cuda")


def batch_of(sources: list[list[int]], targets: list[list[int]], language: str = "az"):
    return make_batch(sources, targets, VOCABULARY, Direction("en", language))


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert list(found) == list(expected)
    for name, tensor in expected.items():
        assert found[name].dtype is torch.int64
        assert found[name].equal(tensor), name


@pytest.mark.parametrize("pairs", [PAIRS, ([[5, 6]], [[9]])], ids=["padded", "not padded"])
def test_what_is_packed_is_unpacked(pairs: Any) -> None:
    tensors = batch_of(*pairs).tensors
    assert ("attention_mask" in tensors) is (pairs is PAIRS)
    packed = pack(tensors)
    assert (packed.dtype, packed.numel()) == (torch.int32, sum(tensor.numel() for tensor in tensors.values()))
    assert_same(unpack(packed, tensors), tensors)
    assert (tensors["labels"] == IGNORED).any()  # a negative number survives


def test_on_a_processor_nothing_is_copied() -> None:
    tensors = batch_of(*PAIRS).tensors
    found = carry(tensors, torch.device("cpu"))
    assert all(found[name] is tensor for name, tensor in tensors.items())


class FakeBuffer:
    """A packed buffer: how it is moved is noted, and it comes out on the host."""

    def __init__(self, packed: Tensor, noted: list[Any]) -> None:
        self.packed, self.noted = packed, noted

    def pin_memory(self) -> "FakeBuffer":
        self.noted.append("pinned")
        return self

    def to(self, device: torch.device, non_blocking: bool) -> Tensor:
        self.noted.append((device.type, non_blocking))
        return self.packed


def test_a_gpu_fetches_one_pinned_buffer_of_a_batch_and_of_a_joined_one(monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[Any] = []
    monkeypatch.setattr(module, "pack", lambda tensors: FakeBuffer(pack(tensors), noted))
    batch = batch_of(*PAIRS)
    assert_same(batch.to(CUDA).tensors, batch.tensors)
    assert noted == ["pinned", ("cuda", True)]
    joined = join_batches([batch, batch_of([[5]], [[6, 7]], "fr")], [0, 1], VOCABULARY.pad_id)
    moved = joined.to(CUDA)
    assert_same(moved.batch.tensors, joined.batch.tensors)
    assert moved.owners.equal(joined.owners)
    assert moved.batch.direction == joined.batch.direction
    assert noted == ["pinned", ("cuda", True)] * 2
