"""The routed model: its places, what a failed batch leaves behind, counts over batches, and its folder."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
import torch

from catscale.data.batching import make_batch
from catscale.data.direction import Direction
from catscale.errors import CheckpointError
from catscale.model.check_material import DIRECTIONS, VOCABULARY, batch_of, logits_of
from catscale.model.m2m100 import M2M100
from catscale.model.routed import Routed
from catscale.model.routed_model import RoutedModel, RoutingForm, list_places

SIZES: dict[str, Any] = {
    "preset": "tiny", "width": 8, "heads": 2, "feed_forward": 12, "encoder_layers": 2, "decoder_layers": 1,
    "dropout": 0.0,
}  # fmt: skip


def make(rank: int | None = None, language: str = "target", start: float = 0.5) -> RoutedModel:
    base = M2M100(**SIZES).build_plain(VOCABULARY, 1)
    model = RoutedModel(
        base, RoutingForm(["fr", "az"] if language == "target" else ["tr", "en"], language, 3, rank), start
    )
    torch.manual_seed(5)
    with torch.no_grad():
        for parameter in model.added_parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model


def test_places_stand_in_the_order_of_computation() -> None:
    places = list(list_places(M2M100(**SIZES).build_plain(VOCABULARY, 1).network))
    assert [place.name for place in places] == [
        "encoder.0.self", "encoder.0.feed", "encoder.1.self", "encoder.1.feed",
        "decoder.0.self", "decoder.0.cross", "decoder.0.feed",
    ]  # fmt: skip
    assert [place.name for place in places if place.is_feed_forward] == [
        name for name in (place.name for place in places) if name.endswith("feed")
    ]
    assert [tuple(place.projection.weight.shape) for place in places[:2]] == [(8, 8), (8, 12)]


@pytest.mark.parametrize("rank", [None, 2])
def test_added_and_plain_parameters_are_all_and_none_twice(rank: int | None) -> None:
    model = make(rank)
    names = dict(M2M100(**SIZES).build_plain(VOCABULARY, 1).network.named_parameters())
    mine = {
        name.replace(".out_proj.shared", ".out_proj").replace(".fc2.inner", ".fc2"): p
        for name, p in model.base.network.named_parameters()
    }
    plain = {id(mine[name]) for name in names}
    added = [id(p) for p in model.added_parameters()]
    assert len(set(added)) == len(added)
    assert not plain & set(added)
    assert plain | set(added) == {id(p) for p in model.parameters()}
    own = {language: {id(p) for p in model.own_parameters_of(language)} for language in ("az", "fr")}
    assert not own["az"] & own["fr"]
    assert own["az"] | own["fr"] == {id(p) for p in model.own.parameters()}


def test_a_batch_that_fails_leaves_no_language_and_no_gates_behind() -> None:
    model = make().eval()
    wanted = logits_of(model, DIRECTIONS[0])
    handle = model.base.network.model.decoder.layers[0].fc1.register_forward_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        model.predict(batch_of(DIRECTIONS[2]))
    handle.remove()
    assert (model._routing.language, model._routing.masks, model._routing.gates) == (None, {}, [])
    with pytest.raises(RuntimeError, match="a routed model needs a direction"):
        model.base.predict(batch_of(DIRECTIONS[0]))
    assert logits_of(model, DIRECTIONS[0]).equal(wanted)


def test_use_over_two_batches_is_the_mean_over_their_tokens_and_not_of_their_shares() -> None:
    lines = [[5, 6, 7, 8, 9, 10, 11], [12]]
    batches = [make_batch([line], [line], VOCABULARY, Direction("en", "az")) for line in lines]
    shares = []
    for chosen in (batches[:1], batches[1:], batches):
        model = make(start=0.1).eval()
        for batch in chosen:
            model.predict(batch)
        shares.append(model.describe_use()["gates"]["soft"])
    tokens = [4 * (len(line) + 2) + 3 * (len(line) + 1) for line in lines]  # blocks of the encoder, of the decoder
    assert shares[2] == pytest.approx((shares[0] * tokens[0] + shares[1] * tokens[1]) / sum(tokens), rel=1e-6)
    assert shares[2] != pytest.approx((shares[0] + shares[1]) / 2, rel=1e-6)


@pytest.mark.parametrize("language", ["target", "source"])
@pytest.mark.parametrize("rank", [None, 2])
def test_a_folder_gives_the_same_model_back(rank: int | None, language: str, tmp_path: Path) -> None:
    model = make(rank, language).eval()
    model.save(tmp_path)
    again = Routed.load(tmp_path)
    assert not again.training
    for direction in DIRECTIONS:
        assert logits_of(again, direction).equal(logits_of(model, direction))
    assert again.description() == model.description()
    assert len(cast(RoutedModel, again).own_parameters(DIRECTIONS[0])) == (2 if rank is None else 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"languages": []}, "languages"),
        ({"language": "both"}, "language"),
        ({"gate_width": 0}, "gate_width"),
        ({"rank": -1}, "rank"),
        ({"rank": 3}, "own"),
        ({"gate_width": 4}, "gate_"),
        ({"languages": ["az", "fr", "ru"]}, "of_ru"),
    ],
)
def test_a_folder_that_describes_another_form_is_refused(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    make(2).save(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(CheckpointError, match=message):
        Routed.load(tmp_path)
