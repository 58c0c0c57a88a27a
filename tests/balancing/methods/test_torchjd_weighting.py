"""The optional package: imported when it is used, and named where it is missing."""

import subprocess
import sys

import pytest

from catscale.balancing import METHODS
from catscale.errors import ConfigError


def test_without_the_package_init_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchjd.aggregation", None)
    with pytest.raises(ConfigError, match=r"needs TorchJD 0.18 .*, found: .*; run pip install 'torchjd>=0.18'"):
        METHODS["pcgrad"]().init(2)


@pytest.mark.parametrize("name", [name for name in METHODS if name != "pcgrad"])
def test_no_other_method_needs_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchjd.aggregation", None)
    METHODS[name]().init(2)


def test_torchjd_is_not_imported_until_it_is_used() -> None:
    program = "import sys, catscale.balancing; sys.exit('torchjd' in sys.modules or 'cvxpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
