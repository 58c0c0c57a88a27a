"""A corpus in one pass: dev and test first, whose sentences are then looked for in train."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from catscale.corpus_statistics.characters import Integers
from catscale.corpus_statistics.duplicates import MOST
from catscale.corpus_statistics.examples import MOST as MOST_EXAMPLES
from catscale.corpus_statistics.examples import look_up
from catscale.corpus_statistics.figures import SplitFigures
from catscale.corpus_statistics.overlap import Matches, count_overlap, gather
from catscale.corpus_statistics.sources import PairSource
from catscale.corpus_statistics.split import SplitCounter
from catscale.corpus_statistics.workers import ProgressWatch, Read, WorkerProcesses
from catscale.data.direction import Direction, SplitOfDirection
from catscale.data.preparation.hashing import Hashes

Figures = dict[Direction, dict[str, SplitFigures]]


@dataclass(frozen=True)
class HeldOutPart:
    """A dev or test split.

    Attributes:
        figures: The figures without the overlap.
        sources: Hashes of its sources, block by block.
        targets: Hashes of its targets, block by block.
        stream: Places of these pairs among all of the split, block by block.
    """

    figures: SplitFigures
    sources: list[Hashes]
    targets: list[Hashes]
    stream: list[Integers]


def measure(
    texts: PairSource, jobs: int = 1, watch: ProgressWatch = lambda done, pairs: None, most: int = MOST
) -> Figures:
    """Return the figures of every split of every direction.

    Memory per job: a block of pairs, and 36 x `most` bytes for the hashes of distinct lines; and in each 16 bytes
    per pair of dev and test.

    Args:
        texts: The corpus.
        jobs: Processes.
        watch: Told how far it is.
        most: Distinct lines of a split up to which duplicates are counted exactly.

    Raises:
        DataError: If the input has any fault that training refuses.
    """
    parts = sorted(texts.parts(), key=texts.size, reverse=True)  # the longest first, so that no process is left over
    trains = [part for part in parts if part[0] == "train"]
    others = [part for part in parts if part[0] != "train"]
    with WorkerProcesses(max(1, min(jobs, len(trains))), watch) as processes:
        held_out = processes.run(partial(_measure_held_out, texts, most), others)
        sentences = gather(hashes for part in held_out.values() for hashes in (*part.sources, *part.targets))
        trained = processes.run(partial(_measure_train, texts, sentences, most), trains)
    met = gather(found for _, found in trained.values())
    figures = {part: found for part, (found, _) in trained.items()}
    for part, found in held_out.items():
        if found.figures.read:  # 0 for a file of many languages without this one
            figures[part] = _with_overlap(texts, part, found, met)
    return _by_direction([(part, figures[part]) for part in texts.parts() if part in figures])


def _by_direction(figures: list[tuple[SplitOfDirection, SplitFigures]]) -> Figures:
    found: Figures = {}
    for (split, direction), of_split in figures:
        found.setdefault(direction, {})[split] = of_split
    return found


def _measure_held_out(texts: PairSource, most: int, part: SplitOfDirection, read: Read) -> HeldOutPart:
    counter, sources, targets = SplitCounter(part[1], texts.rules(part), most), list[Hashes](), list[Hashes]()
    streams: list[Integers] = []
    for block in texts.blocks(part):
        source, target, stream = counter.add(block)
        sources.append(source)
        targets.append(target)
        streams.append(stream)
        read(len(block.pairs))
    return HeldOutPart(_with_examples(texts, part, counter), sources, targets, streams)


def _with_examples(texts: PairSource, part: SplitOfDirection, counter: SplitCounter) -> SplitFigures:
    """Return the figures, and the lines that show what they count, for which the files are read again."""
    return replace(counter.figures(), examples=look_up(texts.located(part), counter.places.found))


def _with_overlap(texts: PairSource, part: SplitOfDirection, found: HeldOutPart, met: Hashes) -> SplitFigures:
    overlap, places = count_overlap(found.sources, found.targets, met)
    stream = np.concatenate([np.empty(0, np.int64), *found.stream])[places[:MOST_EXAMPLES]]
    examples = found.figures.examples + look_up(texts.located(part), {"in_train": stream.tolist()})
    return replace(found.figures, overlap=overlap, examples=examples)


def _measure_train(
    texts: PairSource, held_out: Hashes, most: int, part: SplitOfDirection, read: Read
) -> tuple[SplitFigures, Hashes]:
    """Return the figures of train, and the held-out sentences found in it."""
    counter, matches = SplitCounter(part[1], texts.rules(part), most), Matches(held_out)
    for block in texts.blocks(part):
        for hashes in counter.add(block)[:2]:
            matches.add(hashes)
        read(len(block.pairs))
    return _with_examples(texts, part, counter), matches.met
