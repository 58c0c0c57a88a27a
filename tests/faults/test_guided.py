"""The searches again, led by the lines of catscale that an input reaches, where atheris is installed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.fuzzing import SECONDS
from tests.faults.test_fuzz import SEARCHES
from tests.faults.test_fuzz_readers import FILES

NAMES = [*(search.__name__ for search in SEARCHES), *FILES]


@pytest.mark.faults
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", NAMES)
def test_led_by_coverage(name, tmp_path, record):
    pytest.importorskip("atheris", reason="atheris is not installed: pip install 'catscale[fuzz]' (Linux, macOS)")
    if name == "parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'catscale[parquet]'")
    folder = tmp_path / name
    folder.mkdir()
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.guided", name, str(folder), f"{SECONDS:.0f}"],
        cwd=root,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(root), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    assert re.search(r"Done \d+ runs in", done.stderr), done.stderr[-5000:]
    tried = int(folder.with_name(f"{name}.tried").read_text())
    assert tried > SECONDS
    what = f"{name.replace('_', ' ')}, led by coverage (atheris) for {SECONDS:g} s"
    record(f"corpus files of format {what}" if name in FILES else what, tried, "read, or one message")
