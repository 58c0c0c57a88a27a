"""Kills, full disks, damage, dead processes and hostile input: all of it, and the table of what was lost.

    python -m benchmarks.faults [--every N] [--tries N] [--bytes N] [--seconds S] [--only EXPRESSION]

Runs the tests marked `faults`, and writes what they report to `results/faults.json` and, between its markers, into
`docs/faults.md`. The numbers that the tests ran with stand beside the results. With `--only`, as pytest's `-k`, some
tests are run again, and their rows take the places of those before; each row names its commit.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from catscale.run.folder.run_folder import source_commit
from catscale.system.writing.files import write_json, write_text

ROOT = Path(__file__).parent.parent
TABLE, PAGE = ROOT / "results" / "faults.json", ROOT / "docs" / "faults.md"
MARKERS = ("<!-- made by python -m benchmarks.faults -->", "<!-- end -->")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=1, help="of the writes of a command, every how many-th (1: all)")
    parser.add_argument("--tries", type=int, default=50, help="kills at random moments (50)")
    parser.add_argument("--bytes", type=int, default=20, help="bits flipped and cuts made in each file (20)")
    parser.add_argument("--seconds", type=float, default=60, help="of each fuzzing test (60)")
    parser.add_argument("--only", metavar="EXPRESSION", help="the tests to run again, as pytest's -k")
    options = parser.parse_args()
    started, commit = time.monotonic(), source_commit()
    status, rows, summary = run_tests(options)
    made = {
        **vars(options),
        "minutes": round((time.monotonic() - started) / 60),
        "commit": commit,
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "pytest": summary,
    }
    rows = [row | {"commit": commit} for row in rows]
    if options.only:
        before = json.loads(TABLE.read_text(encoding="utf-8"))
        made = before["made"] | {"again": [*before["made"].get("again", []), made]}
        rows = merge(before["rows"], rows)
    write_json(TABLE, {"made": made, "rows": rows})
    write_text(PAGE, fill(PAGE.read_text(encoding="utf-8"), made, rows))
    print(render(made, rows))
    return status


def run_tests(options: argparse.Namespace) -> tuple[int, list[dict[str, Any]], str]:
    """The status of pytest, what the tests reported, and its last line."""
    with tempfile.TemporaryDirectory(prefix="catscale-faults-") as folder:
        table = Path(folder) / "table.jsonl"
        given = {"EVERY": options.every, "TRIES": options.tries, "BYTES": options.bytes}
        environment = os.environ | {f"CATSCALE_FAULTS_{key}": str(value) for key, value in given.items()}
        environment |= {"CATSCALE_FAULTS_TABLE": str(table), "CATSCALE_FUZZ_SECONDS": str(options.seconds)}
        command = [sys.executable, "-m", "pytest", "-q", "-m", "faults", "tests/faults"]
        command += ["-k", options.only] if options.only else []
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False)
        print(done.stdout)
        lines = table.read_text(encoding="utf-8").splitlines() if table.exists() else []
    return done.returncode, [json.loads(line) for line in lines], done.stdout.strip().splitlines()[-1]


def merge(before: list[dict[str, Any]], again: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with those that were made again in their places; new ones at the end."""
    new = {name_of(row): row for row in again}
    places = [new.pop(name_of(row), row) for row in before]
    return [*places, *new.values()]


def name_of(row: dict[str, Any]) -> str:
    """What was done, without how often and how long."""
    return re.sub(r" \(.*| for [\d.]+ s$", "", str(row["what"]))


def render(made: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """The table, and what it was made with."""
    table = [
        f"| {row['what']} | {row['tried']:,} | {row['outcome']} | {row['seconds']} s | `{str(row['commit'])[:7]}` |"
        for row in rows
    ]
    where = f"Commit `{str(made['commit'])[:12]}`, Python {made['python']}, {made['platform']}"
    what = f"every {_ordinal(made['every'])} write, {made['tries']} kills at random moments"
    what += f", {made['bytes']} bits and cuts a file, {made['seconds']:g} s of each fuzzing test"
    how = f"{where}, {made['minutes']} minutes: {what}. {made['pytest']}."
    again = [
        f"Again at commit `{str(more['commit'])[:12]}`, {more['minutes']} minutes: `{more['only']}`. {more['pytest']}."
        for more in made.get("again", [])
    ]
    return "\n".join([how, *again, "", "| what | tried | outcome | time | commit |", "|---|---|---|---|---|", *table])


def _ordinal(number: int) -> str:
    return "single" if number == 1 else f"{number}th"


def fill(page: str, made: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """The page with the table between its markers."""
    before, _, rest = page.partition(MARKERS[0])
    _, _, after = rest.partition(MARKERS[1])
    return f"{before}{MARKERS[0]}\n\n{render(made, rows)}\n\n{MARKERS[1]}{after}"


if __name__ == "__main__":
    sys.exit(main())
