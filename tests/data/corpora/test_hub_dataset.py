"""A dataset as `datasets` gives it, from folders alone."""

from pathlib import Path

import pytest

from catscale.data.corpora.hub_dataset import HubDataset
from catscale.errors import ConfigError, DataError, UnreadableError

datasets = pytest.importorskip("datasets", reason="datasets is not installed: pip install 'catscale[datasets]'")

SHA = "0123456789abcdef0123456789abcdef01234567"
ROWS = [{"en": "a cat", "de": "eine Katze"}, {"en": "a dog", "de": "ein Hund"}]


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No network, and nothing written outside of the test's folder."""
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets.config, "HF_MODULES_CACHE", str(tmp_path / "modules"))


def test_a_commit_is_its_own_revision_and_a_folder_has_none(tmp_path: Path) -> None:
    assert HubDataset(Path("some/set"), SHA).revision == SHA
    assert not HubDataset(Path("some/set"), SHA).is_local
    assert HubDataset(tmp_path, None).revision is None
    assert HubDataset(tmp_path, None).is_local


def test_the_name_of_a_folder_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "set").mkdir()
    monkeypatch.chdir(tmp_path)
    assert HubDataset(Path("set"), None).path == tmp_path / "set"
    assert HubDataset(Path("some/set"), None).path == Path("some/set")


@pytest.mark.parametrize("path", ["/nowhere/at/all", "a/b/c", "/x"])
def test_neither_folder_nor_name_is_refused(path: str) -> None:
    with pytest.raises(DataError, match=r"is neither a folder .* nor a name on the Hub .*correct data\.path"):
        HubDataset(Path(path), None)


@pytest.mark.parametrize("with_splits", [True, False])
def test_what_save_to_disk_wrote_has_no_configurations(tmp_path: Path, with_splits: bool) -> None:
    rows = datasets.Dataset.from_list([{"translation": row} for row in ROWS])
    saved = datasets.DatasetDict({"train": rows, "validation": rows}) if with_splits else rows
    saved.save_to_disk(str(tmp_path / "set"))
    dataset = HubDataset(tmp_path / "set", None)
    assert dataset.is_saved
    assert dataset.names == [None]
    assert dataset.splits(None) == (["train", "validation"] if with_splits else ["train"])
    assert [record["translation"] for record in dataset.records(None, "train")] == ROWS


def test_files_of_a_plain_kind_are_streamed(tmp_path: Path) -> None:
    datasets.Dataset.from_list(ROWS).to_json(str(tmp_path / "set" / "train.jsonl"))
    dataset = HubDataset(tmp_path / "set", None)
    assert not dataset.is_saved
    (name,) = dataset.names
    assert dataset.splits(name) == ["train"]
    assert list(dataset.records(name, "train")) == ROWS


def test_what_cannot_be_read_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("no JSON")
    dataset = HubDataset(tmp_path, None)
    with pytest.raises(
        UnreadableError, match=r"cannot read the dataset .*; check data\.path, data\.name and data\.rev"
    ):
        dataset.splits(None)


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(ConfigError, match=r"hf needs the package datasets .*pip install 'catscale\[datasets\]'"):
        _ignored = HubDataset(tmp_path, None).names
