"""Runs side by side: everything from evaluated runs to a `Comparison`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from catscale.comparison.baseline import choose_baseline
from catscale.comparison.comparable import check_comparable, common_directions, refusal
from catscale.comparison.copies import list_copies
from catscale.comparison.evaluated import EvaluatedRun
from catscale.comparison.grouping import group_runs
from catscale.comparison.outside import OutsideSystem, append_outside, check_names, translated_directions
from catscale.comparison.result import GROUPS, Comparison, Direction, Method, Metric
from catscale.comparison.rows import Tally
from catscale.comparison.sentence_statistics import (
    Statistics,
    bleu_statistics,
    chrf_statistics,
    nll_statistics,
    ter_statistics,
)
from catscale.comparison.threshold import without_chance
from catscale.comparison.translations import Texts, align, read_texts
from catscale.comparison.verdict import state_verdict
from catscale.errors import ConfigError
from catscale.evaluation.metrics.bleu_tokenizers import why_not
from catscale.evaluation.metrics.scoring import count_edits

RESAMPLES = 1000
RESOLUTION = 100
"""Resamples for each comparison that is corrected for, where the user does not say how many."""
ROUNDING = 1e-6
"""Differences between a recorded score and that of the texts that are rounding."""


@dataclass(frozen=True)
class Question:
    """What to compare, and how.

    Attributes:
        split: Which split's translations.
        baseline: Name of the method to compare with; None for the best temperature on dev.
        resamples: Of the bootstrap and of the randomisation; None for 1,000, or as many as the correction needs.
        seed: Of the resampling.
        force: Go on where runs are not comparable, saying so.
        metric: Of the verdict.
        outside: Other systems' translations to put beside the runs.
    """

    split: Literal["test", "dev"] = "test"
    baseline: str | None = None
    resamples: int | None = None
    seed: int = 1
    force: bool = False
    metric: Metric = "bleu"
    outside: tuple[OutsideSystem, ...] = ()


def compare_runs(
    runs: Sequence[EvaluatedRun], question: Question, progress: Callable[[str], None] = lambda direction: None
) -> Comparison:
    """Compare evaluated runs.

    Args:
        runs: Two or more, in the order of the table; one is enough beside an outside system.
        question: What to compare, and how.
        progress: Called with the name of each direction that is done.

    Returns:
        Everything that was found.

    Raises:
        ConfigError: If the runs are not comparable, or there is nothing to compare.
        CheckpointError: If a run's translations are missing or damaged.
    """
    methods, members = group_runs(runs)
    baseline, reason = choose_baseline(methods, [[runs[i] for i in group] for group in members], question.baseline)
    texts = {name: [read_texts(run.folder, question.split, name) for run in runs] for name in common_directions(runs)}
    warnings = check_comparable(runs, methods, texts, question.force)
    if question.outside:
        methods, members, texts = _add_outside(question, methods, members, texts, warnings)
    directions, aligned = _describe_directions(runs[0], texts, warnings)
    over = [*(direction.name for direction in directions), *_groups(directions)]
    resamples = question.resamples or max(RESAMPLES, RESOLUTION * (len(methods) - 1) * len(over))
    tally = Tally(methods, members, baseline, resamples, question.seed)
    warnings += list_copies(methods, members, aligned.values())
    missing = _without_nll(runs, aligned)
    without_ter = _without_ter(runs, aligned)
    signatures: dict[str, dict[str, str]] = {"bleu": {}, "chrf": {}}
    for direction in directions:
        statistics = measure_direction(runs[0], direction.name, aligned[direction.name], not missing, not without_ter)
        warnings += _check_recorded(runs, direction, statistics, force=question.force)
        for measured in statistics:
            signatures.setdefault(measured.metric, {})[direction.name] = measured.signature
        tally.add(direction.name, direction.group, statistics)
        progress(direction.name)
    rows, corrected_for = tally.rows(over)
    rows = without_chance(rows, baseline)
    warnings += missing + (without_ter if question.metric == "ter" or _some_have_ter(aligned) else [])
    signatures.pop("nll", None)
    found = Comparison(
        "", baseline, reason, question.split, methods, directions, rows, resamples, question.seed, corrected_for,
        warnings, signatures, question.metric if any(row.metric == question.metric for row in rows) else "bleu",
    )  # fmt: skip
    return replace(found, verdict=state_verdict(found, found.metric))


def _add_outside(
    question: Question,
    methods: Sequence[Method],
    members: Sequence[Sequence[int]],
    texts: Mapping[str, Sequence[Texts]],
    warnings: list[str],
) -> tuple[list[Method], list[list[int]], dict[str, list[Texts]]]:
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


def measure_direction(
    run: EvaluatedRun, direction: str, texts: Sequence[Texts], with_nll: bool = True, with_ter: bool = False
) -> list[Statistics]:
    """Statistics of BLEU, chrF, NLL and TER of all runs, with the tokeniser and word order of `run`.

    Raises:
        ConfigError: If the tokeniser, which was there when the run was evaluated, is not here.
    """
    hypotheses, references, further = [text.hypotheses for text in texts], texts[0].references, texts[0].further
    tokenizer = run.evaluation["bleu_tokenizers"][direction]
    if problem := why_not(tokenizer):
        raise ConfigError(
            f"{run.folder} was evaluated with the BLEU tokenizer {tokenizer!r} of {direction}, which cannot be loaded "
            f"here ({problem}); install it, or run `catscale evaluate` on the runs again"
        )
    unknown = np.full((len(references), 2), np.nan)  # of an outside system; its rows are left out
    nll = [unknown if text.nll is None else text.nll for text in texts]
    target = direction.partition("-")[2]
    ter = [
        np.array(count_edits(text.hypotheses, references, target, further)) if text.ter is None else text.ter
        for text in texts
        if with_ter
    ]
    return [
        bleu_statistics(hypotheses, references, tokenizer, further),
        chrf_statistics(hypotheses, references, run.evaluation["settings"]["chrf_word_order"], further),
        *([nll_statistics(nll)] if with_nll else []),
        *([ter_statistics(ter, run.scores[direction]["ter"]["signature"])] if with_ter else []),
    ]


def _describe_directions(
    run: EvaluatedRun, texts: Mapping[str, Sequence[Texts]], warnings: list[str]
) -> tuple[list[Direction], dict[str, list[Texts]]]:
    """The directions from the smallest to the largest, and the sentences that all runs have of them.

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
    return [Direction(name, sizes[name], groups[name], len(aligned[name][0].sources)) for name in names], aligned


