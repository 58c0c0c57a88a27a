"""Two processes with uneven tasks against one process on the union of their batches."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.balancing.engine.distributed import SCENARIOS

SCRIPT = Path(__file__).with_name("distributed.py")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All scenarios, on one process and on two."""
    found, port = tmp_path_factory.mktemp("distributed"), free_port()
    places = [(0, 1), (0, 2), (1, 2)]
    commands = [[sys.executable, str(SCRIPT), str(rank), str(world), str(port), str(found)] for rank, world in places]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for command in commands]
    errors = [process.communicate(timeout=250)[1] for process in processes]
    assert all(process.returncode == 0 for process in processes), errors
    return found


def read(folder: Path, scenario: tuple[str, str, str], world: int) -> list[dict]:
    """What every process of a run found."""
    mode = scenario[0] if world > 1 else "ddp"
    name = "-".join((mode, *scenario[1:]))
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


@pytest.mark.parametrize("mode", ["ddp", "fsdp"])
def test_halves_across_processes(folder: Path, mode: str) -> None:
    """Which parts make a half depends on where they are, so that only the processes can be compared."""
    first, second = read(folder, (mode, "halves", "held"), 2)
    assert first["state"]["alpha"].equal(second["state"]["alpha"])
    assert first["state"]["statistics"].equal(second["state"]["statistics"])
    assert first["state"]["statistics"].isfinite().any()
