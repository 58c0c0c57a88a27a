"""Runs side by side: everything from evaluated runs to a `Comparison`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from catscale.comparison.baseline import choose_baseline
from catscale.comparison.comparable import check_comparable, common_directions
from catscale.comparison.copies import list_copies
from catscale.comparison.evaluated import EvaluatedRun
from catscale.comparison.forgetting import Compared, measure_forgetting
from catscale.comparison.grouping import group_runs
from catscale.comparison.measuring import check_recorded, choose_metrics, measure_direction
from catscale.comparison.outside import OutsideSystem, append_outside, check_names, translated_directions
from catscale.comparison.result import GROUPS, ComparedDirection, ComparedMethod, Comparison
from catscale.comparison.rows import Tally
from catscale.comparison.threshold import without_chance
from catscale.comparison.translations import RunTexts, align, read_texts
from catscale.comparison.verdict import state_verdict
from catscale.errors import ConfigError
from catscale.evaluation.metrics.table import MAIN
from catscale.system.console.messages import Say

RESAMPLES = 1000
RESOLUTION = 100
"""Resamples for each comparison that is corrected for, where the user does not say how many."""


@dataclass(frozen=True)
class Question:
    """The question that a comparison answers.

    Attributes:
        split: The split whose translations are read.
        baseline: Name of the method to compare with; None for the best temperature on dev.
        resamples: The resamples of the bootstrap and of the randomisation; None for 1,000, or as many as the correction
            needs.
        seed: The seed of the resampling.
        force: Go on where runs are not comparable, saying so.
        metric: The metric of the verdict, and by which the best temperature is chosen on dev; None for BLEU, or the
            first metric that all runs have where BLEU is none.
        outside: Other systems' translations to put beside the runs.
    """

    split: Literal["test", "dev"] = "test"
    baseline: str | None = None
    resamples: int | None = None
    seed: int = 1
    force: bool = False
    metric: str | None = None
    outside: tuple[OutsideSystem, ...] = ()


def compare_runs(
    runs: Sequence[EvaluatedRun], question: Question, progress: Say = lambda direction: None
) -> Comparison:
    """Compare evaluated runs.

    Args:
        runs: Two or more, in the order of the table; one is enough beside an outside system.
        question: The question to answer.
        progress: Called with the name of each direction that is done.

    Returns:
        Everything that was found.

    Raises:
        ConfigError: If the runs are not comparable, or there is nothing to compare.
        CheckpointError: If a run's translations are missing or damaged.
    """
    methods, members = group_runs(runs)
    ours = methods, members
    by_method = [[runs[i] for i in group] for group in members]
    baseline, reason = choose_baseline(methods, by_method, question.baseline, question.metric)
    texts = {name: [read_texts(run.folder, question.split, name) for run in runs] for name in common_directions(runs)}
    warnings = check_comparable(runs, methods, texts, question.force)
    if question.outside:
        methods, members, texts = _add_outside(question, methods, members, texts, warnings)
    directions, aligned = _describe_directions(runs[0], texts, warnings)
    over = [*(direction.name for direction in directions), *_groups(directions)]
    resamples = question.resamples or _count_resamples(runs, len(methods), len(directions), len(over))
    tally = Tally(methods, members, baseline, resamples, question.seed)
    warnings += list_copies(methods, members, aligned.values())
    names, lacking = choose_metrics(runs, aligned, question.metric)
    signatures: dict[str, dict[str, str]] = {}
    for direction in directions:
        statistics = measure_direction(runs[0], direction.name, aligned[direction.name], names)
        warnings += check_recorded(runs, direction.name, statistics, force=question.force)
        for measured in statistics:
            if measured.signature:
                signatures.setdefault(measured.metric, {})[direction.name] = measured.signature
        tally.add(direction.name, direction.group, statistics)
        progress(direction.name)
    rows, corrected_for = tally.rows(over)
    warnings += lacking
    by_size = {direction.name: aligned[direction.name] for direction in directions}
    compared = Compared(runs, *ours, by_size, names, question.split, resamples, question.seed)
    metric = next(name for name in (question.metric, MAIN, *names) if name in names)
    found = Comparison(
        "", baseline, reason, question.split, methods, directions, without_chance(rows, baseline), resamples,
        question.seed, corrected_for, warnings, signatures, metric, measure_forgetting(compared),
    )  # fmt: skip
    return replace(found, verdict=state_verdict(found, found.metric))


def _add_outside(
    question: Question,
    methods: Sequence[ComparedMethod],
    members: Sequence[Sequence[int]],
    texts: Mapping[str, Sequence[RunTexts]],
    warnings: list[str],
) -> tuple[list[ComparedMethod], list[list[int]], dict[str, list[RunTexts]]]:
    """Put outside systems behind the runs' methods, members and texts.

    Raises:
        ConfigError: If a name is taken, a direction is missing (without `force`), or a file does not fit.
    """
    check_names(question.outside, methods)
    if question.force:
        kept = translated_directions(question.outside, question.split, list(texts))
        warnings += [
            f"{name} is left out: an outside system has no translations of it" for name in texts if name not in kept
        ]
        texts = {name: found for name, found in texts.items() if name in kept}
    places, start = [list(group) for group in members], sum(len(group) for group in members)
    for system in question.outside:
        places.append(list(range(start, start + len(system.folders))))
        start += len(system.folders)
    systems = question.outside
    return [*methods, *(s.method for s in systems)], places, append_outside(texts, systems, question.split)


def _describe_directions(
    run: EvaluatedRun, texts: Mapping[str, Sequence[RunTexts]], warnings: list[str]
) -> tuple[list[ComparedDirection], dict[str, list[RunTexts]]]:
    """Return the directions from the smallest to the largest, and the sentences that all runs have of them.

    Raises:
        ConfigError: If there are none.
    """
    aligned = {name: align(found) for name, found in texts.items()}
    for name in [name for name, found in aligned.items() if not found[0].sources]:
        warnings.append(f"{name} is left out: no test sentence is in all runs")
        del aligned[name]
    if not aligned:
        raise ConfigError(
            "the runs have no direction with the same test sentences in common, so that nothing can be compared; "
            "give runs that were evaluated on the same data"
        )
    sizes, groups = run.evaluation["train_pairs"], run.evaluation["resource_groups"]
    names = sorted(aligned, key=lambda name: (sizes[name], name))
    directions = [ComparedDirection(name, sizes[name], groups[name], len(aligned[name][0].sources)) for name in names]
    return directions, aligned


def _count_resamples(runs: Sequence[EvaluatedRun], methods: int, directions: int, lines: int) -> int:
    """Return resamples for which the correction leaves p-values below 5%, before and after training as well."""
    before = methods * (directions + 2) if any(run.base_scores is not None for run in runs) else 0
    return max(RESAMPLES, RESOLUTION * max((methods - 1) * lines, before))


def _groups(directions: Sequence[ComparedDirection]) -> list[str]:
    """Return the groups that are not empty."""
    return [group for group in GROUPS if group == "all" or any(d.group == group for d in directions)]
