"""A disk that is full, or read-only: one message, nothing lost, and the same command goes on once there is room."""

import errno
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.accidents import Accident, Ended, run
from tests.faults.conftest import EVERY
from tests.faults.same import assert_same_run
from tests.faults.test_kill import count_writes, texts

FULL = ("No space left on device", "Read-only file system", "File too large")


def assert_told(ended: Ended) -> None:
    """One message that says what could not be written, and no traceback."""
    assert ended.status == 2, ended.text
    assert "Traceback" not in ended.text, ended.text
    assert "Exception ignored" not in ended.text, ended.text
    assert ended.text.count("catscale: ") == 1, ended.text
    message = ended.text.partition("catscale: ")[2]
    assert any(word in message for word in FULL), message
    assert "free space" in message


def fail_and_go_on(config: Path, expected: Path, accident: Accident, tmp_path: Path) -> None:
    """Let a training fail, and go on."""
    folder, log = tmp_path / "run", tmp_path / "run.log"
    ended = run(["train", config, "--out", folder], folder, log, accident)
    assert_told(ended)
    again = run(["train", config, "--out", folder], folder, log)
    assert again.status == 0, again.text
    assert_same_run(folder, expected)
    shutil.rmtree(folder)


def test_the_disk_is_full_at_a_few_writes(config, trained, tmp_path):
    ended = run(["train", config, "--out", tmp_path / "counted"], tmp_path / "counted", tmp_path / "counted.log")
    for name in ("tensors state.safetensors", "record metrics.jsonl"):
        fail_and_go_on(config, trained, Accident(ended.writes.index(name) + 1, errno.ENOSPC), tmp_path)


def test_a_file_grows_no_further(config, trained, tmp_path):
    """The kernel cuts the write of the tensors themselves."""
    fail_and_go_on(config, trained, Accident(largest=60_000), tmp_path)


@pytest.mark.faults
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("by", [errno.ENOSPC, errno.EROFS], ids=["full", "read-only"])
def test_the_disk_refuses_from_every_write_on(config, trained, tmp_path, record, by):
    count = count_writes(config, tmp_path)
    tried, untold = range(1, count + 1, EVERY if by == errno.ENOSPC else 5 * EVERY), 0
    for at in tried:
        folder, log = tmp_path / "run", tmp_path / "run.log"
        ended = run(["train", config, "--out", folder], folder, log, Accident(at, by))
        if ended.status == 0:  # what is refused is only the removal of what is no longer needed
            untold += 1
        else:
            assert_told(ended)
        again = run(["train", config, "--out", folder], folder, log)
        assert again.status == 0, again.text
        assert_same_run(folder, trained)
        shutil.rmtree(folder)
    assert untold <= count // 20
    name = "full" if by == errno.ENOSPC else "read-only"
    record(f"train, disk {name} from a write on ({count} writes)", len(tried), "one message, then the same run")


@pytest.mark.faults
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("by", [errno.ENOSPC, errno.EROFS], ids=["full", "read-only"])
def test_an_evaluation_is_refused_at_every_write(trained, whole, tmp_path, record, by):
    folder = shutil.copytree(trained, tmp_path / "counted")
    count = len(run(["evaluate", folder], folder, tmp_path / "counted.log").writes)
    tried, untold = range(1, count, EVERY), []  # the last one removes the lock
    for at in tried:
        folder, log = shutil.copytree(trained, tmp_path / "run"), tmp_path / "run.log"
        ended = run(["evaluate", folder], folder, log, Accident(at, by))
        if ended.status == 0:  # what is refused is only the removal of the copy of the best model
            assert texts(folder) == texts(whole)
            untold.append(at)
        else:
            assert_told(ended)
        assert run(["evaluate", folder], folder, log).status == 0
        assert texts(folder) == texts(whole)
        assert not (folder / ".best.frozen").exists()
        shutil.rmtree(folder)
    assert set(untold) <= {count - 1}
    name = "full" if by == errno.ENOSPC else "read-only"
    record(f"evaluate, disk {name} from a write on ({count} writes)", len(tried), "one message, then the same scores")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 1 MB at first."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def remount(folder: Path, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", folder], check=True)


@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_a_real_disk_fills_up(config, trained, tmp_path, small_disk, record):
    sizes = range(64, 2300, 64 * EVERY)
    for kilobytes in sizes:
        folder, log = small_disk / "run", tmp_path / "run.log"
        remount(small_disk, f"size={kilobytes}k")
        ended = run(["train", config, "--out", folder], folder, log)
        if ended.status:
            assert_told(ended)
        remount(small_disk, "size=20m")
        again = run(["train", config, "--out", folder], folder, log)
        assert again.status == 0, again.text
        assert_same_run(folder, trained)
        shutil.rmtree(folder)
    record("train on a disk of 64 kB to 2.3 MB", len(sizes), "one message, then the same run")


@pytest.mark.faults
def test_a_disk_that_is_read_only(config, trained, tmp_path, small_disk, record):
    folder, log = small_disk / "run", tmp_path / "run.log"
    remount(small_disk, "size=20m")
    shutil.copytree(trained, folder)
    shutil.rmtree(folder / "checkpoints" / "step-6")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    remount(small_disk, "ro")
    for arguments in (["train", config, "--out", folder], ["evaluate", folder]):
        assert_told(run(arguments, folder, log))
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    source = tmp_path / "source.txt"
    source.write_text("red cat\n")
    assert run(["translate", folder, "--to", "xa", "--input", source], folder, log).status == 0  # it only reads
    remount(small_disk, "rw")
    assert run(["train", config, "--out", folder], folder, log).status == 0
    assert_same_run(folder, trained)
    record("train, evaluate, translate in a folder mounted read-only", 3, "two messages, one translation")
