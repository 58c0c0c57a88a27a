"""Two processes with uneven tasks against one process on the union of their batches."""

import time
from pathlib import Path

import pytest
import torch

from tests.balancing.engine.distributed import SCENARIOS, main
from tests.forked import FORKS
from tests.ranks import free_port


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All scenarios, on one process and on two."""
    found, port = tmp_path_factory.mktemp("distributed"), free_port()
    processes = [FORKS.Process(target=main, args=(*place, port, found)) for place in ((0, 1), (0, 2), (1, 2))]
    for process in processes:
        process.start()
    end = time.monotonic() + 150
    for process in processes:
        process.join(max(0.0, end - time.monotonic()))
        process.kill()  # one that waits for another that has failed would do so for hours
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    return found


def read(folder: Path, scenario: tuple[str, str, str], world: int) -> list[dict]:
    """What every process of a run found."""
    alone = ("ddp", scenario[1], scenario[2].removesuffix(" with a plan").replace("mixed", "held"))
    name = "-".join(scenario if world > 1 else alone)
    return [torch.load(folder / f"{name}-{world}-{rank}.pt", weights_only=True) for rank in range(world)]


@pytest.mark.parametrize("scenario", [s for s in SCENARIOS if s[1] != "halves"], ids="-".join)
def test_two_processes_are_one(folder: Path, scenario: tuple[str, str, str]) -> None:
    (alone,) = read(folder, scenario, 1)
    first, second = read(folder, scenario, 2)
    statistics = scenario[1]
    for name, value in first["state"].items():
        if isinstance(value, torch.Tensor):
            assert value.equal(second["state"][name]) or value.isnan().all(), name
            torch.testing.assert_close(value, alone["state"][name], rtol=1e-5, atol=1e-7, equal_nan=True)
    if statistics == "nothing":
        assert first["weights"] == alone["weights"]
    else:
        assert len(set(alone["weights"].values())) == 4
        assert max(alone["weights"].values()) > 1.2 * min(alone["weights"].values())
    for name, value in alone["parameters"].items():
        for other in (first, second):
            assert ((other["parameters"][name] - value).norm() / value.norm()).item() < 1e-5, name
    for one, two in zip(alone["steps"], first["steps"], strict=True):
        for found, expected in zip(two[:2], one[:2], strict=True):
            assert found == pytest.approx(expected, rel=1e-4, abs=1e-7)  # losses that have almost vanished
        assert (two[2] is None) == (one[2] is None)
        if one[2] is not None:
            assert two[2] == pytest.approx(one[2], rel=1e-3)


SUMS = {
    ("plain", "nothing", "mixed"): [226, 5],
    ("ddp", "nothing", "held"): [5, 226, 5],
    ("ddp", "products", "held"): [5, 4, 216, 8, 10, 1],
    ("ddp", "products", "owned"): [5, 1, 226, 8, 1],
    ("plain", "products", "owned with a plan"): [1, 226, 8, 1],
    ("plain", "gramian", "joint with a plan"): [1, 218, 218, 218, 218, 4, 16, 1],
    ("ddp", "gramian", "held"): [5, 216, 216, 216, 216, 4, 16, 10, 1],
    ("fsdp", "nothing", "mixed"): [10, 5],
}
"""Numbers of each sum of the last step, of 4 tasks: without a plan their amounts and whether batches are mixed, whether
their rows have owners, then gradients with a number for each parameter (216 shared, 10 others; 218 shared where one is
fixed), losses, what the method asks for, and the norm, with the losses where it asks for nothing."""


@pytest.mark.parametrize("scenario", SUMS, ids="-".join)
def test_sums_over_processes_of_a_step(folder: Path, scenario: tuple[str, str, str]) -> None:
    assert [content["sent"] for content in read(folder, scenario, 2)] == [SUMS[scenario]] * 2


@pytest.mark.parametrize("mode", ["ddp", "fsdp"])
def test_halves_across_processes(folder: Path, mode: str) -> None:
    """Which parts make a half depends on where they are, so that only the processes can be compared."""
    first, second = read(folder, (mode, "halves", "held"), 2)
    assert first["state"]["alpha"].equal(second["state"]["alpha"])
    assert first["state"]["statistics"].equal(second["state"]["statistics"])
    assert first["state"]["statistics"].isfinite().any()
