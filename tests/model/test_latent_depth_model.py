"""The model of latent depth: what grows when, whose logits are trained, and its folder."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest
import torch

from catscale.data.direction import Direction
from catscale.errors import CheckpointError, ConfigError
from catscale.model.active_layers import list_outputs
from catscale.model.check_material import DIRECTIONS, VOCABULARY, batch_of, logits_of
from catscale.model.latent_depth import LatentDepth
from catscale.model.latent_depth_loss import DepthLoss, entropy, growth
from catscale.model.latent_depth_model import LatentDepthModel
from catscale.model.layer_choice import LayerChoice, draw
from tests.unchecked import unchecked

SIZES: dict[str, Any] = {
    "preset": "tiny", "width": 8, "heads": 2, "feed_forward": 12, "encoder_layers": 2, "decoder_layers": 3,
    "dropout": 0.0,
}  # fmt: skip


def make(**settings: Any) -> LatentDepthModel:
    model = cast(LatentDepthModel, LatentDepth(**SIZES, **settings).build(VOCABULARY, DIRECTIONS, 1))
    with torch.no_grad():
        for side, choice in model._sides():
            for place, language in enumerate(choice.languages):
                choice.rows[language].copy_(torch.linspace(-0.2, 0.3, len(model._side(side).layers)).roll(place))
    return model


def test_terms_grow_one_after_the_other_and_never_shrink() -> None:
    found = [growth(done / 100, 0.1, 0.3) for done in range(101)]
    for one, two in pairwise(found):
        assert one[0] <= two[0]
        assert one[1] <= two[1]
        assert two[1] == 0 or two[0] == 1
    assert (found[10], found[25], found[40], found[55], found[70]) == ((0, 0), (0.5, 0), (1, 0), (1, 0.5), (1, 1))


def test_before_its_share_of_the_training_there_is_no_extra_loss_and_after_it_there_is() -> None:
    model = make(soft=0.2, ramp=0.4).train()
    found = []
    for step in (0, 2, 3, 10):
        model.at_step(step, 10)
        regulariser = model.predict(batch_of(DIRECTIONS[0])).regulariser
        assert regulariser is not None
        found.append(regulariser.item())
    assert found[:2] == [0, 0]
    assert all(found[2:])


def test_only_the_languages_of_the_batch_have_slopes_and_hooks_are_gone_after_an_error() -> None:
    model = make().train()
    model.at_step(10, 10)
    regulariser = model.predict(batch_of(DIRECTIONS[1])).regulariser
    assert regulariser is not None
    torch.autograd.backward(regulariser)
    moved = {name for name, p in model.choices.named_parameters() if p.grad is not None and p.grad.count_nonzero()}
    assert moved == {"encoder.rows.of_tr", "decoder.rows.of_az"}
    assert [id(p) for p in model.own_parameters(DIRECTIONS[1])] == [
        id(p) for name, p in model.choices.named_parameters() if name in moved
    ]
    layers = model.base.layers()
    handle = unchecked(layers[0]).fc1.register_forward_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        model.predict(batch_of(DIRECTIONS[0]))
    handle.remove()
    assert not any(module._forward_hooks for layer in layers for module in list_outputs(layer))


def test_an_unknown_language_is_refused_on_either_side() -> None:
    model = make().eval()
    for direction, known in ((Direction("az", "fr"), "en, tr"), (Direction("en", "tr"), "az, fr")):
        for use in (model.own_parameters, model.plain, lambda found: model.predict(batch_of(found))):
            with pytest.raises(ConfigError, match=f"parameters of {known}, found a direction of "):
                unchecked(use)(direction)


@pytest.mark.parametrize("prior", ["uniform", "aggregated"])
@pytest.mark.parametrize("kl", ["bernoulli", "code"])
@pytest.mark.parametrize("value", [-1e4, 1e4])
def test_certain_layers_and_a_single_language_have_a_finite_loss_and_slope(value: float, kl: str, prior: str) -> None:
    logits = torch.full((1, 3), value, requires_grad=True)
    samples = draw(logits, 5.0, True)
    assert samples.tolist() == [[float(value > 0)] * 3]
    loss = DepthLoss(kl, prior, 3, 1.0, 1.0).total(logits, samples, 0, (1.0, 1.0))
    torch.autograd.backward(loss)
    assert loss.isfinite()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert entropy(torch.tensor([0.0, 1.0])).item() == 0


@pytest.mark.parametrize("sides", [["encoder"], ["decoder"], ["encoder", "decoder"]])
def test_a_folder_gives_the_same_choice_back(sides: list[str], tmp_path: Path) -> None:
    model = make(sides=sides, rate=4.0).eval()
    model.save(tmp_path)
    again = cast(LatentDepthModel, LatentDepth.load(tmp_path))
    assert list(again.choices) == sides
    for direction in DIRECTIONS:
        assert logits_of(again, direction).equal(logits_of(model, direction))
    for side in sides:
        one, two = (cast(LayerChoice, m.choices[side]) for m in (model, again))
        assert one.rate == two.rate == 4
        assert [one.used(language) for language in one.languages] == [two.used(language) for language in two.languages]
    assert again.describe_use() == model.describe_use()
    assert again.description() == model.description()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rate": 0}, "rate"),
        ({"encoder_languages": None}, "encoder_languages"),
        ({"decoder_languages": ["az"]}, "of_fr"),
        ({"decoder_languages": ["az", "fr", "ru"]}, "of_ru"),
        ({"encoder_languages": []}, "choices.encoder"),
    ],
)
def test_a_folder_that_describes_another_choice_is_refused(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    make().save(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(CheckpointError, match=message):
        LatentDepth.load(tmp_path)
