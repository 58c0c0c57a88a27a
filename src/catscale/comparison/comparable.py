"""Whether runs may be compared: what must be the same, and what is not."""

from collections.abc import Mapping, Sequence
from typing import Any

from catscale.comparison.evaluated import EvaluatedRun
from catscale.comparison.result import ComparedMethod
from catscale.comparison.translations import RunTexts
from catscale.errors import ConfigError
from catscale.evaluation.metrics.table import METRICS
from catscale.model.saved_config import PLAIN
from catscale.settings.own_class import is_own

TOKENS = 0.02
"""Share by which the target tokens of two runs of the same budget may differ: steps hold whole sub-batches."""
BUDGET = ("max_steps", "max_minutes", "batch_tokens", "patience")
CHECKPOINTING = "gradient_checkpointing"
"""A setting of models in earlier runs, which changes no number."""
DECODING = ("beam", "length_penalty", "max_length", "max_length_ratio", "precision", "tag", "draw_temperature")


def check_comparable(
    runs: Sequence[EvaluatedRun],
    methods: Sequence[ComparedMethod],
    texts: Mapping[str, Sequence[RunTexts]],
    force: bool,
) -> list[str]:
    """Refuse runs whose differences have other causes than the method.

    Args:
        runs: R evaluated runs.
        methods: The methods that they are grouped into.
        texts: The R runs' test sentences, by direction that all runs have.
        force: Go on.

    Returns:
        The differences, one line each; empty without `force`.

    Raises:
        ConfigError: Naming everything that differs, with the values.
    """
    found = [*_differences(runs), *_text_differences(runs, texts), *_unfinished(runs), *_outdated(runs)]
    found += _repeated(methods)
    if found and not force:
        raise ConfigError(refusal(found))
    return found


def refusal(found: Sequence[str]) -> str:
    """Return the message for runs that differ where they must not."""
    return (
        "these runs are not comparable:\n"
        + "\n".join(f"  {line}" for line in found)
        + "\nleave out or repeat the runs that differ, or give --force to go on with these lines below the table"
    )


def _differences(runs: Sequence[EvaluatedRun]) -> list[str]:
    """Find differences of settings, data and scoring."""
    models = [{"architecture": PLAIN, **run.config["model"]} for run in runs]  # those of version 0.1 name none
    model_keys = sorted({key for model in models for key in model if "dropout" not in key and key != CHECKPOINTING})
    checks = {
        "directions": [", ".join(sorted(run.directions)) for run in runs],
        "training data and vocabulary": [run.fingerprint[:16] for run in runs],
        "resource groups": [run.evaluation["resource_groups"] for run in runs],
        **{f"evaluation.{key}": [run.evaluation["settings"].get(key) for run in runs] for key in DECODING},
        **{f"training.{key}": [run.config["training"].get(key) for run in runs] for key in BUDGET},
        **{f"model.{key}": [model.get(key) for model in models] for key in model_keys},
    }
    lines = [line for what, values in checks.items() for line in _name_values(what, runs, values)]
    return lines + _own_metric_differences(runs) + _signature_differences(runs) + _token_differences(runs)


def _name_values(what: str, runs: Sequence[EvaluatedRun], values: Sequence[Any]) -> list[str]:
    """Return a line with each value and the runs that have it; none if there is one value."""
    holders: dict[str, list[str]] = {}
    for run, value in zip(runs, values, strict=True):
        holders.setdefault("none" if value is None else str(value), []).append(str(run.folder))
    if len(holders) < 2:
        return []
    parts = [f"{value} in {folders[0]}{_more(folders)}" for value, folders in holders.items()]
    return [f"{what}: {'; '.join(parts)}"]


def _more(folders: Sequence[str]) -> str:
    return f" and {len(folders) - 1} more" if len(folders) > 1 else ""


def _own_metric_differences(runs: Sequence[EvaluatedRun]) -> list[str]:
    """List the metrics of users' own that all runs have, and that their records describe in different ways."""
    common = common_directions(runs)
    shared = [n for n in filter(is_own, METRICS) if all(n in run.scores[d] for run in runs for d in common)]
    return [line for name in shared for line in _name_values(name, runs, [run.evaluation.get(name) for run in runs])]


def _signature_differences(runs: Sequence[EvaluatedRun]) -> list[str]:
    """List the metrics whose signatures differ, each in the first direction; sacreBLEU's version does not count."""
    lines = []
    for metric in (name for name in METRICS if not METRICS[name].of_model):
        for direction in common_directions(runs):
            if not all(metric in run.scores[direction] for run in runs):
                continue
            signatures = [run.scores[direction][metric]["signature"] for run in runs]
            plain = ["|".join(p for p in s.split("|") if not p.startswith("version:")) for s in signatures]
            found = _name_values(f"{metric} signature of {direction}", runs, plain)
            if found:
                lines += found
                break
    return lines


def _token_differences(runs: Sequence[EvaluatedRun]) -> list[str]:
    """Find differences of the target tokens trained on, if the steps alone are the budget."""
    if any(run.config["training"].get(key) is not None for run in runs for key in ("patience", "max_minutes")):
        return []
    tokens = [run.tokens for run in runs]
    few, many = min(tokens), max(tokens)
    if many - few <= TOKENS * many:
        return []
    first, last = runs[tokens.index(few)], runs[tokens.index(many)]
    return [f"target tokens trained on: {few:,} in {first.folder}; {many:,} in {last.folder}"]


def _text_differences(runs: Sequence[EvaluatedRun], texts: Mapping[str, Sequence[RunTexts]]) -> list[str]:
    lines = []
    for direction, found in texts.items():
        lines += _name_values(f"test sentences of {direction}", runs, [text.digest() for text in found])
    return lines


def _unfinished(runs: Sequence[EvaluatedRun]) -> list[str]:
    return [
        f"unfinished: {run.folder} is at step {run.steps} of {run.config['training']['max_steps']}"
        for run in runs
        if not run.is_finished()
    ]


def _outdated(runs: Sequence[EvaluatedRun]) -> list[str]:
    """Return the runs that were trained on after they were evaluated, and have a better model since."""
    lines = []
    for run in runs:
        both = (scores["evaluation"] for scores in (run.scores, run.dev_scores) if scores is not None)
        for split, made in {made.get("split"): made for made in both}.items():  # with --split dev, both are dev's
            if made.get("step") not in (None, run.best_step):  # None: by a version that did not record it
                lines.append(
                    f"outdated: the {split} scores of {run.folder} are of step {made['step']}, its best model is of "
                    f"step {run.best_step}; run `catscale evaluate {run.folder} --split {split}` again"
                )
    return lines


def _repeated(methods: Sequence[ComparedMethod]) -> list[str]:
    lines = []
    for method in methods:
        for seed in sorted({seed for seed in method.seeds if method.seeds.count(seed) > 1}):
            folders = [folder for folder, own in zip(method.folders, method.seeds, strict=True) if own == seed]
            lines.append(f"{method.name} with seed {seed} stands {len(folders)} times: {', '.join(folders)}")
    return lines


def common_directions(runs: Sequence[EvaluatedRun]) -> list[str]:
    """Return the directions that all runs have, in the order of the first."""
    return [name for name in runs[0].directions if all(name in run.scores for run in runs)]
