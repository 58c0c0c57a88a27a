"""Plants each mutant in a copy of the tree and runs the tests that must go red.

    python -m benchmarks.mutants [SUBSTRING …] [--processes 2] [--timeout 300]

Mutants are those of every file beside this one: `MUTANTS = [(source, old, new, pytest target), …]`, the old text
occurring exactly once. A substring chooses those whose list, source, texts or target hold it. Exits with 1 if any
mutant survives (its tests pass or none ran), with 2 if one cannot be planted.
"""

import argparse
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
COPIED = ("src", "tests", "benchmarks", "experiments", "pyproject.toml", "docs", "README.md", "configs", "examples")
FAILED = 1
"""pytest's exit status where tests ran and failed; a broken import while collecting is 2."""


@dataclass(frozen=True)
class Mutant:
    origin: str
    source: str
    old: str
    new: str
    target: str

    def __str__(self) -> str:
        old, new = (" ".join(text.split())[:58] for text in (self.old, self.new))
        return f"{self.origin:<8} {Path(self.source).name:<17} {old!r} → {new!r}"

    def plant(self, tree: Path) -> None:
        """Change the source.

        Raises:
            ValueError: If the old text does not occur exactly once.
        """
        path = tree / self.source
        text = path.read_text(encoding="utf-8")
        count = text.count(self.old)
        if count != 1 or self.old == self.new:
            raise ValueError(f"{self}: the old text must occur once and differ from the new, found {count} times")
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chosen", nargs="*", help="substrings; all mutants without any")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--timeout", type=float, default=300, help="seconds a mutant; running out of them is a kill")
    options = parser.parse_args()
    mutants = [mutant for mutant in load() if matches(mutant, options.chosen)]
    if not check(mutants):
        return 2
    with ThreadPoolExecutor(options.processes) as pool:
        fates = []
        for mutant, fate in zip(mutants, pool.map(lambda m: run(m, options.timeout), mutants), strict=True):
            print(f"{fate:<9} {mutant}", flush=True)
            fates.append(fate)
    alive = sum(fate not in ("killed", "timeout") for fate in fates)
    print(f"{len(fates) - alive} of {len(fates)} mutants killed, {alive} survived or could not be judged")
    return int(alive > 0)


def load() -> list[Mutant]:
    """The mutants of all lists."""
    found = []
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if not path.stem.startswith("__"):
            module = importlib.import_module(f"benchmarks.mutants.{path.stem}")
            found += [Mutant(path.stem, *mutant) for mutant in module.MUTANTS]
    return found


def matches(mutant: Mutant, chosen: list[str]) -> bool:
    """Whether one of the substrings is in any of the mutant's texts."""
    return not chosen or any(part in text for part in chosen for text in vars(mutant).values())


def check(mutants: list[Mutant]) -> bool:
    """Whether every mutant can be planted; says which cannot."""
    is_fine = True
    for mutant in mutants:
        with tempfile.TemporaryDirectory() as name:
            tree = Path(name)
            (tree / mutant.source).parent.mkdir(parents=True)
            shutil.copy(ROOT / mutant.source, tree / mutant.source)
            try:
                mutant.plant(tree)
            except ValueError as error:
                print(error)
                is_fine = False
    return is_fine


def run(mutant: Mutant, timeout: float) -> str:
    """ "killed", "timeout", "SURVIVED", or "BROKEN" where the tests could not be collected."""
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name)
        for part in COPIED:
            copy(ROOT / part, tree / part)
        mutant.plant(tree)
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *mutant.target.split()]
        environment = os.environ | {"PYTHONPATH": str(tree / "src"), "OMP_NUM_THREADS": "1"}
        try:
            done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            return "timeout"
    if done.returncode == 0:
        return "SURVIVED"
    return "killed" if done.returncode == FAILED else "BROKEN"


def copy(source: Path, target: Path) -> None:
    """A file or a folder, without compiled files."""
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    elif source.exists():
        shutil.copy(source, target)


if __name__ == "__main__":
    sys.exit(main())
