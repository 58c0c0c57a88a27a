"""Prints how the source is built: sizes, imports, docstrings, types, suppressions, tests, and where the outliers are.

    python -m benchmarks.house [--json] [--outliers NAME …]

`tests/test_house.py` holds the bounds.
"""

import argparse
import json
from pathlib import Path

from benchmarks.house.measure import ROOT, measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository (this one)")
    parser.add_argument("--json", action="store_true", help="numbers and places for a program")
    parser.add_argument("--most", type=int, default=12, metavar="N", help="places printed of each kind (12)")
    options = parser.parse_args()
    found = measure(options.root)
    if options.json:
        print(json.dumps({"numbers": found.numbers, "outliers": found.outliers}, indent=1, ensure_ascii=False))
        return
    for name, number in found.numbers.items():
        print(f"{name:<40} {number:>10,g}")
    for name, places in found.outliers.items():
        if places:
            more = f", {options.most} of them" if len(places) > options.most else ""
            print(f"\n{name}: {len(places)}{more}")
            print(*(f"  {place}" for place in places[: options.most]), sep="\n")


if __name__ == "__main__":
    main()
