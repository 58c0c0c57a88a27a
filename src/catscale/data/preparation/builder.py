"""Building a store from raw text: hold dev and test out, clean, train the vocabulary, encode, join.

All but the vocabulary is tasks that share nothing but the work folder, on as many processes as there are
processors. What is done is not done again when a preparation that was cut off is repeated.
"""

from collections import defaultdict, deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from catscale.data.config import ALL
from catscale.data.corpora.corpus import SPLITS, Corpus
from catscale.data.direction import Direction, SplitOfDirection
from catscale.data.formats.lines import read_raw
from catscale.data.preparation.cleaning import Counts, is_empty
from catscale.data.preparation.encoding import COUNTED
from catscale.data.preparation.holdout import HeldOut
from catscale.data.preparation.meter import Meter
from catscale.data.preparation.tasks import ZERO_SHOT, PreparationTask, Result, TaskRunner, sum_counts
from catscale.data.preparation.unknown_pieces import describe_unknown, refuse_unknown
from catscale.data.preparation.vocabulary_sample import DistinctLines, EvenSample, HashedLines, balanced_sample
from catscale.data.preparation.work_folder import SIDES, WorkFolder
from catscale.data.preparation.workers import WorkerPool
from catscale.data.store.store import write_store_manifest
from catscale.errors import DataError
from catscale.system.console.messages import Say
from catscale.system.writing.files import copy_file, new_folder
from catscale.system.writing.manifest import checksum
from catscale.vocabulary.contract import Vocabulary, VocabularySettings
from catscale.vocabulary.table import load_vocabulary

CHECKED = 2000
"""Lines on which a vocabulary is checked."""


