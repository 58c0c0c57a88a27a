"""Every example runs as a reader would run it, and says what its text claims."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(name: str) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)], capture_output=True, text=True, timeout=120, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


def test_two_quadratics() -> None:
    lines = run("two_quadratics.py").splitlines()
    equal, cats = (
        [line for line in lines if re.match(rf"step size \S+\s+{name}\b", line)] for name in ("equal", "CATS")
    )
    assert "diverged" in equal[-1]
    assert not any("diverged" in line for line in [*equal[:-1], *cats])
    for one, two in zip(equal[:-1], cats, strict=False):
        assert number("weights: sharp", two) < number("weights: sharp", one)
        assert number("flat", two) < number("flat", one)
        assert number("sum", two) > number("sum", one)


def number(after: str, line: str) -> float:
    return float(re.search(rf"{after} (\d+\.\d+)", line).group(1))


def test_multitask_network() -> None:
    output = run("multitask_network.py")
    cats = output[output.index("CATS") :]
    weights = [float(found) for found in re.findall(r"last weight (\S+)", cats)]
    assert sum(weights) == pytest.approx(1, abs=0.01)
    errors = [float(found) for found in re.findall(r"(?:large|small|loud)\s+(\d+\.\d+) \(", output)]
    assert len(errors) == 6
    assert all(error < 30 for error in errors)


def test_every_example_is_run_here() -> None:
    names = {path.name for path in EXAMPLES.glob("*.py")}
    source = Path(__file__).read_text(encoding="utf-8")
    assert names
    assert all(f'run("{name}")' in source for name in names)
