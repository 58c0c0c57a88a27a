"""How many processors a container gives."""

import math
import os
import platform

import pytest

from catscale.system import processors as module
from catscale.system.processors import count_processors, describe_processors, quota, share_threads


@pytest.mark.parametrize(
    ("files", "membership", "expected"),
    [
        ({}, "", math.inf),
        ({"cpu.max": "max 100000"}, "0::/", math.inf),
        ({"cpu.max": "250000 100000"}, "0::/", 2.5),
        ({"cpu.max": "max 100000", "a/cpu.max": "300000 100000", "a/b/cpu.max": "max 100000"}, "0::/a/b", 3),
        ({"a/b/cpu.max": "50000 100000", "a/cpu.max": "300000 100000"}, "1:name=x:/\n0::/a/b", 0.5),
        ({"cpu/cpu.cfs_quota_us": "150000", "cpu/cpu.cfs_period_us": "100000"}, "4:cpu:/docker/x", 1.5),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, "4:cpu:/docker/x", math.inf),
        ({"cpu.max": "what"}, "0::/", math.inf),
        ({"cpu.max": "1 0"}, "0::/", math.inf),
        ({"cpu.max": "100000 100000"}, "0::/../../elsewhere", 1),
    ],
)
def test_quota(files, membership, expected, tmp_path):
    (tmp_path / "membership").write_text(membership)
    for name, content in files.items():
        path = tmp_path / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")
    assert quota(tmp_path / "groups", tmp_path / "membership") == expected


@pytest.mark.parametrize(("worth", "expected"), [(0.2, 1), (1.5, 2), (math.inf, None)])
def test_a_share_counts_as_a_whole_processor(monkeypatch, worth, expected):
    monkeypatch.setattr(module, "quota", lambda *_: worth)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(3), raising=False)
    assert count_processors() == (expected or 3)


@pytest.mark.parametrize(
    ("asked", "jobs", "expected"), [(None, 2, 3), (None, 4, 1), (None, 9, 1), ("2", 2, 2), ("0", 2, 3), ("4,2", 2, 3)]
)
def test_threads_of_each_job(asked, jobs, expected, monkeypatch):
    monkeypatch.setattr(module, "count_processors", lambda: 6)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if asked is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert share_threads(jobs) == expected


def test_the_processor_has_its_name(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n\nmodel name\t: Some CPU\n")
    assert describe_processors(tmp_path / "cpuinfo") == "Some CPU @ 2 GHz, 2 cores, Linux"
    assert describe_processors(tmp_path / "none") == "x86_64, 2 cores, Linux"
