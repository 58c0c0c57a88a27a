"""Build the wheel, install it alone in an empty environment outside the repository, and train with it for a few steps.

python packaging/check_wheel.py [--torch auto|cpu|cuda] [--keep FOLDER]

The constraints are the repository's; nothing else of it is in reach: not the source, not the tests, not the editable
installation. Everything the command needs must be in the wheel.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
DEMO = ["demo", "--out", "demo", "--languages", "az=4000,tr=8000", "--methods", "T=1", "T=5", "--steps", "4"]
WHERE = "import catscale; print(catscale.__file__)"


def check(torch: str, folder: Path) -> None:
    """Build, install, run.

    Args:
        torch: Build of PyTorch, as `install_torch.py` takes it.
        folder: Empty, outside the repository.

    Raises:
        subprocess.CalledProcessError: If a step fails.
        SystemExit: If the package that ran was not the installed one.
    """
    run([sys.executable, str(ROOT / "packaging" / "make_dist.py"), "--out", str(folder / "dist")], folder)
    (wheel,) = (folder / "dist").glob("*.whl")
    venv.create(folder / "venv", with_pip=True)
    python = str(folder / "venv" / "bin" / "python")
    constraints = str(ROOT / "constraints.txt")
    run([python, str(ROOT / "packaging" / "install_torch.py"), torch, "--constraints", constraints], folder)
    run([python, "-m", "pip", "install", "--disable-pip-version-check", "-c", constraints, str(wheel)], folder)
    where = subprocess.run([python, "-c", WHERE], cwd=folder, env=clean(), check=True, capture_output=True, text=True)
    if not Path(where.stdout.strip()).is_relative_to(folder):
        raise SystemExit(f"the wheel's package must run, found {where.stdout.strip()}; unset PYTHONPATH")
    command = str(folder / "venv" / "bin" / "catscale")
    for arguments in (["--version"], ["--help"], DEMO):
        run([command, *arguments], folder)
    for name in ("report.html", "comparison.json"):
        if not (folder / "demo" / name).is_file():
            raise SystemExit(f"the demo must leave {name}, found {sorted(os.listdir(folder / 'demo'))}")
    print(f"{wheel.name} installs alone and trains")


def clean() -> dict[str, str]:
    """Return the environment without what leads Python into the repository."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


def run(command: list[str], folder: Path) -> None:
    """Run a command in the folder and show what it says."""
    print("$", " ".join(command), flush=True)
    subprocess.run(command, cwd=folder, env=clean(), check=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--keep", type=Path, help="a folder to work in and leave, instead of a temporary one")
    options = parser.parse_args()
    if options.keep is not None:
        options.keep.mkdir(parents=True)
        check(options.torch, options.keep.absolute())
        return 0
    with tempfile.TemporaryDirectory(prefix="catscale-wheel-") as folder:
        check(options.torch, Path(folder).resolve())
    return 0


if __name__ == "__main__":
    sys.exit(main())
