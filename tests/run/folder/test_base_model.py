"""The model that a run started from, on record in its folder."""

import json
from pathlib import Path

import pytest

from catscale.errors import ConfigError
from catscale.model.m2m100 import M2M100
from catscale.model.pretrained import Pretrained
from catscale.run.folder.base_model import check_base, record_base, warn_of_moving_base
from catscale.run.folder.run_lock import hold_lock
from tests.model.nllb_folder import write_network


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "base"
    folder.mkdir()
    write_network(folder, 40)
    (folder / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n# A model\n")
    (folder / "LICENSE").write_text("the text")
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


def test_a_model_is_described_and_its_licence_kept(base: Path, run: Path) -> None:
    found = record_base(run, Pretrained(pretrained=base))["base"]
    assert found.pop("fingerprint")
    assert found == {"path": str(base), "licence": "cc-by-nc-4.0", "licence_files": ["LICENSE"]}
    assert (run / "licence" / "LICENSE").read_text() == "the text"


def test_a_model_that_is_drawn_has_none(run: Path) -> None:
    assert record_base(run, M2M100()) == {}
    check_base(run, M2M100())


def test_a_run_goes_on_with_the_model_that_it_began_with(base: Path, run: Path) -> None:
    model = Pretrained(pretrained=base)
    check_base(run, model)
    (run / "environment.json").write_text(json.dumps(record_base(run, model)))
    check_base(run, model)
    write_network(base, 40, seed=2)
    message = r"has changed since the run in .* began: fingerprint [0-9a-f]{16} there, [0-9a-f]{16} now; restore it, or"
    with pytest.raises(ConfigError, match=message):
        check_base(run, model)
    with pytest.raises(ConfigError, match=r"[0-9a-f]{16} now; put it back$"):
        check_base(run, model, "put it back")


def test_a_run_that_is_still_training_is_no_firm_ground(run: Path) -> None:
    said: list[str] = []
    (run / "config.yaml").write_text("")
    warn_of_moving_base(None, said.append)
    warn_of_moving_base(run / "best", said.append)
    assert said == []
    with hold_lock(run, "train"):
        warn_of_moving_base(run / "best", said.append)
    assert len(said) == 1
    assert said[0].startswith(f"warning: {run / 'best'} is of a run that is still training and may change; ")


def test_a_run_of_an_earlier_version_has_no_record(base: Path, run: Path) -> None:
    (run / "environment.json").write_text("{}")
    check_base(run, Pretrained(pretrained=base))
