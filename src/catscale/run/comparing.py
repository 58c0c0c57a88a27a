"""A comparison of runs, and its files."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from catscale.comparison.compare import Question, compare_runs
from catscale.comparison.evaluated import EvaluatedRun
from catscale.comparison.result import Comparison
from catscale.report.report import write_report
from catscale.run.folder.output import COMPARISON
from catscale.system.console.messages import Say
from catscale.system.console.progress import ProgressView
from catscale.system.writing.markers import claimed


def write_comparison(
    runs: Sequence[EvaluatedRun],
    out: Path,
    question: Question,
    say: Say,
    title: str = "Comparison of runs",
    lead: str = "",
    warnings: Sequence[str] = (),
) -> Comparison:
    """Compare runs, and write `report.html`, its figures, `comparison.json` and `comparison.csv`.

    Args:
        runs: One or more.
        out: Folder of the files.
        question: The question to answer.
        say: Receives plain lines.
        title: The page's heading.
        lead: A sentence or two on what was compared and why.
        warnings: Given before those of the comparison itself.

    Returns:
        What was found.

    Raises:
        CatscaleError: If the runs are not comparable.
    """
    with ProgressView(len(runs[0].directions), 0, "compare") as view:
        done: list[str] = []

        def progress(direction: str) -> None:
            done.append(direction)
            if not view.advance(len(done), direction):
                view.say(f"compared {direction}, {len(done)} of {len(runs[0].directions)} directions")

        comparison = compare_runs(runs, question, progress)
    comparison = replace(comparison, warnings=[*warnings, *comparison.warnings])
    with claimed(out, COMPARISON):
        comparison.write(out / "comparison.json")
        comparison.write_csv(out / "comparison.csv")
        write_report(comparison, out, say, title, lead)
    return comparison
