"""Write the lowest version of everything that pyproject.toml allows, as constraints for pip.

python packaging/lowest.py [--except torch] [--extras fast,hf,parquet] > lowest.txt

A library's lower bound is a promise; `make test-lowest` installs exactly these and runs tests with them.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).parent.parent / "pyproject.toml"
BOUND = re.compile(r"(?P<name>[A-Za-z0-9_.-]+)(\[[^\]]*\])?>=(?P<version>[0-9.]+)")


def find_lowest(requirements: Sequence[str]) -> list[str]:
    """Return `name==version` for every requirement with a lower bound.

    >>> find_lowest(["torch>=2.11", "sacrebleu[ja]>=2.5,<3", "types-PyYAML"])
    ['torch==2.11', 'sacrebleu==2.5']
    """
    matches = (BOUND.match(requirement) for requirement in requirements)
    return [f"{match['name']}=={match['version']}" for match in matches if match]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--except", dest="left_out", default="", help="names, with commas between, to leave open")
    parser.add_argument("--extras", default="", help="optional dependencies to include, with commas between")
    options = parser.parse_args()
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    requirements = list(project["dependencies"])
    for extra in filter(None, options.extras.split(",")):
        requirements += project["optional-dependencies"][extra]
    left_out = set(options.left_out.split(","))
    for line in find_lowest(requirements):
        if line.partition("==")[0] not in left_out:
            print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
