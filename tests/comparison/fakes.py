"""Folders as `catscale train` and `catscale evaluate` leave them, of runs that never were."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from catscale.evaluation.averages import average_scores
from catscale.evaluation.config import EvaluationConfig, group_by_resource
from catscale.evaluation.metrics.contract import Segments
from catscale.evaluation.metrics.scoring import choose_all, score
from catscale.evaluation.translations import Translations
from catscale.run.config import dump_config, parse_config
from tests.comparison.corpora import references, translate

SIZES = {"en-fr": 130_000, "en-az": 500, "en-be": 4_000}
SENTENCES = 60


def write_run(
    folder: Path, quality: float = 0.5, seed: int = 1, dev: float | None = None, nll: bool = True, steps: int = 100,
    sentences: int = SENTENCES, sizes: dict[str, int] = SIZES, validation: float = 3.0, fingerprint: str = "f" * 64,
    tokens: int = 10_000, evaluated: int | None = None, **sections: dict[str, Any],
) -> Path:  # fmt: skip
    """One run.

    Args:
        folder: Where to.
        quality: Share of the words translated rightly.
        seed: Of the training.
        dev: The same on the dev set; None where it was not evaluated.
        nll: Whether there is NLL by sentence.
        steps: Steps trained, of 100.
        sentences: Of the test set.
        sizes: Train pairs by direction.
        validation: NLL of the only validation.
        fingerprint: Of the data.
        tokens: Target tokens trained on.
        evaluated: Step of the model that was scored; None for that of the only validation.
        sections: Of the configuration.
    """
    content = {"data": {"format": "moses", "path": "corpus", "source": "en", "targets": "all"}, **sections}
    content["training"] = {"max_steps": 100, "seed": seed, **sections.get("training", {})}
    config = parse_config(content, "a fake run")
    (folder / "translations").mkdir(parents=True)
    (folder / "config.yaml").write_text(dump_config(config))
    (folder / "environment.json").write_text(json.dumps({"data_fingerprint": fingerprint, "train_pairs": sizes}))
    records = [
        {"kind": "train", "step": steps, "time": 60.0, "tokens": tokens * steps // 100},
        {"kind": "valid", "step": steps, "time": 60.0, "nll": {}, "mean": validation},
    ]
    (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(record)}\n" for record in records))
    for split, share in {"test": quality, "dev": dev}.items():
        if share is not None:
            _evaluate(
                folder,
                split,
                share,
                seed,
                nll,
                sentences,
                sizes,
                config.evaluation,
                steps if evaluated is None else evaluated,
            )
    return folder


def _evaluate(
    folder: Path, split: str, quality: float, seed: int, nll: bool, count: int, sizes: dict[str, int],
    settings: EvaluationConfig, step: int,
) -> None:  # fmt: skip
    scores: dict[str, Any] = {}
    for place, direction in enumerate(sizes):
        known = references(count, seed=place)
        rng = np.random.default_rng([seed, round(1000 * quality), place])
        hypotheses = translate(known, quality, int(rng.integers(2**31)))
        tokens = [len(line.split()) + 1 for line in known]
        nats = (rng.gamma(9, (1 - quality) / 2, count) * tokens).tolist()
        lines = {"src": known, "ref": known, "hyp": hypotheses}
        if nll:
            lines["nll"] = [f"{n!r}\t{t}" for n, t in zip(nats, tokens, strict=True)]
        for end, content in lines.items():
            path = folder / "translations" / f"{split}.{direction}.{end}"
            path.write_text("".join(f"{line}\n" for line in content), encoding="utf-8")
        chosen = choose_all(settings.metrics, direction[-2:], settings.model_dump())
        segments = Segments(hypotheses, known, direction[-2:], known)
        for metric in (metric for metric in chosen if metric.kept):
            Translations(folder, split, direction).write_counts(metric.name, metric.count(segments))
        scored = score(segments, chosen)
        scores[direction] = {"nll": sum(nats) / sum(tokens), **scored}
    groups = group_by_resource(sizes, settings)
    made = {
        "split": split,
        "settings": settings.model_dump(mode="json"),
        "step": step,
        "train_pairs": sizes,
        "resource_groups": groups,
        "bleu_tokenizers": {name: settings.tokenizers.get(name[-2:], "13a") for name in sizes},
    }
    for metric in settings.metrics:
        made |= {} if metric.name == "bleu" else metric.record(dict.fromkeys(sizes, metric))
    written = {**scores, "averages": average_scores(scores, groups), "evaluation": made}
    (folder / ("scores.json" if split == "test" else f"scores.{split}.json")).write_text(json.dumps(written))


def edit_json(path: Path, **changes: Any) -> None:
    """Replace keys of a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
