"""The balance of a step's work on a simulated number of processes.

    python benchmarks/processes.py [--real] [--steps 20]

Balance is the mean work of the processes over that of the one that has most, by the plain model of
`catscale.distributed.dealing`. Beside it is what padding to shared passes costs the slowest process, with all of its
sub-batches in one pass, and both for sub-batches dealt in turn and the largest first. Embedded corpus, T = 5; with
`--real` Multi30k (CATSCALE_DATA, or ../shared/data), and nothing where that is not there.
"""

import argparse
import heapq
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

from benchmarks.joined_passes import prepare_corpus, take_steps

from catscale.data.preparation.prepare import prepare
from catscale.data.store.store import Store
from catscale.distributed.dealing import Slice, balance, cost_of_row, deal
from catscale.run.config import load_config

ROOT = Path(__file__).parents[1]
SIZES = (2, 4, 8, 16)
CASES = ((4096, 512), (8192, 1024), (32768, 4096))
"""Target tokens of a step and of a sub-batch."""
Shape = tuple[int, int, int]
Dealer = Callable[[Sequence[Shape], int], list[list[Slice]]]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--real", action="store_true", help="Multi30k in place of the embedded corpus")
    options = parser.parse_args(arguments)
    with TemporaryDirectory() as folder:
        store = prepare_real(Path(folder)) if options.real else prepare_corpus(Path(folder))
        if store is None:
            print("Multi30k is not here; CATSCALE_DATA names the place")
            return
        print("tokens of a step, of a sub-batch | processes | dealt | balance: mean, least | slices | one pass each")
        for tokens, sub_batch in CASES:
            steps = [[part.shape for part in parts] for parts in take_steps(store, tokens, sub_batch, options.steps)]
            for size in SIZES:
                for name, dealer in WAYS.items():
                    print(f"{tokens:,}, {sub_batch} | {size} | {name} | {describe(steps, dealer, size)}", flush=True)


def prepare_real(folder: Path) -> Store | None:
    """Prepare Multi30k as its configuration says; None where it is not there."""
    place = Path(os.environ.get("CATSCALE_DATA", ROOT.parent / "shared" / "data")) / "multi30k"
    if not place.is_dir():
        return None
    config = load_config(ROOT / "configs" / "multi30k.yaml", [f"data.store={folder}/store"])
    return prepare(config.data, config.vocabulary, lambda line: None)


def describe(
    steps: Sequence[Sequence[Shape]], dealer: Callable[[Sequence[Shape], int], list[list[Slice]]], size: int
) -> str:
    """Return the cells of one line."""
    dealt = [dealer(shapes, size) for shapes in steps]
    found = [balance(shapes, mine) for shapes, mine in zip(steps, dealt, strict=True)]
    slices = mean(sum(map(len, mine)) for mine in dealt)
    joined = mean(joined_balance(shapes, mine) for shapes, mine in zip(steps, dealt, strict=True))
    return f"{mean(found):.2f}, {min(found):.2f} | {slices:.1f} | {joined:.2f}"


def joined_balance(shapes: Sequence[Shape], dealt: Sequence[Sequence[Slice]]) -> float:
    """Return the mean work of the processes, unpadded, over that of the slowest with all of its rows in one pass."""
    work, padded = 0.0, []
    for mine in dealt:
        rows = [(part.end - part.start, *shapes[part.number][1:]) for part in mine]
        work += sum(count * cost_of_row(source, target) for count, source, target in rows)
        widest = [max((row[side] for row in rows), default=0) for side in (1, 2)]
        padded.append(sum(row[0] for row in rows) * cost_of_row(*widest))
    return work / len(dealt) / max(padded)


def deal_in_turn(shapes: Sequence[Shape], size: int) -> list[list[Slice]]:
    """Deal whole sub-batches one by one."""
    whole = [Slice(number, 0, shape[0]) for number, shape in enumerate(shapes)]
    return [whole[rank::size] for rank in range(size)]


def deal_largest_first(shapes: Sequence[Shape], size: int, slack: float = 0.03) -> list[list[Slice]]:
    """Deal the largest sub-batch to whoever has least, and cut off what is more than an equal share."""
    waiting = [(-rows * cost_of_row(s, t), number, 0, rows) for number, (rows, s, t) in enumerate(shapes)]
    limit = -sum(item[0] for item in waiting) / size * (1 + slack)
    loads = [(0.0, rank) for rank in range(size)]
    found: list[list[Slice]] = [[] for _ in range(size)]
    heapq.heapify(waiting)
    while waiting:
        _, number, start, end = heapq.heappop(waiting)
        load, rank = heapq.heappop(loads)
        each = cost_of_row(*shapes[number][1:])
        taken = min(end - start, max(1, int((limit - load) / each)))
        found[rank].append(Slice(number, start, start + taken))
        heapq.heappush(loads, (load + taken * each, rank))
        if start + taken < end:
            heapq.heappush(waiting, ((start + taken - end) * each, number, start + taken, end))
    return found


WAYS = {"in turn": deal_in_turn, "largest first": deal_largest_first, "by length, as trained": deal}

if __name__ == "__main__":
    main()
