"""Which build of PyTorch is installed, without installing any."""

from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.packages.scripts import load_script

module = load_script(Path(__file__).parents[2] / "packaging" / "install_torch.py")
CONSTRAINTS = Path(__file__).parents[2] / "constraints.txt"


@pytest.fixture
def machine(monkeypatch):
    """A machine with a GPU or without, and an index whose torch brings CUDA or not; what was run is recorded."""
    ran = []

    def make(gpu=False, packages=("torch", "sympy"), status=0):
        def run(command, check):
            ran.append(command)
            return CompletedProcess(command, status)

        monkeypatch.setattr(module.shutil, "which", lambda name: "/usr/bin/nvidia-smi" if gpu is not None else None)
        monkeypatch.setattr(module, "_run", lambda command: CompletedProcess(command, 0 if gpu else 9, "", ""))
        monkeypatch.setattr(module, "list_packages", lambda constraints: list(packages))
        monkeypatch.setattr(module.subprocess, "run", run)
        return ran

    return make


@pytest.mark.parametrize(
    ("gpu", "asked", "build"),
    [
        (True, "auto", "cuda"),
        (False, "auto", "cpu"),
        (None, "auto", "cpu"),
        (True, "cpu", "cpu"),
        (None, "cuda", "cuda"),
    ],
)
def test_the_build(machine, gpu, asked, build):
    """nvidia-smi that is there and fails is no GPU."""
    machine(gpu)
    assert module.choose_build(asked) == build


def test_the_cpu_build_is_not_taken_from_an_index_that_brings_cuda(machine, capsys):
    ran = machine(packages=("torch", "nvidia-cublas-cu13"))
    assert module.install("cpu", CONSTRAINTS) == 0
    assert ran[0][-2:] == ["--index-url", module.CPU_INDEX]
    assert "about 200 MB to download" in capsys.readouterr().out


@pytest.mark.parametrize(("build", "packages"), [("cpu", ("torch", "sympy")), ("cuda", ("torch", "nvidia-nccl-cu13"))])
def test_the_usual_index_otherwise(machine, build, packages):
    ran = machine(packages=packages)
    assert module.install(build, CONSTRAINTS) == 0
    assert "--index-url" not in ran[0]
    assert ran[0][-3:] == ["-c", str(CONSTRAINTS), "torch"]


def test_pip_s_failure_is_the_command_s(machine):
    machine(status=3)
    assert module.install("cuda", CONSTRAINTS) == 3
