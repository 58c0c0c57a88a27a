"""The tasks of a preparation, each for one direction, split or shard, and each done once.

    hold.DIRECTION                 choose and collect the source sentences of dev and test
    clean.SPLIT.DIRECTION          read, clean, write text and hashes
    encode.SPLIT.DIRECTION.SHARD   text to token files
    refill.train.DIRECTION         pairs beyond data.limit in the place of those with too many pieces, as a shard more
    join.SPLIT.DIRECTION           shards to the files of the store

They share nothing but the work folder, so that any process can do any of them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property, reduce
from itertools import chain, islice, repeat, zip_longest
from pathlib import Path
from typing import Any

from catscale.data.config import DataConfig
from catscale.data.corpora.corpus import Corpus
from catscale.data.direction import Direction, SplitOfDirection
from catscale.data.formats.lines import read_lines, read_together, write_lines
from catscale.data.pairs import Pair
from catscale.data.preparation.cleaning import (
    CHARACTERS,
    CHUNK,
    CleanChunk,
    Cleaner,
    Counts,
    drop_empty,
    in_pair_chunks,
    is_empty,
)
from catscale.data.preparation.encoding import Columns, encode_split, in_columns, take_fitting
from catscale.data.preparation.hashing import NONE
from catscale.data.preparation.holdout import HeldOut, find_held_out, gather, select
from catscale.data.preparation.tag_runs import TaggedChunk, TagRuns, read_runs
from catscale.data.preparation.work_folder import SHARD, SIDES, WorkFolder, name_of, text_name
from catscale.data.store.store import reference_path, stem
from catscale.data.store.token_files import join_tokens
from catscale.errors import DataError
from catscale.system.writing.files import create_file
from catscale.system.writing.manifest import checksum
from catscale.vocabulary.contract import Vocabulary
from catscale.vocabulary.table import load_vocabulary

Result = dict[str, Any]
ZERO_SHOT = "zero_shot"


@dataclass(frozen=True)
class PreparationTask:
    """One task.

    Attributes:
        kind: "hold", "clean", "encode", "refill" or "join".
        direction: The direction of the task.
        split: "train", "dev" or "test"; of "hold": empty, or "zero_shot" for a direction without train split.
        shard: Number of the shard; of "join": how many there are; of "refill": that of the shard that it makes.
    """

    kind: str
    direction: Direction
    split: str = ""
    shard: int = 0

    @property
    def part(self) -> SplitOfDirection:
        """The split and the direction."""
        return self.split, self.direction

    @property
    def name(self) -> str:
        """Distinct for every task of a preparation."""
        words = [self.kind, self.split, str(self.direction), f"{self.shard:03d}" if self.kind == "encode" else ""]
        return ".".join(word for word in words if word)

    def to_json(self) -> list[Any]:
        """Return the task as JSON."""
        return [self.kind, str(self.direction), self.split, self.shard]

    @classmethod
    def from_json(cls, content: list[Any]) -> "PreparationTask":
        """Restore what `to_json` returned."""
        return cls(content[0], Direction.parse(content[1]), content[2], content[3])


def ignore(count: int) -> None:
    """Ignore progress."""


@dataclass(frozen=True)
class TaskRunner:
    """Does tasks.

    Attributes:
        config: The corpus.
        work: The work folder.
        advance: Told of pairs as they are read or encoded.
    """

    config: DataConfig
    work: WorkFolder
    advance: Callable[[int], None] = field(default=ignore)

    @cached_property
    def corpus(self) -> Corpus:
        """The corpus that is read."""
        return Corpus(self.config)

    @cached_property
    def held_out(self) -> HeldOut:
        """Known when all tasks "hold" are done."""
        return gather(self.work.held())

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Known when it is trained."""
        return load_vocabulary(self.work.vocabulary)

    def run(self, task: PreparationTask) -> Result:
        """Do a task, unless it is done.

        Raises:
            DataError: If the input has any fault.
        """
        result = self.work.result(task.name)
        if result is None:
            kinds = {
                "hold": self._hold,
                "clean": self._clean,
                "encode": self._encode,
                "refill": self._refill,
                "join": self._join,
            }
            result = kinds[task.kind](task)
            self.work.finish(task.name, result)
        return result

    def _hold(self, task: PreparationTask) -> Result:
        holdout = None if task.split == ZERO_SHOT else self.config.holdout
        self.work.save_held(task.direction, find_held_out(self.corpus, task.direction, holdout))
        return {}

    def _clean(self, task: PreparationTask) -> Result:
        part, counts, runs = task.part, Counts(), TagRuns()
        with self.work.writing("text") as folder:
            if task.split == "train":
                cleaner = self._cleaner(task.direction, self.config.limit.get(str(task.direction)))
                counts = cleaner.counts
                shards = self._write_train(folder, part, runs.watch(self._clean_parts(task.direction, cleaner)))
            else:
                shards = self._write_shards(folder, part, drop_empty(self._watch(self._pairs(part)), counts))
        return {**counts.to_json(), "shards": shards, **({"tags": runs.to_json()} if self.corpus.tags else {})}

    def _clean_parts(self, direction: Direction, cleaner: Cleaner, is_watched: bool = True) -> Iterator[TaggedChunk]:
        """Clean the corpora of a direction as one, and yield what is left with the tag of the corpus."""
        for tag, pairs in self.corpus.tagged_pairs(direction):
            chunks = cleaner.clean(self._watch(pairs) if is_watched else pairs)
            yield from ((tag, chunk) for chunk in chunks)

    def _pairs(self, part: SplitOfDirection) -> Iterator[Pair]:
        """Return the pairs of a split: of the files, or made from train."""
        chosen = self.held_out.constructed.get(part)
        if chosen is None:
            return self.corpus.pairs(*part)
        return select(self.corpus.pairs_to_hold_out(part[1]), part[1], chosen)

    def _watch(self, pairs: Iterator[Pair]) -> Iterator[Pair]:
        for chunk in in_pair_chunks(pairs):
            yield from chunk
            self.advance(len(chunk))

    def _cleaner(self, direction: Direction, limit: int | None) -> Cleaner:
        drop, held_out = self.config.cleaning.drop_overlap, self.held_out
        forbidden = held_out.from_train if drop == "auto" else held_out.all if drop else NONE
        return Cleaner(self.config.cleaning, direction, held_out.all, forbidden, limit)

    def _write_train(self, folder: Path, part: SplitOfDirection, chunks: Iterable[CleanChunk]) -> int:
        """Write text and hashes; return the number of shards."""
        with ExitStack() as stack:
            files = [stack.enter_context(create_file(folder / f"{name_of(part)}.{side}.hashes")) for side in SIDES]

            def passing() -> Iterator[Pair]:
                for chunk in chunks:
                    for file, hashes in zip(files, (chunk.sources, chunk.targets), strict=True):
                        file.write(hashes.tobytes())
                    yield from chunk.pairs

            return self._write_shards(folder, part, passing())

    def _write_shards(self, folder: Path, part: SplitOfDirection, pairs: Iterator[Pair]) -> int:
        """Write text, `SHARD` pairs per file; return the number of shards."""
        shard = 0
        for first in pairs:
            names = [folder / text_name(part, side, shard) for side in SIDES]
            with create_file(names[0]) as sources, create_file(names[1]) as targets:
                for source, target in chain([first], _take(pairs, SHARD - 1)):
                    write_lines(sources, (source,))
                    write_lines(targets, (target,))
            shard += 1
        return shard

    def _encode(self, task: PreparationTask) -> Result:
        part, counts = task.part, Counts()
        longest = self.config.cleaning.max_length if task.split == "train" else None
        texts = [self.work.text(part, side, task.shard) for side in SIDES]
        with self.work.writing("tokens") as folder:
            stems = [folder / text_name(part, side, task.shard) for side in SIDES]
            columns = self._read_columns(texts, self._tags(task))
            found = encode_split(columns, (stems[0], stems[1]), self.vocabulary, counts, longest)
        return {**counts.to_json(), **found}

    def _read_columns(self, texts: Sequence[Path], tags: Iterator[int | None]) -> Iterator[Columns]:
        """Read the two files of a shard."""
        for sources, targets in read_together(texts, CHUNK, CHARACTERS):
            yield sources, targets, list(islice(tags, len(sources)))
            self.advance(len(sources))

    def _tags(self, task: PreparationTask) -> Iterator[int | None]:
        """Return the ids of the tags of the corpora that the pairs of a shard come from."""
        if task.split != "train" or not self.corpus.tags:
            return repeat(None)
        return map(self._tag_id, read_runs(self._result("clean", task, 0)["tags"], task.shard * SHARD))

    def _tag_id(self, name: str | None) -> int | None:
        return None if name is None else self.vocabulary.corpus_tag(name)

    def _refill(self, task: PreparationTask) -> Result:
        """Read the corpus again, and keep as many pairs beyond the limit as were lost before it."""
        limit, counts = self.config.limit[str(task.direction)], Counts()
        lost = sum_counts(self._result("encode", task, shard) for shard in range(task.shard)).kept
        chunks = self._clean_parts(task.direction, self._cleaner(task.direction, None), is_watched=False)
        cleaned = ((*pair, self._tag_id(tag)) for tag, chunk in chunks for pair in chunk.pairs)
        beyond = islice(cleaned, limit, None)
        longest = self.config.cleaning.max_length
        pairs = take_fitting(beyond, -lost, self.vocabulary, counts, longest)
        with self.work.writing("tokens") as folder:
            stems = [folder / text_name(task.part, side, task.shard) for side in SIDES]
            found = encode_split(in_columns(pairs), (stems[0], stems[1]), self.vocabulary, Counts(), longest)
        return {**counts.to_json(), **found}

    def _result(self, kind: str, task: PreparationTask, shard: int) -> Result:
        found = self.work.result(PreparationTask(kind, task.direction, task.split, shard).name)
        assert found is not None, f"{task.name} comes after {kind}"
        return found

    def _join(self, task: PreparationTask) -> Result:
        """Put the shards of a split together; returns the checksums of the files that it makes."""
        part, sums = task.part, {}
        with self.work.writing("store") as folder:
            for side in SIDES:
                shards = [self.work.tokens(part, side, shard) for shard in range(task.shard)]
                join_tokens(shards, stem(folder, *part, side))
                if task.split != "train":
                    _concatenate([Path(f"{shard}.txt") for shard in shards], Path(f"{stem(folder, *part, side)}.txt"))
            if task.split != "train" and part not in self.held_out.constructed:
                for number, path in enumerate(self.corpus.references(*part), 1):
                    self._keep_references(part, path, reference_path(folder, *part, number))
            sums = {path.name: checksum(path) for path in sorted(folder.iterdir())}
        return sums

    def _keep_references(self, part: SplitOfDirection, path: Path, target: Path) -> None:
        """Write the lines of a file of further references whose pairs were kept.

        Raises:
            DataError: If it has not a line for each pair.
        """
        rows = zip_longest(self.corpus.pairs(*part), read_lines(path))
        with create_file(target) as file:
            for number, (pair, line) in enumerate(rows, 1):
                if pair is None or line is None:
                    raise DataError(
                        f"{path} must have a line for each pair of the {part[0]} split of {part[1]}, and has "
                        f"{'more' if pair is None else 'fewer'}: line {number} has no "
                        f"{'pair' if pair is None else 'line'}; correct it, or remove it to score with fewer references"
                    )
                if not is_empty(pair) and all(self.vocabulary.encode(list(pair))):  # as `encode_split` keeps pairs
                    write_lines(file, (line,))


def _take(pairs: Iterator[Pair], count: int) -> Iterator[Pair]:
    for _, pair in zip(range(count), pairs, strict=False):
        yield pair


def _concatenate(paths: list[Path], target: Path) -> None:
    with create_file(target) as file:
        for path in paths:
            file.write(path.read_bytes())


def sum_counts(parts: Iterable[Result]) -> Counts:
    """Return the counts of several results together."""
    return reduce(Counts.__add__, (Counts.from_json(part) for part in parts))
