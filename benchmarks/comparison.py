"""Seconds that `catscale compare` takes, on run folders of synthetic text.

    python benchmarks/comparison.py [--methods 8] [--seeds 1] [--directions 15] [--sentences 1000] [--resamples 1000]

The folders hold what `catscale train` and `catscale evaluate` leave, so far as a comparison reads it; sentences have 20
words on average, as those of TED talks do. The command runs in a process of its own, its start included.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from catscale.evaluation.averages import average_scores
from catscale.evaluation.config import EvaluationConfig, group_by_resource
from catscale.evaluation.metrics.bleu import Bleu
from catscale.evaluation.metrics.chrf import Chrf
from catscale.evaluation.metrics.contract import Segments
from catscale.run.config import dump_config, parse_config
from catscale.run.folder.run_folder import source_commit
from catscale.system.processors import describe_processors


def main() -> None:
    options = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        print(f"writing {options.methods} × {options.seeds} runs", file=sys.stderr)
        names = [f"en-{a}{b}" for a in "abcd" for b in "abcdefghijklmnopqrstuvwxyz"][: options.directions]
        texts = {name: write_references(options.sentences, place) for place, name in enumerate(names)}
        runs = []
        for method in range(options.methods):
            for seed in range(1, options.seeds + 1):
                runs.append(Path(folder) / f"method-{method}" / f"seed-{seed}")
                write_run(runs[-1], method, seed, texts)
        seconds = [measure(runs, Path(folder) / "out", options.resamples) for _ in range(options.repeats)]
    report(seconds, options)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--directions", type=int, default=15)
    parser.add_argument("--sentences", type=int, default=1000)
    parser.add_argument("--resamples", type=int, default=1000, help="0: as many as the correction needs")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures there")
    return parser.parse_args()


def write_references(sentences: int, seed: int) -> list[list[str]]:
    """Sentences as lists of words, drawn from a vocabulary with Zipf's frequencies."""
    rng = np.random.default_rng(seed)
    words = ["".join(rng.choice(list("abdefgiklmnoprstu"), rng.integers(1, 10))) for _ in range(5000)]
    frequencies = 1 / np.arange(1, 5001)
    ends = np.cumsum(rng.poisson(19, sentences) + 1)
    drawn = rng.choice(words, ends[-1], p=frequencies / frequencies.sum())
    return [part.tolist() for part in np.split(drawn, ends[:-1])]


def write_run(folder: Path, method: int, seed: int, texts: dict[str, list[list[str]]]) -> None:
    """One run's folder: T=1, 2, 3 …, each method a little better than the one before."""
    sampling = {"temperature": method + 1}
    training = {"max_steps": 100, "seed": seed}
    content = {"data": {"format": "moses", "path": "corpus", "source": "en", "targets": "all"}}
    config = parse_config(content | {"sampling": sampling, "training": training}, "the benchmark")
    sizes = {name: 1000 * 2**place for place, name in enumerate(texts)}
    rng = np.random.default_rng([method, seed])
    scores: dict[str, dict[str, Any]] = {}
    (folder / "translations").mkdir(parents=True)
    for name, sentences in texts.items():
        kept = iter(rng.random(sum(map(len, sentences))) < 0.4 + 0.01 * method)
        hypotheses = [[w if next(kept) else sentences[0][0] for w in words] for words in sentences]
        references, outputs = [" ".join(words) for words in sentences], [" ".join(words) for words in hypotheses]
        tokens = [len(words) + 1 for words in sentences]
        nats = [float(value) for value in rng.gamma(3, 1, len(tokens)) * tokens]
        nll = [f"{n!r}\t{t}" for n, t in zip(nats, tokens, strict=True)]
        for end, lines in (("src", references), ("ref", references), ("hyp", outputs), ("nll", nll)):
            path = folder / "translations" / f"test.{name}.{end}"
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        scores[name] = {"nll": sum(nats) / sum(tokens), "sentences": len(tokens)}
        segments = Segments(outputs, references, "fr")
        for measured in (Bleu().measure([segments]), Chrf().measure([segments])):
            value = float(measured.corpus_scores()[0])
            scores[name][measured.metric] = {"score": value, "signature": measured.signature}
    groups = group_by_resource(sizes, EvaluationConfig())
    made = {
        "split": "test",
        "settings": config.evaluation.model_dump(),
        "train_pairs": sizes,
        "resource_groups": groups,
    }
    made["bleu_tokenizers"] = dict.fromkeys(texts, "13a")
    (folder / "scores.json").write_text(
        json.dumps({**scores, "averages": average_scores(scores, groups), "evaluation": made})
    )
    (folder / "config.yaml").write_text(dump_config(config))
    (folder / "environment.json").write_text(json.dumps({"data_fingerprint": "synthetic"}))
    records = [{"kind": "train", "step": 100, "time": 1.0, "tokens": 1000}]
    records += [{"kind": "valid", "step": 100, "time": 1.0, "mean": 3 - 0.01 * method}]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))


def measure(runs: list[Path], out: Path, resamples: int) -> tuple[float, float]:
    """Seconds from start to end of the command, and those that it computed: on a busy machine they are fewer."""
    command = [sys.executable, "-m", "catscale", "compare", *map(str, runs), "--out", str(out)]
    command += ["--resamples", str(resamples)] if resamples else []
    started, before = time.monotonic(), os.times()
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    after = os.times()
    computed = after.children_user + after.children_system - before.children_user - before.children_system
    return time.monotonic() - started, computed


def report(seconds: list[tuple[float, float]], options: argparse.Namespace) -> None:
    how = {
        "machine": describe_processors(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "commit": source_commit(),
        **{key: getattr(options, key) for key in ("methods", "seeds", "directions", "sentences", "resamples")},
    }
    print(", ".join(f"{key} {value}" for key, value in how.items()))
    for wall, computed in seconds:
        print(f"catscale compare: {wall:.1f} s, {computed:.1f} s of them computing")
    if options.json:
        figures = [{"seconds": wall, "cpu_seconds": computed} for wall, computed in seconds]
        options.json.write_text(json.dumps({"how": how, "figures": figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
