import torch

from catscale.distributed.processes import Processes
from catscale.training.randomness import gather_random_states, restore_random_states, seed_process
from tests.unchecked import unchecked


def draw(*setting: object) -> torch.Tensor:
    unchecked(seed_process)(*setting)
    return torch.rand(4)


def test_random_numbers_continue() -> None:
    torch.manual_seed(3)
    states = gather_random_states(Processes())
    first = torch.rand(4)
    restore_random_states(states, 1, 7, Processes())
    assert torch.rand(4).equal(first)


def test_a_process_that_there_was_not_before_is_seeded_by_the_step() -> None:
    states = gather_random_states(Processes())
    restore_random_states(states, 1, 7, Processes(rank=1, size=1))
    assert torch.rand(4).equal(draw(1, 7, Processes(rank=1)))


def test_seeds_differ_by_seed_step_and_process() -> None:
    settings = [(seed, step, Processes(rank=rank)) for seed in (1, 2) for step in (0, 5) for rank in (0, 1, 2)]
    assert len({tuple(draw(*setting).tolist()) for setting in settings}) == len(settings)
    torch.manual_seed(2)
    assert draw(2, 0, Processes()).equal(unchecked(torch.manual_seed(2)) and torch.rand(4))
