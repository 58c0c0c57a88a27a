"""How fast `catscale data stats` reads: pairs a second of a generated corpus, and memory.

    python benchmarks/corpus_statistics.py [--pairs 300000] [--jobs 1]

Prints pairs a second by the clock and by the processor's time, and the largest memory of a process.
"""

import argparse
import random
import resource
import tempfile
import time
from pathlib import Path

from catscale.run.commands.data_stats import Given, describe_corpus

LETTERS = {
    "en": "abcdefghijklmnopqrstuvwxyz",
    "ru": "абвгдежзийклмнопрстуфхцчшщъыьэюя",
    "hi": "कखगघचछजझटठडढतथदधनपफबभ",
}


def generate(root: Path, pairs: int) -> None:
    """English to Russian and Hindi: words of 2 to 9 letters, 20 a sentence on average, 2,000 pairs of dev and test."""
    rng = random.Random(1)
    words = {code: ["".join(rng.choices(a, k=rng.randint(2, 9))) for _ in range(30_000)] for code, a in LETTERS.items()}
    for code in ("ru", "hi"):
        folder = root / f"en-{code}"
        folder.mkdir(parents=True)
        for split, count in (("train", pairs), ("dev", 2000), ("test", 2000)):
            with (folder / f"{split}.en").open("w") as source, (folder / f"{split}.{code}").open("w") as target:
                for _ in range(count):
                    length = min(100, 2 + int(rng.expovariate(1 / 18)))
                    source.write(" ".join(rng.choices(words["en"], k=length)) + "\n")
                    target.write(" ".join(rng.choices(words[code], k=length)) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=300_000, help="train pairs of each of the two directions")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        generate(root, options.pairs)
        clock, processor = time.monotonic(), _processor_time()
        statistics = describe_corpus(Given(root), options.jobs, print)
        clock, processor = time.monotonic() - clock, _processor_time() - processor
    read = sum(split.read for splits in statistics.directions.values() for split in splits.values())
    memory = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    print(f"{read / clock:,.0f} pairs/s, {read / processor:,.0f} pairs/s of processor time, {memory:,.0f} MiB")


def _processor_time() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main()
