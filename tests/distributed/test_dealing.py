"""A step's work dealt to processes: all of it, once, in nearly equal parts."""

from itertools import pairwise
from pathlib import Path
from statistics import mean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catscale.data.batching import EXTRA, plan_batches
from catscale.data.embedded.corpus import generate_corpus
from catscale.distributed.dealing import ATTENTION, SLACK, TARGET, Slice, balance, cost_of_row, deal

shapes = st.lists(st.tuples(st.integers(1, 40), st.integers(2, 90), st.integers(2, 90)), min_size=1, max_size=12)


@given(shapes, st.integers(1, 9))
@settings(deadline=None, max_examples=150)
def test_every_row_is_dealt_once_and_no_process_has_more_than_its_share_and_a_row(found, size):
    dealt = deal(found, size)
    rows = sorted((part.number, row) for mine in dealt for part in mine for row in range(part.start, part.end))
    assert rows == [(number, row) for number, shape in enumerate(found) for row in range(shape[0])]
    assert len(dealt) == size
    assert all(part.start < part.end for mine in dealt for part in mine)
    assert sum(map(len, dealt)) <= len(found) + size - 1
    each = [cost_of_row(s, t) for _, s, t in found]
    total = sum(shape[0] * cost for shape, cost in zip(found, each, strict=True))
    most = max(sum((part.end - part.start) * each[part.number] for part in mine) for mine in dealt)
    assert most <= total / size * (1 + 2 * SLACK) + max(each) + 1e-6
    assert balance(found, dealt) == pytest.approx(total / size / most)


@given(shapes, st.integers(2, 9))
@settings(deadline=None, max_examples=50)
def test_processes_hold_neighbours_in_length(found, size):
    spans = [sorted(found[part.number][:0:-1] for part in mine) for mine in deal(found, size) if mine]
    assert all(one[-1] <= two[0] for one, two in pairwise(spans))


def test_one_process_has_all_of_it_in_the_order_of_the_step():
    found = [(4, 9, 30), (7, 5, 5), (1, 60, 2)]
    assert deal(found, 1) == [[Slice(0, 0, 4), Slice(1, 0, 7), Slice(2, 0, 1)]]


def test_fewer_rows_than_processes_leave_some_without():
    dealt = deal([(1, 9, 9), (2, 4, 4)], 5)
    assert sorted(len(mine) for mine in dealt) == [0, 0, 1, 1, 1]


def test_a_border_near_the_end_of_a_sub_batch_cuts_nothing():
    near = [(100, 10, 10), (101, 10, 10)]
    assert deal(near, 2) == [[Slice(0, 0, 100)], [Slice(1, 0, 101)]]
    assert deal([(100, 10, 10), (104, 10, 10)], 2)[0][1:] == [Slice(1, 0, 2)]
    assert deal([(101, 10, 10), (100, 10, 10)], 2) == [[Slice(0, 0, 101)], [Slice(1, 0, 100)]]


def test_what_a_row_costs():
    """S + 2 T, and attention of source, target and both: as much as the rest at 6 times the width."""
    assert (TARGET, ATTENTION) == (2.0, 3072)
    for source, target in ((7, 0), (0, 7), (11, 40)):
        expected = source + 2 * target + (source**2 + source * target + target**2) / 3072
        assert cost_of_row(source, target) == pytest.approx(expected)


def test_balance_is_mean_over_most():
    dealt = [[Slice(0, 0, 3)], [Slice(0, 3, 4)]]
    assert balance([(4, 8, 8)], dealt) == pytest.approx(2 / 3)


@pytest.fixture(scope="module")
def steps(tmp_path_factory) -> list[list[tuple[int, int, int]]]:
    """Shapes of the sub-batches of steps of the embedded corpus, words for pieces: 4,096 target tokens each, in 8."""
    folder = tmp_path_factory.mktemp("embedded")
    generate_corpus(folder)
    tasks = [plan_task(*sorted(place.glob("*-train.*"), key=is_english)) for place in pairs_of(folder)]
    rng, found = np.random.default_rng(1), []
    for _ in range(10):
        chosen = rng.integers(len(tasks), size=8)
        found.append([tasks[task][rng.integers(len(tasks[task]))] for task in chosen])
    return found


def pairs_of(folder: Path) -> list[Path]:
    return sorted(place for place in (folder / "supervised").iterdir() if place.is_dir())


def is_english(path: Path) -> bool:
    return path.suffix != ".en"


def plan_task(source: Path, target: Path) -> list[tuple[int, int, int]]:
    """Shapes of the sub-batches of one epoch of a task."""
    sources, targets = (
        np.array([len(line.split()) for line in path.read_text(encoding="utf-8").splitlines()], np.int32)
        for path in (source, target)
    )
    plan = plan_batches(sources, targets, 512, np.random.default_rng(2))
    return [(len(batch), int(sources[batch].max()) + EXTRA, int(targets[batch].max()) + EXTRA) for batch in plan]


@pytest.mark.parametrize(("size", "bar"), [(2, 0.97), (8, 0.93), (16, 0.88)])
def test_a_step_is_balanced_on_many_processes(steps, size, bar):
    """Whole sub-batches dealt in turn are at 0.9, 0.6 and 0.5."""
    found = [balance(shapes, deal(shapes, size)) for shapes in steps]
    assert mean(found) >= bar
    in_turn = [[[Slice(n, 0, s[n][0]) for n in range(p, len(s), size)] for p in range(size)] for s in steps]
    assert mean(map(balance, steps, in_turn)) < bar
