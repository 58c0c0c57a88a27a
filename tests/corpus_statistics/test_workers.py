import os
import signal
import threading
import time

import pytest

from catscale.corpus_statistics.workers import WorkerProcesses
from catscale.errors import CatscaleError, DataError


def run_parts(work, parts, jobs, watch):
    with WorkerProcesses(jobs, watch) as processes:
        return processes.run(work, parts)


def double(part, read):
    read(part)
    return 2 * part


def fail_on_two(part, read):
    if part == 2:
        raise DataError("two is wrong; leave it out")
    for _ in range(600):
        time.sleep(0.05)
        read(1)


def end(part, read):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_keep_the_order_and_pairs_are_counted(jobs):
    news = []
    assert run_parts(double, [3, 1, 2], jobs, lambda *new: news.append(new)) == {3: 6, 1: 2, 2: 4}
    assert news[-1] == (3, 6)


def test_counts_go_on_from_one_run_to_the_next():
    news = []
    with WorkerProcesses(1, lambda *new: news.append(new)) as processes:
        processes.run(double, [1, 2])
        processes.run(double, [3])
    assert news == [(0, 1), (1, 1), (1, 3), (2, 3), (2, 6), (3, 6)]


def test_a_failure_stops_the_other_processes():
    begin = time.monotonic()
    with pytest.raises(DataError, match="two is wrong; leave it out"):
        run_parts(fail_on_two, [1, 2], 2, lambda *news: None)
    assert time.monotonic() - begin < 15  # the other one would take 30 s


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_stops_the_processes():
    timer = threading.Timer(2.0, os.kill, (os.getpid(), signal.SIGINT))
    begin = time.monotonic()
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        run_parts(fail_on_two, [1, 3], 2, lambda *news: None)
    assert time.monotonic() - begin < 15


def test_a_killed_process_is_told():
    with pytest.raises(CatscaleError, match=r"ended from outside.*lower --jobs"):
        run_parts(end, [1, 2], 2, lambda *news: None)
