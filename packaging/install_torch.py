"""Install PyTorch before everything else: the CPU build or a CUDA build, as asked or as the machine has a GPU.

python packaging/install_torch.py auto|cpu|cuda [--constraints constraints.txt]

pip alone takes, on Linux, a build with CUDA, of several GB. Where the CPU build is wanted and the configured index
would bring CUDA, PyTorch's own index of CPU builds is used. A fitting PyTorch that is there is kept.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
SIZES = {
    "cpu": "about 200 MB to download, 0.8 GB installed; the whole environment 2.4 GB",
    "cuda": "with CUDA several GB to download and 5 to 7 GB installed; `make install TORCH=cpu` takes 0.8 GB",
}


def choose_build(asked: str) -> str:
    """Return "cpu" or "cuda": what was asked, or with "auto" what the machine can use."""
    if asked != "auto":
        return asked
    return "cuda" if shutil.which("nvidia-smi") and _run(["nvidia-smi", "-L"]).returncode == 0 else "cpu"


def brings_cuda(packages: Sequence[str]) -> bool:
    """Whether what pip would install includes CUDA's libraries.

    >>> brings_cuda(["torch", "sympy"]), brings_cuda(["torch", "nvidia-cublas-cu13"]), brings_cuda(["triton"])
    (False, True, True)
    """
    return any(name.lower().startswith(("nvidia-", "cuda-", "triton")) for name in packages)


def list_packages(constraints: Path) -> list[str]:
    """Return the names of what pip would install for torch; nothing is installed."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        done = _run(
            [*_pip("install"), "--dry-run", "--quiet", "--report", str(report), "-c", str(constraints), "torch"]
        )
        if done.returncode:
            sys.exit(f"pip cannot resolve torch ({done.returncode}):\n{done.stderr}")
        content = json.loads(report.read_text(encoding="utf-8"))
    return [item["metadata"]["name"] for item in content["install"]]


def install(build: str, constraints: Path) -> int:
    """Install torch in this environment.

    Returns:
        pip's exit status.
    """
    command = [*_pip("install"), "-c", str(constraints), "torch"]
    if build == "cpu" and brings_cuda(list_packages(constraints)):
        command += ["--index-url", CPU_INDEX]
    print(f"installing PyTorch, {build} build: {SIZES[build]}", flush=True)
    return subprocess.run(command, check=False).returncode


def _pip(verb: str) -> list[str]:
    return [sys.executable, "-m", "pip", verb, "--disable-pip-version-check"]


def _run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, check=False, capture_output=True, text=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--constraints", type=Path, default=Path("constraints.txt"))
    options = parser.parse_args()
    return install(choose_build(options.build), options.constraints)


if __name__ == "__main__":
    sys.exit(main())
