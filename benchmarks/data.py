"""Preparation at full size: pairs a second, peak memory, and how soon training starts.

    python benchmarks/data.py [--pairs 1000000] [--targets 99] [--folder DIR] [--jobs N] [--json FILE]

Generates an English-centred corpus in the layout of OPUS-100 (44 of 99 targets with the same largest size, the others
falling off to a hundredth of it; words of 30,000 a language by Zipf's law, in seven scripts, ten a sentence), prepares
it by the command line, and starts a training on it. Memory is what all processes of a command hold together (the
proportional set size of each, so that shared pages count once), read every 0.2 s. The tokenizer's own limit is
SentencePiece encoding such lines from a list, on one thread, times the jobs; `python -m benchmarks.encoding`
compares the two by turns.

A corpus that lies in the folder already is not generated again; 55 million pairs need 30 GB there.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import yaml
from sentencepiece import SentencePieceProcessor

from catscale.run.folder.run_folder import source_commit
from catscale.system.processors import count_processors
from catscale.vocabulary.sentencepiece import MODEL

SCRIPTS = [(0x61, 26), (0x430, 32), (0x3B1, 24), (0x561, 38), (0x10D0, 33), (0x905, 50), (0xAC00, 2000)]
LEXICON = 30_000
PHRASES = 40_000
HELD_OUT = 2000  # sentences of dev, and of test, where train has enough
CHUNK = 100_000
SAMPLE = 20_000  # pairs that the tokenizer's own limit is measured on


def main() -> None:
    options = parse_arguments()
    if options.start:
        save({**describe(options), **measure_starts(options.folder)}, options.json)
        return
    folder = options.folder or Path(tempfile.mkdtemp())
    try:
        generate(folder / "corpus", options.pairs, options.targets)
        config = write_config(folder, options)
        report = {
            **describe(options),
            "preparation": prepare(config, options.jobs, options.pairs),
            "tokenizer": measure_tokenizer(folder, options.jobs),
            "training": start_training(config, folder / "run"),
        }
    finally:
        if options.folder is None:
            shutil.rmtree(folder)
    save(report, options.json)


def save(report: dict[str, Any], path: Path | None) -> None:
    print(json.dumps(report, indent=2))
    if path:
        path.write_text(json.dumps(report, indent=2) + "\n")


def measure_starts(folder: Path) -> dict[str, Any]:
    """The start of training on the store that lies there: with the system's cache as it is, and emptied (as root)."""
    found: dict[str, Any] = {}
    for kind in ("cached", "cached again", "cold", "cold again"):
        shutil.rmtree(folder / "run", ignore_errors=True)
        if kind.startswith("cold"):
            os.sync()
            Path("/proc/sys/vm/drop_caches").write_text("3")
        found[kind] = start_training(folder / "config.yaml", folder / "run")
    return found


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--targets", type=int, default=99)
    parser.add_argument("--folder", type=Path, help="keep corpus and store there (a temporary folder, removed)")
    parser.add_argument("--jobs", type=int, default=count_processors())
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--start", action="store_true", help="only start training on what lies in --folder, four times")
    options = parser.parse_args()
    if options.start and options.folder is None:
        parser.error("--start needs --folder, where a corpus was prepared before")
    return options


def describe(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "commit": source_commit(),
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}",
        "pairs": options.pairs,
        "directions": options.targets,
        "jobs": options.jobs,
    }


def generate(folder: Path, pairs: int, targets: int) -> None:
    """A corpus of about so many training pairs, unless it is there."""
    done = folder / "done.json"
    wanted = {"pairs": pairs, "targets": targets}
    if done.exists() and json.loads(done.read_text()) == wanted:
        return
    sizes = np.minimum(1.0, 0.01 ** ((np.arange(targets) - 0.44 * targets) / (0.56 * targets)))
    sizes = np.maximum(1, np.round(sizes / sizes.sum() * pairs)).astype(int)
    started = time.monotonic()
    with ProcessPoolExecutor() as pool:
        list(pool.map(write_direction, [folder] * targets, range(targets), sizes.tolist()))
    done.write_text(json.dumps(wanted))
    print(f"generated {sizes.sum():,} pairs in {time.monotonic() - started:.0f} s", file=sys.stderr)


def write_direction(folder: Path, number: int, size: int) -> None:
    code = name_of(number)
    place = folder / "supervised" / f"en-{code}"
    place.mkdir(parents=True, exist_ok=True)
    phrases = {"en": make_phrases(0, 1), code: make_phrases(number % len(SCRIPTS), number + 2)}
    rng = np.random.default_rng([7, number])
    for split, count in {"train": size, "dev": min(HELD_OUT, size), "test": min(HELD_OUT, size)}.items():
        files = [(language, (place / f"opus.en-{code}-{split}.{language}").open("wb")) for language in ("en", code)]
        for start in range(0, count, CHUNK):
            chosen = rng.integers(0, PHRASES, (min(CHUNK, count - start), 2))
            for language, file in files:
                words = phrases[language]
                file.write("".join([f"{words[a]} {words[b]}\n" for a, b in chosen.tolist()]).encode())
        for _, file in files:
            file.close()


def name_of(number: int) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return f"x{letters[number // 26]}{letters[number % 26]}"


