import resource
from pathlib import Path

from catscale.system import memory
from catscale.system.memory import available_memory, peak_memory


def test_it_is_the_least_of_what_limits_it(tmp_path, monkeypatch):
    found = available_memory()
    assert found is not None
    assert 0 < found < 2**50
    files = {"max": "1000000", "current": "400000"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(memory, "GROUPS", [(tmp_path / "max", tmp_path / "current")])
    assert available_memory() == 600_000
    (tmp_path / "max").write_text("max\n")
    assert memory._of_group(tmp_path / "max", tmp_path / "current") is None
    assert memory._of_group(tmp_path / "none", tmp_path / "current") is None
    monkeypatch.setattr(resource, "getrlimit", lambda which: (2**20, 2**20))
    assert available_memory() == 0  # more is taken than the limit allows


def test_the_peak_is_in_bytes():
    """Linux counts pages per processor, and adds them up at times: `statm` may be some pages above the peak."""
    held = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    assert 0.99 * held <= peak_memory() < 100 * held
