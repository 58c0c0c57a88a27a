"""Whatever a folder holds, its model is the whole one that its configuration describes, or it is refused."""

import json
import math
import os
import re
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from catscale.errors import CheckpointError
from catscale.model.limits import count_parameters
from catscale.model.m2m100 import M2M100
from catscale.model.plain_folder import write_clean
from catscale.model.saved_tensors import compare
from catscale.model.table import load_model
from tests.model.test_transformer import vocabulary
from tests.unchecked import unchecked

WIDTH, FEED_FORWARD, LAYERS, SIZE = 16, 24, {"encoder": 2, "decoder": 1}, 50
BIAS = "model.encoder.layers.0.fc1.bias"
CONFIG = M2M100(width=WIDTH, heads=2, feed_forward=FEED_FORWARD, encoder_layers=2, decoder_layers=1)


def expected_tensors() -> dict[str, tuple[int, ...]]:
    """Names and shapes as the configuration has them, written out by hand."""
    found: dict[str, tuple[int, ...]] = {"model.shared.weight": (SIZE, WIDTH)}

    def add(prefix: str, *shape: int) -> None:
        found[f"{prefix}.weight"] = shape
        found[f"{prefix}.bias"] = shape[:1]

    for side, layers in LAYERS.items():
        add(f"model.{side}.layer_norm", WIDTH)
        for layer in range(layers):
            place = f"model.{side}.layers.{layer}"
            for attention in ("self_attn", "encoder_attn") if side == "decoder" else ("self_attn",):
                for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
                    add(f"{place}.{attention}.{name}", WIDTH, WIDTH)
                add(f"{place}.{attention}_layer_norm", WIDTH)
            add(f"{place}.fc1", FEED_FORWARD, WIDTH)
            add(f"{place}.fc2", WIDTH, FEED_FORWARD)
            add(f"{place}.final_layer_norm", WIDTH)
    return found


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    CONFIG.build(vocabulary(SIZE), (), 1).save(folder)
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "best")


def edit(folder, change) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")


def configure(folder, **changes) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_what_was_saved_is_loaded(folder):
    tensors = load_file(folder / "model.safetensors")
    assert {name: tuple(tensor.shape) for name, tensor in tensors.items()} == expected_tensors()
    model = load_model(folder)
    state = model.stored.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in tensors.items())
    network = unchecked(model.network)
    assert network.lm_head.weight is network.model.shared.weight
    assert not model.training
    assert count_parameters(CONFIG.sizes(), SIZE) == sum(math.prod(shape) for shape in expected_tensors().values())


def test_each_tensor_that_is_missing_is_named():
    whole = {name: (shape, "F32") for name, shape in expected_tensors().items()}
    model = CONFIG.build(vocabulary(SIZE), (), 1).stored
    assert compare(whole, model) == ""
    for name in whole:
        found = compare({other: form for other, form in whole.items() if other != name}, model)
        assert re.fullmatch(rf"1 missing \(({re.escape(name)}|{re.escape(name)} = .*lm_head.weight)\)", found)


def test_a_layer_that_is_missing(folder):
    edit(folder, lambda tensors: [tensors.pop(name) for name in list(tensors) if "decoder.layers.0" in name])
    with pytest.raises(
        CheckpointError, match=r"26 missing \(model.decoder.layers.0.*, …\); restore it, or train again$"
    ):
        load_model(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": torch.ones(1)}, r"1 unexpected \(x\); restore"),
        ({"model.encoder.layers.2.fc1.weight": torch.ones(24, 16)}, r"1 unexpected \(model.encoder.layers.2.fc1"),
        ({BIAS: torch.ones(25)}, r"1 wrongly shaped \(.*fc1.bias \(25,\) for \(24,\)\); restore"),
        ({"model.shared.weight": torch.ones(51, 16)}, r"wrongly shaped \(model.shared.weight \(51, 16\) for \(50"),
        ({BIAS: torch.ones(24, dtype=torch.int64)}, r"1 of no type of weights \(.*bias I64\)"),
        ({BIAS: torch.full((24,), math.nan)}, r"holds NaN or infinities in 1 tensors \(.*fc1"),
        ({"model.shared.weight": torch.full((50, 16), math.inf)}, r"holds NaN or infinities in 1 tensors \(model.sh"),
        ({"lm_head.weight": torch.ones(50, 16)}, r"holds different tensors under .*lm_head.weight, which are one"),
    ],
)  # fmt: skip
def test_tensors_that_are_not_the_model_s(folder, change, message):
    edit(folder, lambda tensors: tensors.update(change))
    with pytest.raises(CheckpointError, match=message):
        load_model(folder)