@dataclass(frozen=True)
class Builder:
    """Fills a work folder until it holds the store of one corpus.

    Attributes:
        work: The work folder, which may hold what an earlier attempt has done.
        corpus: The corpus to read.
        config: The vocabulary's settings.
        jobs: Processes.
        say: Receives progress lines.
        bar: Whether to show a bar on a terminal.
    """

    work: WorkFolder
    corpus: Corpus
    config: VocabularySettings
    jobs: int
    say: Say
    bar: bool = False

    def build(self, fingerprint: str) -> Path:
        """Make the whole store.

        Returns:
            Its folder, to be moved to its place.

        Raises:
            DataError: If the input has any fault.
        """
        self.work.clear()
        with Meter(self.say, self.bar) as meter:
            runner = TaskRunner(self.corpus.pinned, self.work, meter.add)
            with WorkerPool(runner, self.jobs) as pool:
                cleaned = self._clean(pool, runner, meter)
                meter.begin("vocabulary")
                vocabulary = self._make_vocabulary(cleaned)
                statistics = self._encode(pool, cleaned, meter)
                meter.begin("writing")
                sums = self._join(pool, cleaned)
        directions = [str(direction) for direction in self._trained(cleaned)]
        content = {"fingerprint": fingerprint, "directions": directions, "vocabulary_size": vocabulary.size}
        content |= {"zero_shot": [name for name in map(str, self.corpus.zero_shot) if name in statistics]}
        write_store_manifest(self.work.store, {**content, "statistics": statistics}, sums)
        return self.work.store

    def _clean(self, pool: WorkerPool, runner: TaskRunner, meter: Meter) -> dict[SplitOfDirection, Result]:
        """Clean every split that has pairs."""
        meter.begin("looking for dev and test")
        never_trained = [PreparationTask("hold", direction, ZERO_SHOT) for direction in self.corpus.zero_shot]
        pool.run([PreparationTask("hold", direction) for direction in self.corpus.directions] + never_trained)
        parts = self._parts(runner.held_out) + self.corpus.zero_shot_parts
        meter.begin("cleaning")
        tasks = [PreparationTask("clean", direction, split) for split, direction in self._largest_first(parts)]
        results = {task.part: result for task, result in pool.run(tasks).items()}
        return self._without_unfit({part: results[part] for part in parts})

    def _parts(self, held_out: HeldOut) -> list[SplitOfDirection]:
        """Return the splits of the directions that can be trained: those that are there, and those that are made."""
        parts = []
        for direction in self.corpus.directions:
            made = self.corpus.made_splits(direction)
            if "dev" in made and ("dev", direction) not in held_out.constructed and self._has_train(direction):
                self.say(f"{direction} is left out: of its one source sentence data.holdout can make no dev split")
                continue
            there = [split for split in SPLITS if split not in made and self.corpus.has_split(split, direction)]
            parts += [(s, direction) for s in SPLITS if s in there or (s, direction) in held_out.constructed]
        return parts

    def _without_unfit(self, results: dict[SplitOfDirection, Result]) -> dict[SplitOfDirection, Result]:
        """Return the parts with pairs, without directions of which everything is held out for others."""
        left_out = {
            direction
            for (split, direction), result in results.items()
            if split == "train" and not result["kept"] and result["dropped"]["overlap"] and self.corpus.config.holdout
        }
        for direction in sorted(left_out):
            self.say(f"{direction} is left out: data.holdout holds out all its sentences, for it or other directions")
        known = {code for s, d in results if s == "train" and d not in left_out for code in (d.source, d.target)}
        left_out |= {d for d in self.corpus.zero_shot if not {d.source, d.target} <= known}
        cleaned = {}
        for part, result in results.items():
            if part[1] in left_out or self._is_left_out(part, result):
                continue
            self._require_pairs(part, Counts.from_json(result))
            cleaned[part] = result
        if not self._trained(cleaned):
            raise DataError(
                f"no direction is left under {self.corpus.config.place}: data.holdout needs two source sentences of "
                f"one at least; {self.corpus.what_exists()}"
            )
        return cleaned

    def _trained(self, cleaned: Collection[SplitOfDirection]) -> list[Direction]:
        """Return the directions that are trained, in the order of the configuration."""
        return [direction for direction in self.corpus.directions if ("train", direction) in cleaned]

    def _has_train(self, direction: Direction) -> bool:
        return any(not is_empty(pair) for pair in self.corpus.pairs("train", direction))

    def _is_left_out(self, part: SplitOfDirection, result: Result) -> bool:
        """Return whether an empty split counts as missing: files of many languages may lack just these two."""
        split, direction = part
        if direction in self.corpus.zero_shot and self.corpus.config.zero_shot == ALL:
            return not result["kept"]
        return split == "test" and not result["read"] and direction not in self.corpus.zero_shot

    def _largest_first(self, parts: list[SplitOfDirection]) -> list[SplitOfDirection]:
        """Return the order in which all processes stay busy to the end."""
        return sorted(parts, key=lambda part: -self.corpus.size(*part))

    def _require_pairs(self, part: SplitOfDirection, counts: Counts) -> None:
        if not counts.kept:
            if not counts.read:
                raise DataError(
                    f"the {part[0]} split under {self.corpus.config.place} has no pair of {part[1]}; "
                    f"{self.corpus.what_exists()}; add some, choose other languages with data.targets or "
                    "data.directions, or let data.holdout: {dev: 500, test: 1000} take dev and test from train"
                )
            reasons = ", ".join(f"{name} {n:,}" for name, n in counts.dropped.items() if n)
            raise DataError(
                f"no pair is left in the {part[0]} split of {part[1]} under {self.corpus.config.place}: read "
                f"{counts.read:,}, dropped {reasons or 'none'}; {self.corpus.what_exists()}; "
                "check the files and data.cleaning"
            )

    def _make_vocabulary(self, cleaned: dict[SplitOfDirection, Result]) -> Vocabulary:
        folder = self.work.vocabulary
        if folder.exists():
            return load_vocabulary(folder)
        checked = EvenSample(CHECKED)
        texts = self._texts(cleaned)
        sample = checked.watch(balanced_sample(texts, self.config.temperature, self.config.sample_lines))
        languages = sorted(texts)
        distinct = {language: DistinctLines(texts[language], self.config.sample_lines) for language in languages}
        vocabulary = self.config.build_from(sample, distinct, self.say)
        if self.corpus.tags:
            said, vocabulary = len(vocabulary.notes), vocabulary.with_corpus_tags(self.corpus.tags)
            for note in vocabulary.notes[said:]:
                self.say(f"vocabulary: {note}")
        deque(sample, maxlen=0)  # what the building had no need of, the check has
        tags = "".join(f", <{tag}>" for tag in self.corpus.tags)
        self.say(f"vocabulary: {vocabulary.size:,} embeddings for {', '.join(languages)}{tags}")
        vocabulary.check(checked.lines, self.say)
        with new_folder(folder) as temporary:
            vocabulary.save(temporary)
        return vocabulary

    def _texts(self, cleaned: dict[SplitOfDirection, Result]) -> dict[str, list[HashedLines]]:
        """Return the lines of train of each language."""
        texts: dict[str, list[HashedLines]] = defaultdict(list)
        for direction in self._trained(cleaned):
            part = ("train", direction)
            for language, side in ((direction.source, SIDES[0]), (direction.target, SIDES[1])):
                files = [self.work.text(part, side, shard) for shard in range(cleaned[part]["shards"])]
                texts[language].append(HashedLines(self.work.hashes(part, side), partial(read_raw, files)))
        return texts

    def _encode(
        self, pool: WorkerPool, cleaned: dict[SplitOfDirection, Result], meter: Meter
    ) -> dict[str, dict[str, Any]]:
        """Encode all splits as tokens; return direction → split → what happened to its pairs."""
        meter.begin("encoding", sum(result["kept"] for result in cleaned.values()))
        statistics: dict[str, dict[str, Any]] = {str(direction): {} for _, direction in cleaned}
        for is_train in (False, True):  # dev and test are small, and tell whether the vocabulary has the script
            parts = {part: result for part, result in cleaned.items() if (part[0] == "train") == is_train}
            for part, counts in self._encode_parts(pool, parts).items():
                statistics[str(part[1])][part[0]] = counts
            cleaned |= parts
            refuse_unknown(statistics, self.config.max_unknown)
        for split, direction in cleaned:
            self.say(describe(split, direction, statistics[str(direction)][split], self._origin((split, direction))))
        return {name: {split: found[split] for split in SPLITS if split in found} for name, found in statistics.items()}

    def _encode_parts(
        self, pool: WorkerPool, parts: dict[SplitOfDirection, Result]
    ) -> dict[SplitOfDirection, dict[str, Any]]:
        """Encode some splits as tokens; return what happened to the pairs of each."""
        tasks = [
            PreparationTask("encode", d, split, n)
            for (split, d), found in parts.items()
            for n in range(found["shards"])
        ]
        shards: dict[SplitOfDirection, list[Result]] = defaultdict(list)
        for task, result in pool.run(tasks).items():
            shards[task.part].append(result)
        self._refill(pool, parts, shards)
        encoded = {}
        for part, result in parts.items():
            counts, made = sum_counts([result, *shards[part]]), shards[part]
            self._require_pairs(part, counts)
            known = [key for key in COUNTED if all(key in shard for shard in made)]  # version 0.1 may have begun it
            encoded[part] = counts.to_json() | {key: sum(shard[key] for shard in made) for key in known}
        return encoded

    def _refill(
        self, pool: WorkerPool, parts: dict[SplitOfDirection, Result], shards: dict[SplitOfDirection, list[Result]]
    ) -> None:
        """Add a shard of pairs beyond `data.limit` in place of those with too many pieces."""
        tasks = [
            PreparationTask("refill", direction, split, result["shards"])
            for (split, direction), result in parts.items()
            if split == "train" and result["dropped"]["limit"] and sum_counts(shards[split, direction]).kept
        ]
        for task, result in pool.run(tasks).items():
            shards[task.part].append(result)
            parts[task.part] = {**parts[task.part], "shards": task.shard + 1}

    def _origin(self, part: SplitOfDirection) -> str:
        """Return where a split comes from, if `data.holdout` makes some."""
        split, direction = part
        if self.corpus.config.holdout is None or split == "train" or direction not in self.corpus.directions:
            return ""
        return " (made from train)" if split in self.corpus.made_splits(direction) else " (of the files)"

    def _join(self, pool: WorkerPool, cleaned: dict[SplitOfDirection, Result]) -> dict[str, dict[str, Any]]:
        """Make the store's files; returns their checksums by name."""
        results = pool.run(
            [PreparationTask("join", d, split, found["shards"]) for (split, d), found in cleaned.items()]
        )
        sums = {name: found for result in results.values() for name, found in result.items()}
        with new_folder(self.work.store / "vocabulary") as folder:
            for path in self.work.vocabulary.iterdir():
                copy_file(path, folder / path.name)
        files = sorted((self.work.store / "vocabulary").iterdir())
        return sums | {f"vocabulary/{path.name}": checksum(path) for path in files}


def describe(split: str, direction: Direction, found: Mapping[str, Any], origin: str = "") -> str:
    """Return a line such as `en-fr train: 130,353 pairs read, 129,990 kept (duplicate 363); <unk> 0% of source, …`."""
    counts = Counts.from_json(found)
    reasons = [f"{reason} {n:,}" for reason, n in counts.dropped.items() if n]
    if counts.overlap and not counts.dropped["overlap"]:
        reasons.append(f"overlap with dev or test {counts.overlap:,}, kept")
    listed = f" ({', '.join(reasons)})" if reasons else ""
    lacking = describe_unknown(found)
    line = f"{direction} {split}{origin}: {counts.read:,} pairs read, {counts.kept:,} kept{listed}"
    return f"{line}; {lacking}" if lacking else line
