"""What a normalisation rule and byte fallback do to text that goes through a vocabulary (figures: `docs/data.md`).

python benchmarks/normalisation.py FOLDER    (with files of lines, such as FLORES-101's devtest)

The first 800 lines of each file train a SentencePiece BPE model, the others are cut and put together again.
"""

import argparse
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import sentencepiece

from catscale.vocabulary.sentencepiece import hide, show

TRAINED_ON = 800
RULES: list[tuple[str, dict[str, Any]]] = [
    ("nmt_nfkc", {}),
    ("identity", {"normalization_rule_name": "identity", "remove_extra_whitespaces": False}),
    (
        "identity, bytes",
        {"normalization_rule_name": "identity", "remove_extra_whitespaces": False, "byte_fallback": True},
    ),
]


def train(lines: Sequence[str], size: int, options: dict[str, Any]) -> Any:
    """A processor of a model with the four control tokens in our order."""
    model = BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=map(hide, lines),
        model_writer=model,
        model_type="bpe",
        vocab_size=size,
        character_coverage=1.0,
        bos_id=0,
        pad_id=1,
        eos_id=2,
        unk_id=3,
        minloglevel=2,
        **options,
    )
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def main() -> None:
    """Print a row for each size and rule."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[2000, 8000, 32_000])
    arguments = parser.parse_args()
    files = [path.read_bytes().decode().split("\n")[:-1] for path in sorted(arguments.folder.iterdir())]
    seen = [line for lines in files for line in lines[:TRAINED_ON]]
    held = [line.strip() for lines in files for line in lines[TRAINED_ON:]]
    print(f"{len(files)} files, {len(seen):,} lines to train on, {len(held):,} held out")
    print("| size | rule | pieces | <unk> | lines that come out otherwise |\n|---:|---|---:|---:|---:|")
    for size in arguments.sizes:
        for name, options in RULES:
            processor = train(seen, size, options)
            ids = processor.encode([hide(line) for line in held])
            unknown, pieces = sum(line.count(3) for line in ids), sum(map(len, ids))
            changed = sum(show(text) != line for text, line in zip(processor.decode(ids), held, strict=True))
            print(f"| {size:,} | {name} | {pieces:,} | {unknown:,} | {changed / len(held):.1%} |")


if __name__ == "__main__":
    main()