def test_forms_of_the_same_model(folder):
    before = load_model(folder).stored.state_dict()
    weight = before["model.shared.weight"].clone()
    edit(
        folder,
        lambda tensors: tensors.update({"lm_head.weight": weight, "model.encoder.embed_positions.weights": weight * 2}),
    )
    assert unchecked(load_model(folder).network).lm_head.weight.equal(weight)
    edit(folder, lambda tensors: tensors.pop("model.shared.weight"))  # one of the tied names is enough
    assert unchecked(load_model(folder).network).model.shared.weight.equal(weight)
    edit(folder, lambda tensors: tensors.update({n: t.half() for n, t in tensors.items()}))
    assert unchecked(load_model(folder).network).model.shared.weight.equal(weight.half().float())


@pytest.mark.parametrize("content", [b"", b"x" * 20, b"\xff" * 8, (2**40).to_bytes(8, "little") + b"{}"])
def test_a_file_that_is_none(folder, content):
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"model\.safetensors cannot be read"):
        load_model(folder)


def test_a_file_that_is_no_file(folder):
    shutil.move(folder / "model.safetensors", folder / "other")
    with pytest.raises(CheckpointError, match=r"no model in .*model\.safetensors is missing"):
        load_model(folder)
    (folder / "model.safetensors").symlink_to(folder / "other")
    with pytest.raises(CheckpointError, match=r"model\.safetensors cannot be read \(it is a symbolic link"):
        load_model(folder)
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")
    with pytest.raises(CheckpointError, match=r"config\.json cannot be read \(it is a pipe"):
        load_model(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "bart"}, "model_type: input should be 'm2m_100', found 'bart'"),
        ({"architectures": ["Other"]}, "architectures.0: input should be 'M2M100ForConditionalGeneration'"),
        ({"tie_word_embeddings": False}, "tie_word_embeddings: input should be True"),
        ({"encoder_layers": 1_000_000}, "encoder_layers: input should be less than or equal to 200, found 1000000"),
        ({"vocab_size": 10**12}, "vocab_size: input should be less than"),
        ({"d_model": "16"}, "d_model: input should be a valid integer"),
        ({"d_model": 15}, "d_model 15 must be even and divisible by its 2 attention heads"),
        ({"encoder_attention_heads": 3}, "d_model 16 must be even and divisible by its 3 attention heads"),
        ({"activation_function": "os.system"}, "activation_function: input should be 'relu'"),
        ({"max_position_embeddings": 10**9}, "max_position_embeddings: input should be less than"),
        ({"pad_token_id": None}, "pad_token_id: input should be a valid integer"),
        ({"eos_token_id": 50}, "a control token lies outside of the vocabulary of 50"),
        ({"dropout": 1.5}, "dropout: input should be less than 1"),
    ],
)
def test_a_configuration_that_is_not_ours(folder, changes, message):
    configure(folder, **changes)
    with pytest.raises(CheckpointError, match=rf"config\.json cannot be read \({message}.*restore the folder"):
        load_model(folder)


ACTS = {
    "attn_implementation": "kernels-community/evil", "_attn_implementation": "kernels-community/evil",
    "_attn_implementation_internal": "kernels-community/evil", "auto_map": {"AutoConfig": "evil--code.Config"},
    "quantization_config": {"quant_method": "bitsandbytes"}, "_name_or_path": "/etc/passwd",
    "use_kernels": True, "torchscript": True, "dtype": "int8", "is_encoder_decoder": False, "attribute_map": {"x": "y"},
    "_experts_implementation": "evil", "rope_scaling": {"type": "evil"}, "transformers_weights": "../x.safetensors",
}  # fmt: skip


def test_what_would_act_is_left_alone(folder, tmp_path, monkeypatch):
    before = load_model(folder).stored.state_dict()
    configure(folder, **ACTS)
    for name in (
        "generation_config.json",
        "adapter_config.json",
        "model.safetensors.index.json",
        "tokenizer_config.json",
    ):
        (folder / name).write_text(json.dumps(ACTS | {"peft_type": "LORA", "base_model_name_or_path": "/etc/passwd"}))
    model = load_model(folder)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.stored.state_dict().items())
    plain = CONFIG.build(vocabulary(SIZE), (), 1)
    assert unchecked(model.network).config._attn_implementation == unchecked(plain.network).config._attn_implementation
    assert model.description() | {"dtype": None} == plain.description() | {"dtype": None}
    (tmp_path / "clean").mkdir()
    write_clean(folder, tmp_path / "clean")
    assert sorted(path.name for path in (tmp_path / "clean").iterdir()) == ["config.json", "model.safetensors"]
    written = (tmp_path / "clean" / "config.json").read_text()
    assert not re.search("evil|passwd|bitsandbytes|implementation|auto_map|kernels|[.][.]/x", written)
    assert json.loads(written)["is_encoder_decoder"] is True
    edit(folder, lambda tensors: tensors.pop("model.shared.weight"))
    with pytest.raises(CheckpointError, match="1 missing"):
        write_clean(folder, tmp_path / "clean")
