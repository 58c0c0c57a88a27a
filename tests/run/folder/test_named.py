"""`NAME=RUN`: what is a name, and what is a folder."""

from pathlib import Path

import pytest

from catscale.errors import ConfigError
from catscale.run.folder.named import parse_runs
from tests.comparison.fakes import write_run


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for seed in (1, 2):
        write_run(tmp_path / "T=5" / f"seed-{seed}", seed=seed, sizes={"en-az": 500}, sentences=2)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_is_a_folder_whatever_it_is_called(sweep: Path) -> None:
    assert parse_runs(["T=5", "T=5/seed-1"]) == ([Path("T=5"), Path("T=5/seed-1")], {})
    assert parse_runs(["missing"]) == ([Path("missing")], {})


def test_a_name_is_that_of_all_runs_below(sweep: Path) -> None:
    runs = {(sweep / "T=5" / f"seed-{seed}").resolve() for seed in (1, 2)}
    assert parse_runs(["my T=7=T=5"]) == ([Path("T=5")], dict.fromkeys(runs, "my T=7"))


@pytest.mark.parametrize("text", ["=T=5", "new=missing", "a\nb=T=5", f"{'x' * 101}=T=5", "new="])
def test_what_is_neither(sweep: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="expected RUN or NAME=RUN, a folder that exists, as in new=runs/one, with"):
        parse_runs([text])


def test_two_names_of_one_run(sweep: Path) -> None:
    with pytest.raises(ConfigError, match="b=T=5/seed-1: T=5/seed-1 is called a already; give it one name"):
        parse_runs(["a=T=5", "b=T=5/seed-1"])
