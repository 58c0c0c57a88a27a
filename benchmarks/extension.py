"""New pieces before and after the old ones, and the time that an extension takes (figures: `docs/pretrained.md`).

python benchmarks/extension.py order FOLDER [--new bel] [--pieces 500] [--size 32000]    (FLORES-101's devtest)
python benchmarks/extension.py time [--size 256000] [--width 1024]

`order`: the first 800 lines of every file but one train a BPE tokenizer of NLLB's form, those of the one left out give
it new pieces. The held-out lines are cut. Orders: *after*, as `catscale.vocabulary.extension` has it; *before*, the
same pieces and merges, which come first; *own*, the first pieces of a BPE of the new language alone, whose merges come
first.

`time`: a tokenizer of made-up pieces, its extension, comparison, trimming and rows.
"""

import argparse
import json
import resource
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from catscale.vocabulary.extension import compare_segmentation, extend, find_missing, trim, union_of
from catscale.vocabulary.extension.content import BpeContent, Merge
from catscale.vocabulary.extension.learning import learn_merges
from catscale.vocabulary.extension.words import count_words

TRAINED_ON = 800
CONTROLS = ["<s>", "<pad>", "</s>", "<unk>"]
FLAGS = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}


def make_content(vocabulary: dict[str, int], merges: Sequence[Merge]) -> dict[str, Any]:
    """The content of a tokenizer.json with NLLB's way to divide words."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    parts = BpeContent(
        {
            "model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": True, "vocab": vocabulary, "merges": merges},
            "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        }
    )
    added = [{"id": parts.ids[token], "content": token, **FLAGS} for token in CONTROLS]
    return parts.replaced(parts.ids, merges, added)


def train(lines: Iterable[str], size: int) -> dict[str, Any]:
    """A tokenizer of the tokenizers library's own training."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=CONTROLS, show_progress=False)
    tokenizer.train_from_iterator(lines, trainer)
    model = BpeContent(json.loads(tokenizer.to_str()))
    return make_content(model.ids, model.merges)


def order_merges(base: dict[str, Any], merges: Sequence[Merge], is_first: bool) -> dict[str, Any]:
    """The content with new merges, before or after the old ones, and a piece for each."""
    parts = BpeContent(base)
    pieces = dict.fromkeys("".join(pair) for pair in merges)
    ids = parts.ids | {piece: parts.size + place for place, piece in enumerate(pieces)}
    both = [*merges, *parts.merges] if is_first else [*parts.merges, *merges]
    return parts.replaced(ids, both, parts.added_tokens())


def learn_own(base: dict[str, Any], lines: Iterable[str], pieces: int) -> list[Merge]:
    """The first merges of a BPE of a language alone that make pieces which the base lacks."""
    parts = BpeContent(base)
    words = Counter({tuple(word): number for word, number in count_words(parts.tokenizer, lines).items()})
    known, size = {one for word in words for one in word}, pieces
    while True:
        merges = [pair for pair in learn_merges(words, known, size) if "".join(pair) not in parts.ids]
        if len(merges) >= pieces:
            return merges[:pieces]
        size += pieces - len(merges)