def _groups(directions: Sequence[Direction]) -> list[str]:
    """Groups that are not empty."""
    return [group for group in GROUPS if group == "all" or any(d.group == group for d in directions)]


def _without_nll(runs: Sequence[EvaluatedRun], aligned: Mapping[str, Sequence[Texts]]) -> list[str]:
    """A line on the runs without NLL by sentence; none where all have it."""
    lacking = {i for found in aligned.values() for i, text in enumerate(found) if text.nll is None and not text.outside}
    if not lacking:
        return []
    listed = ", ".join(str(runs[i].folder) for i in sorted(lacking))
    return [f"no NLL: {listed} were evaluated without NLL by sentence; run `catscale evaluate` on them again"]


def _without_ter(runs: Sequence[EvaluatedRun], aligned: Mapping[str, Sequence[Texts]]) -> list[str]:
    """A line on the runs without TER; none where all have it."""
    lacking = {i for found in aligned.values() for i, text in enumerate(found) if text.ter is None and not text.outside}
    lacking |= {i for i, run in enumerate(runs) for name in aligned if "ter" not in run.scores[name]}
    if not lacking:
        return []
    listed = ", ".join(str(runs[i].folder) for i in sorted(lacking))
    return [f"no TER: {listed} were evaluated without it; evaluate with --set evaluation.ter=true"]


def _some_have_ter(aligned: Mapping[str, Sequence[Texts]]) -> bool:
    return any(text.ter is not None for found in aligned.values() for text in found)


def _check_recorded(
    runs: Sequence[EvaluatedRun], direction: Direction, statistics: Sequence[Statistics], force: bool
) -> list[str]:
    """Whether the texts give the scores that are on record: an evaluation that was cut off leaves others.

    Raises:
        ConfigError: If they do not, unless `force`.
    """
    lines = []
    for measured in statistics:
        for run, value in zip(runs, measured.corpus_scores().tolist(), strict=False):  # runs come first
            entry = run.scores[direction.name]
            known = entry["nll"] if measured.metric == "nll" else entry[measured.metric]["score"]
            if abs(known - value) > ROUNDING * max(1.0, abs(known)):
                lines.append(
                    f"{measured.metric} of {direction.name} in {run.folder}: {known:.4f} on record, {value:.4f} from "
                    "the translations as compared; run `catscale evaluate` on it again"
                )
    if lines and not force:
        raise ConfigError(refusal(lines))
    return lines
