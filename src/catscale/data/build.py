"""From raw text to a store, in three streaming passes: clean, train the vocabulary, encode.

The cleaned text lies in FOLDER/text while the store is built, a file a side.
"""

import shutil
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from catscale.data.cleaning import Cleaner, Counts, drop_empty
from catscale.data.corpus import SPLITS, Corpus
from catscale.data.direction import Direction
from catscale.data.encoding import encode_split
from catscale.data.hashing import NONE
from catscale.data.holdout import HeldOut, find_held_out, select
from catscale.data.lines import read_written, write_lines
from catscale.data.readers import Pair
from catscale.data.sample import EvenSample, Lines, balanced_sample
from catscale.data.store import stem, write_manifest
from catscale.data.tokenizer import check_agreement
from catscale.data.vocabulary import Vocabulary
from catscale.data.vocabulary_training import VocabularyConfig, load_model, train_vocabulary
from catscale.errors import DataError

Say = Callable[[str], None]
Part = tuple[str, Direction]  # a split of a direction
AGREEMENT_SAMPLE = 2000


@dataclass(frozen=True)
class Builder:
    """Fills one folder with the store of one corpus.

    Attributes:
        folder: Where to write; new and empty.
        corpus: What to read.
        config: The vocabulary's settings.
        say: Receives progress lines.
    """

    folder: Path
    corpus: Corpus
    config: VocabularyConfig
    say: Say

    def build(self, fingerprint: str) -> None:
        """Write the whole store.

        Raises:
            DataError: For every fault of the input.
        """
        (self.folder / "text").mkdir()
        held_out = find_held_out(self.corpus, self.corpus.config.holdout)
        counts = {part: found for part in self._parts(held_out) if (found := self._clean(part, held_out))}
        vocabulary = self._make_vocabulary()
        statistics: dict[str, dict[str, Any]] = defaultdict(dict)
        for part, count in counts.items():
            statistics[str(part[1])][part[0]] = self._encode(part, count, vocabulary)
        shutil.rmtree(self.folder / "text")
        directions = [str(direction) for direction in self.corpus.directions]
        content = {"fingerprint": fingerprint, "directions": directions, "vocabulary_size": vocabulary.size}
        content |= {"zero_shot": [str(direction) for direction in self.corpus.zero_shot]}
        write_manifest(self.folder, {**content, "statistics": statistics})

    def _parts(self, held_out: HeldOut) -> list[Part]:
        parts = [(split, direction) for direction in self.corpus.directions for split in SPLITS]
        parts = [part for part in parts if part in held_out.constructed or self.corpus.has_split(*part)]
        return parts + self.corpus.zero_shot_parts

    def _clean(self, part: Part, held_out: HeldOut) -> Counts | None:
        split, direction = part
        if part in held_out.constructed:
            counts = Counts()
            chosen = select(self.corpus.pairs("train", direction), direction, held_out.constructed[part])
            self._write_text(part, drop_empty(chosen, counts))
        elif split != "train":
            counts = Counts()
            self._write_text(part, drop_empty(self.corpus.pairs(split, direction), counts))
        else:
            cleaner = self._cleaner(direction, held_out)
            counts = cleaner.counts
            self._write_text(part, cleaner.clean(self.corpus.pairs("train", direction)))
        if split == "test" and not counts.read:
            return None  # a file of many languages without this one
        self._require_pairs(part, counts)
        return counts

    def _cleaner(self, direction: Direction, held_out: HeldOut) -> Cleaner:
        config = self.corpus.config
        drop = config.cleaning.drop_overlap
        forbidden = held_out.from_train if drop == "auto" else held_out.all if drop else NONE
        return Cleaner(config.cleaning, direction, held_out.all, forbidden, config.limit.get(str(direction)))

    def _require_pairs(self, part: Part, counts: Counts) -> None:
        if not counts.kept:
            reasons = ", ".join(f"{name} {n:,}" for name, n in counts.dropped.items() if n)
            raise DataError(
                f"no pair is left in the {part[0]} split of {part[1]} under {self.corpus.config.place}: read "
                f"{counts.read:,}, dropped {reasons or 'none'}; {self.corpus.what_exists(part[1])}; "
                "check the files and data.cleaning"
            )

    def _text(self, part: Part, side: str) -> Path:
        return stem(self.folder / "text", *part, side)

    def _write_text(self, part: Part, pairs: Iterable[Pair]) -> None:
        with self._text(part, "source").open("wb") as sources, self._text(part, "target").open("wb") as targets:
            for source, target in pairs:
                write_lines(sources, (source,))
                write_lines(targets, (target,))

    def _read_text(self, part: Part) -> Iterator[Pair]:
        return zip(read_written(self._text(part, "source")), read_written(self._text(part, "target")), strict=True)

    def _make_vocabulary(self) -> Vocabulary:
        texts: dict[str, list[Lines]] = defaultdict(list)
        for direction in self.corpus.directions:
            for language, side in ((direction.source, "source"), (direction.target, "target")):
                texts[language].append(partial(read_written, self._text(("train", direction), side)))
        checked = EvenSample(AGREEMENT_SAMPLE)
        sample = checked.watch(balanced_sample(texts, self.config.temperature, self.config.sample_lines))
        model, languages = self.config.model_file, sorted(texts)
        if model is not None:
            vocabulary = load_model(model, languages)
            deque(sample, maxlen=0)
        else:
            self.say(f"vocabulary: training {self.config.size:,} pieces on {len(languages)} languages")
            vocabulary = train_vocabulary(self.config, sample, languages)
        lines = checked.lines
        differing = check_agreement(vocabulary.encode, vocabulary.hugging_face(), lines)
        agreement = f"the Hugging Face tokenizer agrees on {len(lines) - differing:,} of {len(lines):,} lines"
        self.say(f"vocabulary: {vocabulary.size:,} embeddings for {', '.join(languages)}; {agreement}")
        vocabulary.save(self.folder / "vocabulary")
        return vocabulary

    def _encode(self, part: Part, counts: Counts, vocabulary: Vocabulary) -> dict[str, Any]:
        split, direction = part
        longest = self.corpus.config.cleaning.max_length if split == "train" else None
        stems = stem(self.folder, split, direction, "source"), stem(self.folder, split, direction, "target")
        tokens = encode_split(self._read_text(part), stems, vocabulary, counts, longest)
        self._require_pairs(part, counts)
        self.say(describe(split, direction, counts))
        summary = {"read": counts.read, "kept": counts.kept, "dropped": counts.dropped, "overlap": counts.overlap}
        return {**summary, "source_tokens": tokens[0], "target_tokens": tokens[1]}


def describe(split: str, direction: Direction, counts: Counts) -> str:
    """A line such as `en-fr train: 130,353 pairs read, 129,990 kept (duplicate 363)`."""
    reasons = [f"{reason} {n:,}" for reason, n in counts.dropped.items() if n]
    if counts.overlap and not counts.dropped["overlap"]:
        reasons.append(f"overlap with dev or test {counts.overlap:,}, kept")
    listed = f" ({', '.join(reasons)})" if reasons else ""
    return f"{direction} {split}: {counts.read:,} pairs read, {counts.kept:,} kept{listed}"
