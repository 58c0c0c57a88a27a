"""Agreement of ConFIG's step with that of its authors' package on the same gradients.

    pip install conflictfree
    python -m benchmarks.outside.conflictfree_agreement [--cases 200] [--json FILE]

Random gradients in float64 of 2 to 8 tasks and up to 10,000 parameters, lengths that differ by up to a thousand, and
conflicts from none to nearly opposed. Prints the largest difference, relative to the step's length, and exits with 1
if it is above 1e-5. With --json the difference, versions and machine are written.
"""

import argparse
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from catscale.balancing import METHODS, Signals
from catscale.system.processors import describe_processors
from catscale.system.writing.files import write_json

WORST = 1e-5


def make_gradients(case: int) -> Tensor:
    """Return (K, D) float64 gradients."""
    generator = torch.Generator().manual_seed(case)
    size, width = 2 + case % 7, (10, 100, 10_000)[case % 3]
    rows = torch.randn(size, width, generator=generator, dtype=torch.float64)
    common = torch.randn(width, generator=generator, dtype=torch.float64)
    signs = 1 - 2 * (torch.rand(size, 1, generator=generator, dtype=torch.float64) < 0.3).double()
    rows = rows + (case % 5) * signs * common  # nearly opposed for some, nearly parallel for others
    return rows * 10 ** (3 * torch.rand(size, 1, generator=generator, dtype=torch.float64))


def our_step(name: str, rows: Tensor) -> Tensor:
    """Return (D,) the step of a method of the table."""
    method: Any = METHODS[name]()
    signals = Signals(torch.arange(len(rows)), torch.ones(len(rows), dtype=torch.float64), rows @ rows.T)
    weights, _ = method.step(method.init(len(rows)), signals)
    step: Tensor = weights @ rows
    return step


def their_step(operator: Any, rows: Tensor) -> Tensor:
    """Return (D,) the step of conflictfree's operator, which makes ones of the default dtype."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(rows.dtype)
    try:
        step: Tensor = operator.calculate_gradient(rows)
    finally:
        torch.set_default_dtype(before)
    return step


def relative_difference(one: Tensor, two: Tensor) -> float:
    """Return ‖one − two‖ / ‖two‖."""
    return float((one - two).norm() / two.norm())


def describe(cases: int, largest: float) -> dict[str, Any]:
    """Return what --json writes: how the comparison was made, and the largest difference.

    Args:
        cases: Sets of gradients that were compared.
        largest: Largest difference, relative to the step's length.
    """
    return {
        "command": f"python -m benchmarks.outside.conflictfree_agreement --cases {cases}",
        "machine": describe_processors(),
        "torch": torch.__version__,
        "conflictfree": version("conflictfree"),
        "cases": cases,
        "largest": largest,
        "allowed": WORST,
    }


def main() -> int:
    """Compare, print, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    operator = import_module("conflictfree.grad_operator").ConFIGOperator()
    differences = []
    for case in range(options.cases):
        rows = make_gradients(case)
        differences.append(relative_difference(our_step("config", rows), their_step(operator, rows)))
    largest = max(differences)
    print(f"config  {options.cases} cases  largest relative difference {largest:.2e}  (allowed {WORST:g})")
    if options.json is not None:
        write_json(options.json, describe(options.cases, largest))
    return int(largest > WORST)


if __name__ == "__main__":
    sys.exit(main())
