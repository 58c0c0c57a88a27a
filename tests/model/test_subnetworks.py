"""Sub-networks (LaSS): masks, the gradients within them, plain forms, folders, and the stages of a training."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import Linear

from catscale.data.direction import Direction
from catscale.errors import CheckpointError, ConfigError
from catscale.model.check_material import DIRECTIONS, VOCABULARY, batch_of, logits_of
from catscale.model.likelihood import batch_losses
from catscale.model.m2m100 import M2M100
from catscale.model.m2m100_model import M2M100Model
from catscale.model.subnetworks import Subnetworks
from catscale.model.subnetworks_model import SubnetworksModel
from tests.unchecked import unchecked

SIZES: dict[str, Any] = {
    "preset": "tiny", "width": 8, "heads": 2, "feed_forward": 10, "encoder_layers": 1, "decoder_layers": 1,
    "dropout": 0.0,
}  # fmt: skip
RATE = 0.3
EN_AZ, TR_AZ, EN_FR = DIRECTIONS
MASKED = {
    *(f"model.encoder.layers.0.{name}" for name in ("fc1", "fc2")),
    *(f"model.decoder.layers.0.{name}" for name in ("fc1", "fc2")),
    *(f"model.encoder.layers.0.self_attn.{letter}_proj" for letter in ("q", "k", "v", "out")),
    *(
        f"model.decoder.layers.0.{kind}_attn.{letter}_proj"
        for kind in ("self", "encoder")
        for letter in ("q", "k", "v", "out")
    ),
}


def plain(seed: int) -> M2M100Model:
    return M2M100(**SIZES).build_plain(VOCABULARY, seed)


def make(rate: float = RATE, directions: tuple[Direction, ...] = DIRECTIONS) -> SubnetworksModel:
    """A model whose directions were fine-tuned to other drawn parameters each."""
    model = cast(SubnetworksModel, Subnetworks(**SIZES, rate=rate).build(VOCABULARY, directions, 1))
    for place, direction in enumerate(directions):
        model.prune(direction, plain(10 + place))
    return model


def kept(model: SubnetworksModel, direction: Direction) -> dict[str, Tensor]:
    """Which numbers a direction keeps, found anew from the model that it was fine-tuned to."""
    tuned = plain(10 + DIRECTIONS.index(direction)).network
    found = {}
    for name in model.masked_layers():
        weight = cast(Tensor, tuned.get_submodule(name).weight).detach().double()
        smallest = sorted(weight.abs().flatten().tolist())[: int(model.rate * weight.numel())]
        found[name] = weight.abs() > (smallest[-1] if smallest else -1.0)
    return found


def test_every_matrix_of_the_layers_is_masked_and_nothing_else() -> None:
    model = make()
    assert set(model.masked_layers()) == MASKED
    unmasked = {name for name, found in model.base.network.named_modules() if isinstance(found, Linear)}
    assert unmasked == {"lm_head"}
    names = {name for name, _ in plain(1).network.named_parameters()}
    assert {name for name, _ in model.base.network.named_parameters()} == names


def test_a_mask_keeps_what_is_largest_in_the_fine_tuned_matrix_and_the_plain_model_its_own_numbers() -> None:
    model = make()
    for direction in DIRECTIONS:
        row = model.rows(direction)["encoder"]
        expected = kept(model, direction)
        for name, masked in model.masked_layers().items():
            assert masked.kept(row).equal(expected[name]), name
            share = masked.kept(row).double().mean().item()
            assert abs(share - (1 - RATE)) <= 1 / masked.weight.numel()
    before = dict(plain(1).network.named_parameters())
    assert all(p.equal(before[name]) for name, p in model.base.network.named_parameters())


@pytest.mark.parametrize("direction", DIRECTIONS, ids=str)
def test_a_batch_uses_the_masked_weights_of_its_direction_and_leaves_the_rest_without_gradient(
    direction: Direction,
) -> None:
    model, masks = make().train(), kept(make(), direction)
    reference = plain(1).train()
    with torch.no_grad():
        for name, mask in masks.items():
            unchecked(reference.network.get_submodule(name)).weight.mul_(mask)
    losses = [batch_losses(each, batch_of(direction), 0.1)[0] for each in (model, reference)]
    assert losses[0].equal(losses[1])
    for loss in losses:
        torch.autograd.backward(loss)
    parameters = dict(reference.network.named_parameters())
    for name, found in model.base.network.named_parameters():
        mask = masks.get(name.removesuffix(".weight"))
        expected = cast(Tensor, parameters[name].grad)
        expected = expected if mask is None else expected * mask
        assert torch.allclose(cast(Tensor, found.grad), expected, rtol=1e-5, atol=1e-6), name
        if mask is not None:
            assert not cast(Tensor, found.grad)[~mask].any()
            assert cast(Tensor, found.grad)[mask].any()


def test_without_a_rate_it_is_the_plain_model_bit_for_bit() -> None:
    model, reference = make(rate=0.0).train(), plain(1).train()
    for each in (model, reference):
        loss, _ = batch_losses(each, batch_of(EN_AZ), 0.1)
        torch.autograd.backward(loss)
    parameters = dict(reference.network.named_parameters())
    for name, found in model.base.network.named_parameters():
        assert found.equal(parameters[name])
        assert cast(Tensor, found.grad).equal(cast(Tensor, parameters[name].grad)), name
    for direction in DIRECTIONS:
        assert logits_of(model.eval(), direction).equal(logits_of(reference.eval(), direction))


def test_a_layer_without_a_direction_refuses_and_an_error_leaves_none_set() -> None:
    model = make().eval()
    with pytest.raises(RuntimeError, match="no direction is set"):
        model.base.predict(batch_of(EN_AZ))
    handle = unchecked(model.base.layers()[0]).fc1.register_forward_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        model.predict(batch_of(EN_AZ))
    handle.remove()
    with pytest.raises(RuntimeError, match="no direction is set"):
        model.base.predict(batch_of(EN_AZ))


def test_a_plain_form_has_zeros_in_place_and_the_same_logits(tmp_path: Path) -> None:
    model = make().eval()
    for direction in DIRECTIONS:
        folder = tmp_path / str(direction)
        folder.mkdir()
        model.plain(direction).save(folder)
        tensors = load_file(folder / "model.safetensors")
        for name, mask in kept(model, direction).items():
            assert not tensors[f"{name}.weight"][~mask].any()
            assert tensors[f"{name}.weight"][mask].equal(unchecked(plain(1).network.get_submodule(name)).weight[mask])
        assert not any("masks" in name for name in tensors)
        assert logits_of(M2M100.load(folder), direction).equal(logits_of(model, direction))
    unmasked = model.plain(EN_AZ).network.model.shared.weight
    assert unmasked is model.base.network.model.shared.weight


def test_a_direction_without_masks_takes_each_side_from_one_that_meets_the_other() -> None:
    """az → fr: the encoder's masks of az-en and the decoder's of en-fr."""
    known = tuple(map(Direction.parse, ("az-en", "en-fr", "en-tr", "tr-en")))
    model = make(directions=known)
    unseen = Direction("az", "fr")
    assert model.rows(unseen) == {"encoder": 0, "decoder": 1}
    merged = model.plain(unseen).network
    halves = {"encoder": model.plain(known[0]).network, "decoder": model.plain(known[1]).network}
    for side, half in halves.items():
        for name, parameter in half.model.get_submodule(side).named_parameters():
            assert merged.model.get_submodule(side).get_parameter(name).equal(parameter), (side, name)
    assert logits_of(model.eval(), unseen).equal(logits_of(M2M100Model(merged).eval(), unseen))
    assert not logits_of(model, unseen).equal(logits_of(M2M100Model(halves["encoder"]).eval(), unseen))


@pytest.mark.parametrize("use", ["predict", "plain", "generator"])
def test_a_direction_whose_languages_meet_in_no_third_one_is_refused(use: str) -> None:
    model, other = make(), Direction("fr", "tr")
    argument = batch_of(other) if use == "predict" else other
    with pytest.raises(ConfigError, match="sub-networks of en-az, en-fr, tr-az, found fr-tr, whose source and target"):
        getattr(model, use)(argument)


def test_the_similarity_of_masks_is_that_of_counting() -> None:
    model = make()
    masks = {str(direction): kept(model, direction) for direction in DIRECTIONS}

    def count(one: str, two: str) -> int:
        return sum(int((mask & masks[two][name]).sum()) for name, mask in masks[one].items())

    found = model.describe_use()["overlap"]
    assert list(found) == sorted(masks)
    for one, row in found.items():
        assert row == pytest.approx({two: count(one, two) / count(one, one) for two in sorted(masks)})
        assert row[one] == 1
        assert all(row[two] == found[two][one] for two in row)


def test_the_similarity_follows_the_masks() -> None:
    model = make()
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    before = model.describe_use()["overlap"]["en-az"]["en-fr"]
    model.prune(EN_FR, plain(10))
    assert model.describe_use()["overlap"]["en-az"]["en-fr"] == 1
    model.load_state_dict(state)
    assert model.describe_use()["overlap"]["en-az"]["en-fr"] == before < 1


def test_a_folder_gives_masks_and_rate_back_bit_for_bit_at_an_eighth_of_a_byte(tmp_path: Path) -> None:
    model = make().eval()
    model.save(tmp_path)
    again = cast(SubnetworksModel, Subnetworks.load(tmp_path))
    assert again.rate == RATE
    assert again.directions == sorted(DIRECTIONS)
    for direction in DIRECTIONS:
        assert logits_of(again, direction).equal(logits_of(model, direction))
    tensors = load_file(tmp_path / "model.safetensors")
    packed = [tensor for tensor in tensors.values() if tensor.dtype == torch.uint8]
    matrices = [layer.weight.numel() for layer in model.masked_layers().values()]
    assert sum(tensor.numel() for tensor in packed) == len(DIRECTIONS) * sum(-(-size // 8) for size in matrices)
    assert again.describe_use() == model.describe_use()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rate": 1.0}, "rate"),
        ({"rate": None}, "rate"),
        ({"directions": []}, "directions"),
        ({"directions": ["en"]}, "directions"),
        ({"directions": ["en-az", "en-fr"]}, "masks"),
        ({"directions": "en-az"}, "directions"),
    ],
)
def test_a_folder_that_describes_other_masks_is_refused(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    make().save(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(CheckpointError, match=message):
        Subnetworks.load(tmp_path)


def test_masks_of_another_type_and_weights_that_are_bytes_are_refused(tmp_path: Path) -> None:
    make().save(tmp_path)
    path = tmp_path / "model.safetensors"
    tensors = load_file(path)
    masks = next(name for name in tensors if name.endswith(".masks"))
    weight = masks.removesuffix("masks") + "weight"
    for name, changed in ((masks, tensors[masks].float()), (weight, tensors[weight].to(torch.uint8))):
        save_file(tensors | {name: changed}, path)
        with pytest.raises(CheckpointError, match=f"1 of no type of weights .{name}"):
            Subnetworks.load(tmp_path)


def test_stages_divide_the_updates_exactly() -> None:
    settings = Subnetworks(**SIZES, plain_share=0.4, fine_tune_share=0.25, fine_tune_dropout=0.5)
    stages = settings.stages(DIRECTIONS, 100)
    assert [(stage.name, stage.steps) for stage in stages] == [
        ("plain", 40), ("en-az", 9), ("en-fr", 8), ("tr-az", 8)
    ]  # fmt: skip
    assert [stage.direction for stage in stages] == [None, EN_AZ, EN_FR, TR_AZ]
    assert [stage.after for stage in stages] == [None, "plain", "plain", "plain"]
    models = [cast(M2M100, stage.model) for stage in stages]
    assert [model.dropout for model in models] == [0.0, 0.5, 0.5, 0.5]
    assert {model.sizes()["d_model"] for model in models} == {8}


@pytest.mark.parametrize("steps", [1, 2, 14])
def test_too_few_updates_for_the_stages_are_refused(steps: int) -> None:
    with pytest.raises(ConfigError, match=rf"max_steps {steps} are too few .* of fine-tuning in 3 directions"):
        Subnetworks(**SIZES, fine_tune_share=0.15).stages(DIRECTIONS, steps)


def test_shares_leave_something_to_sub_networks() -> None:
    with pytest.raises(ConfigError, match=r"below 1 together, found 0\.5 and 0\.5; lower one"):
        Subnetworks(plain_share=0.5, fine_tune_share=0.5)


def test_the_last_stage_begins_with_the_plain_model_and_the_masks_of_the_others(tmp_path: Path) -> None:
    models = {"plain": plain(1), **{str(direction): plain(10 + i) for i, direction in enumerate(DIRECTIONS)}}
    folders = {name: tmp_path / name for name in models}
    for name, folder in folders.items():
        folder.mkdir()
        models[name].save(folder)
    found, expected = Subnetworks(**SIZES, rate=RATE).begin(folders, DIRECTIONS), make()
    assert {name: tensor.tolist() for name, tensor in found.state_dict().items()} == {
        name: tensor.tolist() for name, tensor in expected.state_dict().items()
    }
