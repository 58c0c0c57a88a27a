"""Encoding in a preparation beside SentencePiece alone, by turns in one process: CPU seconds of the same lines.

    python -m benchmarks.encoding [--pairs 100000] [--targets 5] [--rounds 3] [--json FILE]

The corpus is the one of `benchmarks/data.py`. The preparation's part is the whole of its stage: it reads the cleaned
text, cuts it, counts what is unknown, writes token files and the text of dev and test, whose targets it also decodes.
SentencePiece alone cuts the same lines, which lie in memory, file by file, on one thread, and keeps nothing.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import yaml
from benchmarks.data import generate, write_config
from sentencepiece import SentencePieceProcessor

from catscale.data.formats.lines import read_written
from catscale.data.preparation.builder import Builder
from catscale.data.preparation.prepare import prepare
from catscale.run.config import RunConfig
from catscale.run.folder.run_folder import source_commit
from catscale.vocabulary.sentencepiece import MODEL


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--targets", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder) / "corpus", options.pairs, options.targets)
        content = yaml.safe_load(write_config(Path(folder), options).read_text())
        figures = {"commit": source_commit(), "pairs": options.pairs, **measure(content, options.rounds)}
    print(json.dumps(figures, indent=2))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


def measure(content: dict[str, Any], rounds: int) -> dict[str, Any]:
    """Prepare a corpus, and repeat the stage that encodes it."""
    config = RunConfig.model_validate(content)
    found: list[dict[str, Any]] = []
    with measured(rounds, found.append):
        prepare(config.data, config.vocabulary, jobs=1)
    return found[0]


@contextmanager
def measured(rounds: int, report: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """Let each preparation encode several times, by turns with SentencePiece alone, and report what both took."""
    encode = Builder._encode

    def by_turns(builder: Builder, *arguments: Any) -> Any:
        work = builder.work.folder
        texts = [list(read_written(path)) for path in sorted((work / "text").iterdir()) if path.suffix != ".hashes"]
        alone = SentencePieceProcessor(model_file=str(work / "vocabulary" / MODEL))
        times: list[tuple[float, float]] = []
        for _ in range(rounds):
            for done in (*(work / "done").glob("encode*"), *(work / "tokens").iterdir()):
                done.unlink()
            first = cpu_seconds(lambda: [alone.encode(lines, num_threads=1) for lines in texts])
            times.append((first, cpu_seconds(partial(encode, builder, *arguments))))
        lines = sum(map(len, texts))
        report(
            {
                "lines": lines,
                "sentencepiece_lines_per_cpu_second": round(lines / median(alone for alone, _ in times)),
                "stage_lines_per_cpu_second": round(lines / median(whole for _, whole in times)),
                "share": round(median(alone / whole for alone, whole in times), 3),
            }
        )
        return encode(builder, *arguments)

    with patch.object(Builder, "_encode", by_turns):
        yield


def cpu_seconds(run: Callable[[], Any]) -> float:
    started = time.process_time()
    run()
    return time.process_time() - started


if __name__ == "__main__":
    main()
