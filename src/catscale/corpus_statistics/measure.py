"""A corpus in one pass: dev and test first, whose sentences are then looked for in train."""

from dataclasses import dataclass, replace
from functools import partial

from catscale.corpus_statistics.duplicates import MOST
from catscale.corpus_statistics.figures import SplitFigures
from catscale.corpus_statistics.overlap import Matches, count_overlap, gather
from catscale.corpus_statistics.parallel import Processes, Read, Watch
from catscale.corpus_statistics.split import SplitCounter
from catscale.corpus_statistics.texts import Part, Texts
from catscale.data.direction import Direction
from catscale.data.hashing import Hashes

Figures = dict[Direction, dict[str, SplitFigures]]


@dataclass(frozen=True)
class HeldOutPart:
    """A dev or test split.

    Attributes:
        figures: But for the overlap.
        sources: Hashes of its sources, a block after the other.
        targets: Of its targets.
    """

    figures: SplitFigures
    sources: list[Hashes]
    targets: list[Hashes]


def measure(texts: Texts, jobs: int = 1, watch: Watch = lambda done, pairs: None, most: int = MOST) -> Figures:
    """The figures of every split of every direction.

    Memory, a job: a block of pairs, and 36 x `most` bytes for the hashes of distinct lines; and in each 16 bytes a
    pair of dev and test.

    Args:
        texts: The corpus.
        jobs: Processes.
        watch: Told how far it is.
        most: Distinct lines of a split up to which duplicates are counted exactly.

    Raises:
        DataError: For every fault of the input, as when training.
    """
    parts = sorted(texts.parts(), key=texts.size, reverse=True)  # the longest first, so that no process is left over
    trains = [part for part in parts if part[0] == "train"]
    others = [part for part in parts if part[0] != "train"]
    with Processes(max(1, min(jobs, len(trains))), watch) as processes:
        held_out = processes.run(partial(_measure_held_out, texts, most), others)
        sentences = gather(hashes for part in held_out.values() for hashes in (*part.sources, *part.targets))
        trained = processes.run(partial(_measure_train, texts, sentences, most), trains)
    met = gather(found for _, found in trained.values())
    figures = {part: found for part, (found, _) in trained.items()}
    for part, found in held_out.items():
        if found.figures.read:  # 0 for a file of many languages without this one
            figures[part] = replace(found.figures, overlap=count_overlap(found.sources, found.targets, met))
    return _by_direction([(part, figures[part]) for part in texts.parts() if part in figures])


def _by_direction(figures: list[tuple[Part, SplitFigures]]) -> Figures:
    found: Figures = {}
    for (split, direction), of_split in figures:
        found.setdefault(direction, {})[split] = of_split
    return found


def _measure_held_out(texts: Texts, most: int, part: Part, read: Read) -> HeldOutPart:
    counter, sources, targets = SplitCounter(part[1], texts.rules(part), most), list[Hashes](), list[Hashes]()
    for block in texts.blocks(part):
        source, target = counter.add(block)
        sources.append(source)
        targets.append(target)
        read(len(block.pairs))
    return HeldOutPart(counter.figures(), sources, targets)


def _measure_train(texts: Texts, held_out: Hashes, most: int, part: Part, read: Read) -> tuple[SplitFigures, Hashes]:
    """The figures, and the held-out sentences that stand there."""
    counter, matches = SplitCounter(part[1], texts.rules(part), most), Matches(held_out)
    for block in texts.blocks(part):
        for hashes in counter.add(block):
            matches.add(hashes)
        read(len(block.pairs))
    return counter.figures(), matches.met