def compare_orders(folder: Path, new: str, pieces: int, size: int) -> None:
    """Print a row for each order."""
    files = {path.stem: path.read_bytes().decode().split("\n")[:-1] for path in sorted(folder.glob("*.devtest"))}
    seen = {name: lines[:TRAINED_ON] for name, lines in files.items()}
    held = {name: lines[TRAINED_ON:] for name, lines in files.items()}
    base = train((line for name, lines in seen.items() if name != new for line in lines), size)
    missing = find_missing(base, {new: seen[new]})
    print(f"{new}: {missing[new]}")
    base = extend(base, characters=union_of(missing.values())).content
    after = extend(base, pieces=pieces, lines=seen[new]).content
    merges = BpeContent(after).merges[len(base["model"]["merges"]) :]
    own = learn_own(base, seen[new], pieces)
    contents = {"after": after, "before": order_merges(base, merges, True), "own": order_merges(base, own, True)}
    print("| order | pieces of the new language | new pieces among them | old lines cut otherwise | most, of |")
    print("|---|---:|---:|---:|---|")
    for name, content in contents.items():
        change = compare_segmentation(base, content, held)
        ours = change.pop(new)
        share = sum(one.changed for one in change.values()) / sum(one.lines for one in change.values())
        worst = max(change, key=lambda language: change[language].share)
        parts = BpeContent(content)
        ids = [number for one in parts.tokenizer.encode_batch(held[new]) for number in one.ids]
        used = sum(number >= len(base["model"]["vocab"]) for number in ids) / len(ids)
        gain = ours.pieces_after / ours.pieces_before - 1
        print(f"| {name} | {gain:+.1%} | {used:.1%} | {share:.2%} | {change[worst].share:.1%} {worst} |")


def make_up(size: int, characters: int = 4000) -> dict[str, Any]:
    """A tokenizer of made-up pieces, each of two earlier ones."""
    random = Random(0)
    letters = [chr(number) for number in range(0x4E00, 0x4E00 + characters - 26)] + [chr(97 + n) for n in range(26)]
    pieces, merges = ["▁", *letters], dict[Merge, None]()
    seen = set(pieces)
    while len(pieces) < size - len(CONTROLS):
        pair = (random.choice(pieces), pieces[random.randrange(1, len(pieces))])
        piece = "".join(pair)
        if piece not in seen and "▁" not in piece[1:] and len(piece) <= 12:
            seen.add(piece)
            pieces.append(piece)
            merges[pair] = None
    return make_content({piece: number for number, piece in enumerate([*CONTROLS, *pieces])}, list(merges))


def measure_time(size: int, width: int) -> None:
    """Print the seconds of each part, and the most memory so far."""
    import torch

    from catscale.model.new_rows import extend_state

    clock = time.perf_counter()

    def tell(what: str) -> None:
        nonlocal clock
        now = time.perf_counter()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"| {what} | {now - clock:.1f} | {peak:.2f} |", flush=True)
        clock = now

    base, random = make_up(size), Random(1)
    pieces = [piece for piece in base["model"]["vocab"] if "▁" not in piece]
    words = ["".join(random.choices(pieces, k=2)) for _ in range(30_000)]
    lines = [" ".join(random.choices(words, k=20)) + " éèù" for _ in range(20_000)]
    print("| what | seconds | most memory, GiB |\n|---|---:|---:|")
    tell("the tokenizer itself")
    missing = find_missing(base, {"new": lines})
    tell(f"missing characters of {len(lines):,} lines")
    extension = extend(base, tags={"new_Latn": None}, known_tags=CONTROLS, characters=missing["new"].addable)
    tell("characters and a tag")
    extension = extend(extension.content, pieces=1000, lines=lines)
    tell(f"1,000 pieces from {len(lines):,} lines")
    compare_segmentation(base, extension.content, {"old": lines[:1000]})
    tell("comparison on 1,000 lines")
    trimmed = trim(extension.content, lines)
    tell(f"trimming by {len(lines):,} lines: {len(trimmed.kept):,} of {len(extension.rows.bases):,} pieces are left")
    state = {"model.shared.weight": torch.randn(len(extension.rows.bases), width)}
    tell(f"a random table of width {width:,}")
    extend_state(state, extension.rows, seed=0)
    tell("its rows")


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["order", "time"])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--new", default="bel")
    parser.add_argument("--pieces", type=int, default=500)
    parser.add_argument("--size", type=int)
    parser.add_argument("--width", type=int, default=1024)
    arguments = parser.parse_args()
    if arguments.what == "time":
        measure_time(arguments.size or 256_000, arguments.width)
    else:
        compare_orders(arguments.folder, arguments.new, arguments.pieces, arguments.size or 32_000)


if __name__ == "__main__":
    main()
