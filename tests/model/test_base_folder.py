"""The folder of a pre-trained model: its class, its files, and the one command that makes a pickle harmless."""

import json
import pickle
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from catscale.errors import CheckpointError, ConfigError
from catscale.model.base_folder import check_folder, describe_folder, list_weights, read_sizes
from tests.model.nllb_folder import write_network
from tests.vocabulary.pretrained.folders import change_json

TIED = ("model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight", "lm_head.weight")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base") / "a folder"
    folder.mkdir()
    write_network(folder, 60)
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    return shutil.copytree(written, tmp_path / "a folder")


def test_sizes_are_those_of_its_configuration(folder: Path) -> None:
    sizes = read_sizes(folder)
    assert (sizes["vocab_size"], sizes["d_model"], sizes["encoder_layers"]) == (60, 16, 2)
    check_folder(folder)


def test_links_are_followed_as_those_of_the_hub_s_cache(folder: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    for path in folder.iterdir():
        (snapshot / path.name).symlink_to(path)
    check_folder(snapshot)
    assert describe_folder(snapshot)["fingerprint"] == describe_folder(folder)["fingerprint"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "nllb-moe"}, r"holds a model of the class 'nllb-moe'; allowed is m2m_100: NLLB-200 \(not its "),
        ({"model_type": "t5"}, r"holds a model of the class 't5'; allowed is m2m_100"),
        ({"architecture": "routed"}, r"holds a model of the class 'routed'; allowed is m2m_100"),
    ],
)
def test_a_model_of_another_class_is_refused(folder: Path, changes: dict[str, Any], message: str) -> None:
    change_json(folder / "config.json", **changes)
    with pytest.raises(ConfigError, match=message):
        check_folder(folder)


def test_a_folder_that_is_missing_is_not_downloaded() -> None:
    with pytest.raises(ConfigError, match="is no folder; catscale downloads no model"):
        check_folder(Path("facebook/nllb-200-distilled-600M"))


def test_a_run_s_own_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    folder.rename(tmp_path / "best")
    with pytest.raises(ConfigError, match=r"is the folder of a run; give .*best, the model of that run"):
        check_folder(tmp_path)


@pytest.mark.parametrize("content", ["", "{}", '{"model_type": 3}'])
def test_a_damaged_configuration_is_refused(folder: Path, content: str) -> None:
    (folder / "config.json").write_text(content)
    with pytest.raises(CheckpointError, match=r"holds no model: config\.json cannot be read \(.*give the folder that"):
        check_folder(folder)


def test_sizes_beyond_all_limits_are_refused(folder: Path) -> None:
    change_json(folder / "config.json", d_model=10**9)
    with pytest.raises(CheckpointError, match=r"config\.json cannot be read \(d_model: "):
        check_folder(folder)


def test_the_fingerprint_is_of_all_that_the_model_is(folder: Path) -> None:
    first = describe_folder(folder)
    assert first["path"] == str(folder)
    (folder / "README.md").write_text("another")
    assert describe_folder(folder) == first
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "model.safetensors").write_bytes(content)
    assert describe_folder(folder)["fingerprint"] != first["fingerprint"]


def test_several_files_are_found_by_their_index(folder: Path) -> None:
    weight_map = {
        "a": "model-00002-of-00002.safetensors",
        "b": "model-00001-of-00002.safetensors",
        "c": "x.safetensors",
    }
    (folder / "model.safetensors").rename(folder / "x.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    assert [path.name for path in list_weights(folder)] == sorted(weight_map.values())
    with pytest.raises(CheckpointError, match=r"cannot be read \(No such file or directory\); restore it"):
        describe_folder(folder)


@pytest.mark.parametrize("name", ["../x.safetensors", "/etc/x.safetensors", "pytorch_model.bin"])
def test_an_index_leads_nowhere_else(folder: Path, name: str) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
    with pytest.raises(CheckpointError, match=r"index\.json cannot be read \(weight_map\.a: .*; restore it"):
        check_folder(folder)


def test_a_folder_without_tensors_is_refused(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(
        ConfigError, match=r"has no model\.safetensors and no model\.safetensors\.index\.json; give the"
    ):
        check_folder(folder)


def write_pickle(folder: Path) -> dict[str, torch.Tensor]:
    """Put a pickle in the place of the tensors, tied ones under all of their names, as published ones have them."""
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    whole = {**tensors, **dict.fromkeys(TIED, tensors["model.shared.weight"])}
    whole["model.encoder.layers.0.fc1.weight"] = whole["model.encoder.layers.0.fc1.weight"].t().contiguous().t()
    torch.save(whole, folder / "pytorch_model.bin")
    return tensors


def command_of(folder: Path) -> list[str]:
    with pytest.raises(
        ConfigError, match=r"only a pickle, .* convert it once, which executes nothing: python -c "
    ) as told:
        check_folder(folder)
    return shlex.split(str(told.value).partition("executes nothing: ")[2])


def test_a_pickle_is_refused_with_the_command_that_converts_it(folder: Path) -> None:
    tensors = write_pickle(folder)
    program, *arguments = command_of(folder)
    assert program == "python"
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, timeout=100)
    made = load_file(folder / "model.safetensors")
    assert made.keys() == tensors.keys()
    assert all(torch.equal(made[name], tensors[name]) for name in tensors)
    check_folder(folder)


def test_the_command_executes_nothing(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pickle(folder)
    (folder / "pytorch_model.bin").write_bytes(
        b"cos\nsystem\n(S'touch " + str(tmp_path / "executed").encode() + b"'\ntR."
    )
    _, _, code, argument = command_of(folder)
    monkeypatch.setattr(sys, "argv", ["-c", argument])
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        exec(compile(code, "-c", "exec"), {})
    assert not (tmp_path / "executed").exists()
    assert not (folder / "model.safetensors").exists()
