"""The corpus that `benchmarks/gpu.py` carries to another machine: Multi30k, dealt to 8 and to 58 directions.

    python -m benchmarks.device.carried [--out carried] [--corpus DIR] [--pieces 16000]

Each direction has a run of the lines of one of the corpus' targets, under a code of its own; dev and test are the same
lines for all with that target. Two token stores, some 20 MB together.
"""

import argparse
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import yaml
from benchmarks.data import name_of

from catscale.data.formats.lines import read_lines
from catscale.data.preparation.prepare import prepare
from catscale.run.config import load_config

DIRECTIONS = (8, 58)
SHARED = Path(os.environ.get("CATSCALE_DATA", "../shared/data"))
CORPUS = SHARED / "multi30k" / "data" / "task1" / "raw"
SPLITS = {"train": "train", "dev": "val", "test": "test_2016_flickr"}
HELD_OUT = 100  # lines of dev and of test of a direction


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("carried"))
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="Multi30k's raw files, SPLIT.LANG")
    parser.add_argument("--pieces", type=int, default=16_000)
    options = parser.parse_args(arguments)
    for count in DIRECTIONS:
        make(options.corpus, options.out, count, options.pieces)
    size = sum(path.stat().st_size for path in options.out.rglob("*") if path.is_file())
    print(f"{options.out}: {size / 2**20:.1f} MiB")


def place_of(carried: Path, count: int) -> Path:
    """Return where the store of that many directions lies."""
    return carried / f"{count}-directions"


def make(corpus: Path, out: Path, count: int, pieces: int) -> Path:
    """Prepare the store of some directions."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        deal_lines(corpus, folder / "text", count)
        content = {
            "data": {
                "format": "moses",
                "path": str(folder / "text"),
                "pattern": "{split}.en-{target}.{lang}",
                "source": "en",
                "targets": [name_of(number) for number in range(count)],
                "store": str(folder / "store"),
            },
            "vocabulary": {"size": pieces},
        }
        (folder / "config.yaml").write_text(yaml.safe_dump(content))
        config = load_config(folder / "config.yaml", [])
        prepare(config.data, config.vocabulary)
        store = next(path.parent for path in (folder / "store").glob("*/manifest.json"))
        shutil.rmtree(place_of(out, count), ignore_errors=True)
        return Path(shutil.copytree(store, place_of(out, count)))


def deal_lines(corpus: Path, folder: Path, count: int) -> None:
    """Write the files of each direction."""
    folder.mkdir(parents=True)
    languages = sorted({path.name.split(".")[1] for path in corpus.glob("train.*")} - {"en"})
    shares = -(-count // len(languages))  # directions of one target
    for split, name in SPLITS.items():
        english = read(corpus, name, "en")
        for number in range(count):
            language, part = languages[number % len(languages)], number // len(languages)
            each = len(english) // shares if split == "train" else min(HELD_OUT, len(english))
            start = part * each if split == "train" else 0
            code = name_of(number)
            for ending, lines in (("en", english), (code, read(corpus, name, language))):
                (folder / f"{split}.en-{code}.{ending}").write_text("\n".join(lines[start : start + each]) + "\n")


def read(corpus: Path, name: str, language: str) -> list[str]:
    """Return the lines of a file, plain or gzip."""
    plain = corpus / f"{name}.{language}"
    return list(read_lines(plain if plain.exists() else plain.with_name(f"{plain.name}.gz")))


if __name__ == "__main__":
    main()
