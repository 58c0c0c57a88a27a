import json
import shutil
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from catscale.errors import CatscaleError, CheckpointError
from catscale.system.writing.manifest import write_manifest
from catscale.training.checkpointing import checkpoint as module
from catscale.training.checkpointing.checkpoint import (
    find_checkpoint_damage,
    join_tensors,
    list_checkpoints,
    load_checkpoint,
    load_newest,
    save_checkpoint,
    split_tensors,
)
from tests.unchecked import unchecked

tensors = st.builds(
    lambda shape, dtype: (torch.arange(1.0, 1 + torch.Size(shape).numel()).reshape(shape) / 3).to(dtype),
    st.lists(st.integers(0, 3), max_size=3),
    st.sampled_from([torch.float32, torch.float64, torch.int64, torch.uint8, torch.bfloat16]),
)
numbers = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
leaves = tensors | numbers | st.text(max_size=4) | st.lists(numbers, max_size=3)
names = st.text("abc-_09é", min_size=1, max_size=4)
contents = st.dictionaries(names, leaves | st.dictionaries(names, leaves | st.dictionaries(names, leaves)), max_size=5)


def equal(left: object, right: object) -> bool:
    if isinstance(left, torch.Tensor):
        return isinstance(right, torch.Tensor) and left.dtype == right.dtype and torch.equal(left, right)
    if isinstance(left, dict):
        return isinstance(right, dict) and left.keys() == right.keys() and all(equal(left[k], right[k]) for k in left)
    return type(left) is type(right) and left == right


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(contents)
def test_flatten_and_back_through_the_files(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("flat") / "x.safetensors"
    found, rest = split_tensors(content)
    save_file(found, path)
    assert equal(join_tensors(load_file(path), json.loads(json.dumps(rest))), content)


def test_flat_names():
    found, rest = split_tensors({"a": {"b": {"c": torch.ones(2)}, "d": 1}, "e": "x"})
    assert list(found) == ["a.b.c"]
    assert rest == {"a": {"b": {}, "d": 1}, "e": "x"}


def save(folder: Path, step: int, keep: int = 2) -> Path:
    def save_model(target: Path) -> None:
        save_file({"weight": torch.full((3,), float(step))}, target / "model.safetensors")

    return save_checkpoint(folder, step, save_model, {"progress": {"step": step}, "random": torch.arange(step)}, keep)


def nothing(line: str) -> None:
    raise AssertionError(line)


def test_the_newest_is_loaded_and_few_are_kept(tmp_path):
    assert load_newest(tmp_path / "c", nothing) is None
    for step in (5, 9, 10, 100):
        assert save(tmp_path / "c", step) == tmp_path / "c" / f"step-{step}"
    assert [p.name for p in list_checkpoints(tmp_path / "c")] == ["step-100", "step-10"]
    found = load_newest(tmp_path / "c", nothing)
    assert found is not None
    path, content = found
    assert path.name == "step-100"
    assert content["progress"] == {"step": 100}
    assert content["random"].equal(torch.arange(100))
    assert load_file(path / "model.safetensors")["weight"].tolist() == [100.0] * 3


@pytest.mark.parametrize("name", ["model.safetensors", "state.safetensors", "state.json", "manifest.json"])
def test_damage_to_any_file_is_found(tmp_path, name):
    save(tmp_path, 1)
    path = save(tmp_path, 2)
    assert find_checkpoint_damage(path) is None
    content = (path / name).read_bytes()
    for spoiled in (content[:-3], content[:-1] + b"?", b"", None):
        if spoiled is None:
            (path / name).unlink()
        else:
            (path / name).write_bytes(spoiled)
        assert f"checkpoint {path} is damaged" in str(find_checkpoint_damage(path))
    said: list[str] = []
    found = load_newest(tmp_path, said.append)
    assert found is not None
    assert found[0].name == "step-1"
    assert len(said) == 1
    assert "the checkpoint before it is used" in said[0]


def test_none_is_whole(tmp_path):
    for step in (1, 2):
        (save(tmp_path, step) / "state.json").unlink()
    with pytest.raises(CheckpointError, match=r"no usable checkpoint in .*step-2 .*step-1 .*start again"):
        load_newest(tmp_path, nothing)


def test_checkpoints_that_were_gone_back_behind_do_not_push_out_good_ones(tmp_path):
    for step in (10, 20, 30):
        save(tmp_path, step)
    (tmp_path / "step-30" / "state.json").unlink()
    save(tmp_path, 25, keep=1)
    assert [p.name for p in tmp_path.iterdir()] == ["step-25"]


@pytest.mark.parametrize("error", [RuntimeError("x"), KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_error_while_saving_leaves_the_old_ones(tmp_path, error):
    save(tmp_path, 1)
    save(tmp_path, 2)

    def fail(target: Path) -> None:
        (target / "model.safetensors").write_bytes(b"half")
        raise error

    for step in (2, 3):
        with pytest.raises(CatscaleError if isinstance(error, OSError) else type(error)):
            save_checkpoint(tmp_path, step, fail, {}, keep=1)
        assert sorted(p.name for p in tmp_path.iterdir()) == ["step-1", "step-2"]
    found = load_newest(tmp_path, nothing)
    assert found is not None
    assert found[0].name == "step-2"


def test_a_replacement_that_was_cut_off_is_undone(tmp_path):
    save(tmp_path, 1)
    (tmp_path / "step-1").rename(tmp_path / ".step-1.old")
    found = load_newest(tmp_path, nothing)
    assert found is not None
    assert found[0] == tmp_path / "step-1"


def test_older_ones_stay_when_the_new_one_reads_back_otherwise(tmp_path, monkeypatch):
    """A disk that loses what it was given: found before anything older is removed."""
    save(tmp_path, 1)
    save(tmp_path, 2)
    forget = unchecked(module).manifest.forget_cached

    def lose(folder: Path) -> None:
        forget(folder)
        (folder / "state.safetensors").write_bytes(b"")

    monkeypatch.setattr(unchecked(module).manifest, "forget_cached", lose)
    message = r"step-3 is damaged: state\.safetensors does not match its checksum, just after .* older ones are kept"
    with pytest.raises(CheckpointError, match=message):
        save(tmp_path, 3, keep=1)
    found = load_newest(tmp_path, lambda line: None)
    assert found is not None
    assert found[0].name == "step-2"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-1", "step-2", "step-3"]


def test_what_a_kill_left_is_cleared(tmp_path):
    save(tmp_path, 1)
    for name in (".step-1.old-0123abcd", ".step-2.tmp-0123abcd", ".step-3.old"):  # the last one of version 0.1
        shutil.copytree(tmp_path / "step-1", tmp_path / name)
    found = load_newest(tmp_path, nothing)
    assert found is not None
    assert found[0].name == "step-3"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-1", "step-3"]


@pytest.mark.parametrize("content", ["[1]", "5", "{", "[" * 5000])
def test_a_state_that_is_not_ours(tmp_path, content):
    path = save(tmp_path, 1)
    (path / "state.json").write_text(content)
    write_manifest(path)
    with pytest.raises(CheckpointError, match=r"step-1 cannot be read \(.*; choose another one"):
        load_checkpoint(path)
