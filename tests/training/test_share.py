"""What each process computes of a step: together all of it, once."""

import pytest
import torch

from catscale.distributed.processes import Processes
from catscale.model.likelihood import batch_losses
from catscale.training.dealt_batches import share
from tests.training.test_trainer import FixedStream, fresh_model


@pytest.mark.parametrize("size", [2, 3, 8])
def test_the_processes_sum_to_the_step(size):
    """More processes than rows leave some with nothing."""
    batches = FixedStream().batches
    mine = [share(batches, Processes(rank, size)) for rank in range(size)]
    model = fresh_model().eval()
    for task, parts in batches.items():
        found = [part for own in mine for part in own.get(task, [])]
        assert sum(part.tokens for part in found) == sum(part.tokens for part in parts)
        sums = [torch.stack([torch.stack(batch_losses(model, part, 0.1)) for part in p]).sum(0) for p in (found, parts)]
        torch.testing.assert_close(sums[0], sums[1])


def test_one_process_takes_the_sub_batches_as_they_are():
    batches = FixedStream().batches
    mine = share(batches, Processes())
    assert list(mine) == list(batches)
    assert all(found is part for task in batches for found, part in zip(mine[task], batches[task], strict=True))


def test_rows_of_a_batch():
    whole = FixedStream().batches["en-fr"][0]
    assert whole.shape == (1, 5, 3)
    part = whole.rows(0, 1)
    assert part.labels.equal(whole.labels)
    assert part.predicted.equal(whole.predicted)
