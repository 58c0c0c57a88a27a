"""The scores of a pre-trained model before the runs trained it, and after: of old directions, and of new languages.

The model before training has no seeds: it is one given system, whose translations lie in `RUN/base/translations/`. One
run's are enough where runs start alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catscale.comparison.comparable import DECODING
from catscale.comparison.evaluated import EvaluatedRun
from catscale.comparison.measuring import measure_direction
from catscale.comparison.result import ComparedMethod, Forgetting, Row
from catscale.comparison.rows import Tally
from catscale.comparison.threshold import without_chance
from catscale.comparison.translations import RunTexts, align, read_texts
from catscale.data.direction import Direction, list_old
from catscale.evaluation.metrics.table import METRICS
from catscale.evaluation.split_option import write_split_option

BEFORE = "before training"
"""The name of the model that runs start from, in the place of a method's."""


@dataclass(frozen=True)
class Compared:
    """The runs of a comparison, and how they are looked at.

    Attributes:
        runs: The evaluated runs.
        methods: The methods that they are grouped into, without outside systems.
        members: The runs of each method: their places in `runs`.
        texts: Direction → the texts of each run, on the same sentences; those of outside systems may follow.
        metrics: Names of the metrics that all runs have.
        split: "test" or "dev".
        resamples: The resamples of the bootstrap.
        seed: The seed of the resampling.
    """

    runs: Sequence[EvaluatedRun]
    methods: Sequence[ComparedMethod]
    members: Sequence[Sequence[int]]
    texts: Mapping[str, Sequence[RunTexts]]
    metrics: Sequence[str]
    split: str
    resamples: int
    seed: int


def measure_forgetting(compared: Compared) -> Forgetting | None:
    """Compare each method with the model that its runs start from.

    Args:
        compared: The runs.

    Returns:
        None where no run starts from another model; without rows, and with the reason, where that was not scored.

    Raises:
        CheckpointError: If translations are missing or damaged.
        ConfigError: If what the runs were scored with is not here.
    """
    started = [run for run in compared.runs if run.config["model"].get("pretrained")]
    if not started:
        return None
    scored = next((run for run in started if run.base_scores is not None), None)
    added = started[0].config["model"].get("new_languages") or {}
    old, new = divide_directions(list(compared.texts), added)
    if scored is None:
        command = f"`catscale evaluate {started[0].folder}{write_split_option(compared.split)} --model base`"
        return Forgetting(old, new, reason=f"the model before training was not scored; run {command}, for one run")
    chosen = _choose_methods(compared, scored)
    if problem := _find_difference(scored):
        command = f"`catscale evaluate {scored.folder}{write_split_option(compared.split)} --model base`"
        return Forgetting(
            old, new, reason=f"the model before training was scored with another {problem}; run {command}"
        )
    rows = _make_rows(compared, scored, chosen, set(old))
    if not rows:
        return Forgetting(old, new, reason=f"{scored.folder / 'base'} has none of the compared directions")
    names = {row.over for row in rows}
    return Forgetting(
        [n for n in old if n in names], [n for n in new if n in names], str(scored.folder), rows, BEFORE,
        sum(row.difference is not None for row in rows if row.metric == rows[0].metric),
    )  # fmt: skip


def divide_directions(names: Sequence[str], added: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Divide directions into those that the model knew, and those of new languages.

    Example:
        >>> divide_directions(["en-fr", "en-gl"], {"gl": {}})
        (['en-fr'], ['en-gl'])
        >>> divide_directions(["en-fr"], {})
        (['en-fr'], [])
    """
    if not added:
        return list(names), []
    old = {str(direction) for direction in list_old(map(Direction.parse, names), added)}
    return [name for name in names if name in old], [name for name in names if name not in old]


def _choose_methods(compared: Compared, scored: EvaluatedRun) -> list[int]:
    """Return the places of the methods whose runs all start as the scored one does."""
    return [
        place
        for place, members in enumerate(compared.members)
        if all(
            compared.runs[i].config["model"] == scored.config["model"]
            and compared.runs[i].fingerprint == scored.fingerprint
            for i in members
        )
    ]


def _find_difference(scored: EvaluatedRun) -> str:
    """Name a setting of decoding in which a run's evaluations before and after training differ."""
    before, after = (made["evaluation"].get("settings") or {} for made in (scored.base_scores or {}, scored.scores))
    return next((f"evaluation.{key}" for key in DECODING if before.get(key) != after.get(key)), "")


def _make_rows(compared: Compared, scored: EvaluatedRun, chosen: Sequence[int], old: set[str]) -> list[Row]:
    """Measure the model before training and the chosen methods on the sentences that all have."""
    places = [i for method in chosen for i in compared.members[method]]
    starts = [1 + sum(len(compared.members[m]) for m in chosen[:n]) for n in range(len(chosen))]
    members = [[0], *(list(range(s, s + len(compared.members[m]))) for s, m in zip(starts, chosen, strict=True))]
    methods = [ComparedMethod(BEFORE, [0], [str(scored.folder / "base")]), *(compared.methods[m] for m in chosen)]
    tally = Tally(methods, members, BEFORE, compared.resamples, compared.seed, is_given=True)
    known = [name for name in compared.texts if name in (scored.base_scores or {})]
    before = {name: read_texts(scored.folder / "base", compared.split, name) for name in known}
    metrics = [
        name for name in compared.metrics if not METRICS[name].kept or all(name in t.counts for t in before.values())
    ]
    for direction in known:
        texts = align([before[direction], *(compared.texts[direction][i] for i in places)])
        if texts[0].sources:
            tally.add(
                direction, "old" if direction in old else "new", measure_direction(scored, direction, texts, metrics)
            )
    return without_chance(tally.rows([*known, "old", "new"])[0], BEFORE) if known else []
