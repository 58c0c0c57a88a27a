"""A folder for converters holds the checked model and nothing else."""

import json

import pytest
from safetensors.torch import load_file, save_file

from catscale.errors import CheckpointError
from catscale.model.check_material import VOCABULARY
from catscale.model.m2m100 import M2M100
from catscale.model.plain_folder import write_clean

CONFIG = M2M100(preset="tiny", width=16, heads=2, feed_forward=24)


@pytest.fixture
def folders(tmp_path):
    saved, target = tmp_path / "best", tmp_path / "clean"
    saved.mkdir()
    target.mkdir()
    CONFIG.build(VOCABULARY, (), 1).save(saved)
    return saved, target


def test_weights_are_the_same_and_the_configuration_is_written_anew(folders):
    saved, target = folders
    (saved / "generation_config.json").write_text("{}")
    found = json.loads((saved / "config.json").read_text())
    (saved / "config.json").write_text(json.dumps(found | {"auto_map": {"AutoConfig": "other--code.Config"}}))
    write_clean(saved, target)
    assert sorted(path.name for path in target.iterdir()) == ["config.json", "model.safetensors"]
    assert (target / "model.safetensors").read_bytes() == (saved / "model.safetensors").read_bytes()
    written = json.loads((target / "config.json").read_text())
    assert "auto_map" not in written
    assert written["architectures"] == ["M2M100ForConditionalGeneration"]
    assert (written["d_model"], written["vocab_size"]) == (16, VOCABULARY.size)


def test_a_model_that_is_not_whole_is_refused_before_anything_is_written(folders):
    saved, target = folders
    tensors = load_file(saved / "model.safetensors")
    tensors.pop("model.encoder.layer_norm.bias")
    save_file(tensors, saved / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"1 missing \(model\.encoder\.layer_norm\.bias\)"):
        write_clean(saved, target)
    assert not list(target.iterdir())
    (saved / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"config\.json"):
        write_clean(saved, target)
