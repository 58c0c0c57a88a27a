"""`catscale compare`: runs' folders in; a `Comparison` and its files out."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from catscale.comparison.compare import Question
from catscale.comparison.result import Comparison
from catscale.errors import CheckpointError
from catscale.evaluation.split_option import write_split_option
from catscale.run.comparing import write_comparison
from catscale.run.folder.evaluated import check_enough, find_runs, has_base_scores, read_run
from catscale.run.folder.output import COMPARISON
from catscale.run.folder.readback import name_scores_file
from catscale.system.console.messages import Say
from catscale.system.writing.markers import check_claim


def compare(
    folders: Sequence[Path], out: Path, question: Question, say: Say, names: Mapping[Path, str] | None = None
) -> Comparison:
    """Compare runs, and write `report.html`, its figures, `comparison.json` and `comparison.csv`.

    Args:
        folders: The folders of runs, or of sweeps, which hold runs.
        out: Folder of the files.
        question: The question to answer.
        say: Receives plain lines.
        names: The names that the user gave methods, by the resolved folders of their runs.

    Returns:
        What was found.

    Raises:
        CatscaleError: If a folder is not a run's, or the runs are not evaluated or not comparable.
    """
    check_claim(out, COMPARISON)
    found = find_runs(folders)
    least = 1 if question.outside or any(has_base_scores(folder, question.split) for folder in found) else 2
    check_enough(found, least)
    left_out = [folder for folder in found if not name_scores_file(folder, question.split).is_file()]
    if left_out and (not question.force or len(found) - len(left_out) < least):
        raise CheckpointError(_name_commands(left_out, len(found), question.split))
    named = names or {}
    kept = [folder for folder in found if folder not in left_out]
    runs = [read_run(folder, question.split, named.get(folder.resolve(), "")) for folder in kept]
    warnings = [f"{folder} is left out: it was not evaluated" for folder in left_out]
    return write_comparison(runs, out, question, say, warnings=warnings)


def _name_commands(folders: Sequence[Path], count: int, split: str) -> str:
    """Return the message for runs that were not evaluated."""
    option = write_split_option(split)
    commands = "\n".join(f"  catscale evaluate {folder}{option}" for folder in folders)
    return (
        f"{len(folders)} of {count} runs were not evaluated on the {split} set; run\n{commands}\n"
        "or leave them out: with --force, where two or more were evaluated"
    )
