"""The folders that commands write results to, and how those of version 0.1, which left no markers, are told."""

from pathlib import Path

from catscale.data.embedded.corpus import is_generated
from catscale.system.writing.markers import Kind
from catscale.system.writing.places import find_kind


def is_earlier_comparison(folder: Path) -> bool:
    """Return whether a folder holds the files of a comparison and nothing else, or a sweep."""
    needed, others = {"comparison.json", "comparison.csv", "report.html"}, {"data.csv", "figures"}
    return _holds(folder, needed, others) or is_earlier_sweep(folder)


def is_earlier_statistics(folder: Path) -> bool:
    """Return whether a folder holds the files of corpus statistics, and nothing else."""
    return _holds(folder, {"stats.json", "stats.html", "figures"}, set())


def is_earlier_sweep(folder: Path) -> bool:
    """Return whether a folder holds configurations `METHOD/seed-N.yaml` with their logs, or runs `METHOD/seed-N`."""
    planned, runs = folder.glob("*/seed-*.yaml"), folder.glob("*/seed-*/metrics.jsonl")
    is_planned = any(find_kind(path.with_suffix(".log")) == "a file" for path in planned)
    return is_planned or any(find_kind(path) == "a file" for path in runs)


def is_earlier_demo(folder: Path) -> bool:
    """Return whether a folder holds the generated corpus, or a sweep over it."""
    return is_generated(folder / "corpus") or is_earlier_sweep(folder)


def _holds(folder: Path, needed: set[str], others: set[str]) -> bool:
    found = {path.name for path in folder.iterdir() if find_kind(path) in ("a file", "a folder")}
    return needed <= found <= needed | others


REPORT = ("comparison.json", "comparison.csv", "report.html", "data.csv")
COMPARISON = Kind("comparison", ("sweep", "demo"), is_earlier_comparison, files=REPORT, folders=("figures",))
STATISTICS = Kind("statistics", earlier=is_earlier_statistics, files=("stats.json", "stats.html"), folders=("figures",))
SWEEP = Kind("sweep", ("demo",), is_earlier_sweep, files=REPORT, folders=("figures",))
BACK_TRANSLATION = Kind("back-translation")
DEMO = Kind("demo", earlier=is_earlier_demo, files=REPORT, folders=("figures", "corpus", "prepared"))