def make_phrases(script: int, seed: int) -> list[str]:
    """Phrases of three to seven words of a language."""
    rng = np.random.default_rng(seed)
    first, count = SCRIPTS[script]
    longest = 3 if count > 100 else 9
    letters = rng.integers(first, first + count, (LEXICON, longest))
    lengths = rng.integers(1, longest + 1, LEXICON)
    lexicon = ["".join(map(chr, row[:n])) for row, n in zip(letters.tolist(), lengths.tolist(), strict=True)]
    shares = 1 / np.arange(1, LEXICON + 1)
    words = rng.choice(LEXICON, (PHRASES, 7), p=shares / shares.sum()).tolist()
    return [" ".join(lexicon[w] for w in row[:n]) for row, n in zip(words, rng.integers(3, 8, PHRASES), strict=True)]


def write_config(folder: Path, options: argparse.Namespace) -> Path:
    shutil.rmtree(folder / "prepared", ignore_errors=True)
    shutil.rmtree(folder / "run", ignore_errors=True)
    content = {
        "data": {
            "format": "opus100",
            "path": str(folder / "corpus"),
            "source": "en",
            "targets": "all",
            "store": str(folder / "prepared"),
        },
        "vocabulary": {"size": 64_000 if options.targets > 20 else 8000},
        "model": {"preset": "tiny"},
        "training": {"batch_tokens": 1024, "max_steps": 1000, "threads": 1, "device": "cpu"},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


class Memory:
    """The largest sum of what a process and its descendants hold, in MiB."""

    def __init__(self, pid: int) -> None:
        self.peak, self._pid, self._stop = 0.0, pid, Event()
        self._thread = Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._stop.wait(0.2):
            held = 0
            for pid in family(self._pid):
                with suppress(OSError):
                    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
                    held += sum(int(size) for size in re.findall(r"^Pss:\s+(\d+)", rollup, re.MULTILINE))
            self.peak = max(self.peak, held / 1024)

    def stop(self) -> float:
        self._stop.set()
        self._thread.join()
        return round(self.peak)


def family(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        with suppress(OSError):
            for children in Path(f"/proc/{parent}/task").glob("*/children"):
                found += [int(child) for child in children.read_text().split()]
    return found


def prepare(config: Path, jobs: int, pairs: int) -> dict[str, Any]:
    """Seconds until the text is clean, until everything is done, and the peak of memory."""
    command = [sys.executable, "-m", "catscale", "prepare", str(config), "--jobs", str(jobs)]
    started = time.monotonic()
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, encoding="utf-8")
    assert process.stderr is not None
    memory = Memory(process.pid)
    cleaned, stages = 0.0, {}
    for line in process.stderr:
        if line.startswith("vocabulary: training"):
            cleaned = time.monotonic() - started
        if found := re.match(r"(\w[\w ]+): ([\d,]+) pairs in ([\d,.]+) s, ([\d,]+) pairs/s", line):
            stages[found[1]] = {"pairs": integer(found[2]), "pairs_per_second": integer(found[4])}
            print(line.rstrip(), file=sys.stderr)
    assert process.wait() == 0
    seconds = time.monotonic() - started
    return {
        "peak_mib": memory.stop(),
        "seconds": round(seconds, 1),
        "seconds_without_tokenisation": round(cleaned, 1),
        "pairs_per_second": round(pairs / seconds),
        "pairs_per_second_without_tokenisation": round(pairs / cleaned),
        "stages": stages,
    }


def integer(text: str) -> int:
    return int(text.replace(",", ""))


def measure_tokenizer(folder: Path, jobs: int) -> dict[str, Any]:
    """Pairs a second that SentencePiece alone could encode."""
    store = next(path for path in (folder / "prepared").iterdir() if (path / "manifest.json").exists())
    processor = SentencePieceProcessor(model_file=str(store / "vocabulary" / MODEL))
    places = sorted((folder / "corpus" / "supervised").iterdir())
    each = max(1, SAMPLE // len(places))
    lines = [line for place in places for path in sorted(place.glob("*train*")) for line in head(path, each)]
    started = time.monotonic()
    ids = processor.encode(lines, num_threads=1)  # by default it takes all cores
    seconds = time.monotonic() - started
    return {
        "pairs_per_second": round(jobs * len(lines) / 2 / seconds),
        "tokens_per_sentence": round(sum(map(len, ids)) / len(ids), 1),
    }


def head(path: Path, count: int) -> list[str]:
    with path.open(encoding="utf-8", newline="\n") as file:
        return [line.rstrip("\n") for _, line in zip(range(count), file, strict=False)]


def start_training(config: Path, run: Path) -> dict[str, Any]:
    """Seconds from the command to the end of the first step, and the peak of memory by then."""
    started = time.monotonic()
    command = [sys.executable, "-m", "catscale", "train", str(config), "--out", str(run)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, encoding="utf-8")
    assert process.stderr is not None
    memory = Memory(process.pid)
    seconds = None
    for line in process.stderr:
        if re.match(r"step 1\b", line):
            seconds = round(time.monotonic() - started, 1)
            break
    time.sleep(5)  # more steps
    process.kill()
    process.wait()
    assert seconds is not None
    return {"seconds_to_first_step": seconds, "peak_mib": memory.stop()}


if __name__ == "__main__":
    main()
