"""Latent depth and routing as a whole, against a slow Transformer in float64."""

import math
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch.nn import Module

from catscale.model.check_material import DIRECTIONS, VOCABULARY, batch_of
from catscale.model.latent_depth import LatentDepth
from catscale.model.latent_depth_model import LatentDepthModel
from catscale.model.layer_choice import LayerChoice
from catscale.model.likelihood import batch_losses
from catscale.model.m2m100 import M2M100
from catscale.model.routed_model import RoutedModel, RoutingForm
from tests.model.slow_network import Array, SlowNetwork, sigmoid

SIZES: dict[str, Any] = {
    "preset": "tiny", "width": 8, "heads": 2, "feed_forward": 12, "encoder_layers": 2, "decoder_layers": 2,
    "dropout": 0.0,
}  # fmt: skip
BATCH = batch_of(DIRECTIONS[1])
TEMPERATURE, RATE = 3.0, 10.0


def stir(model: Module) -> None:
    """Have no parameter at a value that hides an error: no gain of 1, no bias of 0."""
    torch.manual_seed(11)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))


def assert_same(found: torch.Tensor, wanted: Array) -> None:
    np.testing.assert_allclose(found.detach().double().numpy(), wanted, rtol=2e-5, atol=2e-5)


def test_the_plain_network_is_the_slow_one() -> None:
    plain = M2M100(**SIZES).build_plain(VOCABULARY, 1).eval()
    stir(plain)
    assert_same(plain.predict(BATCH).logits, SlowNetwork(plain.network).logits(BATCH))


def make_routed(language: str, rank: int | None, noise: float = 0.0) -> RoutedModel:
    base = M2M100(**SIZES).build_plain(VOCABULARY, 1)
    languages = ["az", "fr"] if language == "target" else ["en", "tr"]
    model = RoutedModel(base, RoutingForm(languages, language, 5, rank), 0.0, 0.3, noise)
    stir(model)
    return model


class SlowRouting(SlowNetwork):
    """The end of a routed block by its formulas; `gates` has every g and σ(u) of a token that counts."""

    def __init__(self, model: RoutedModel, language: str, gate: str, added: float = 0.0) -> None:
        super().__init__(model.base.network, self._route)
        self.own = {name: tensor.double().numpy() for name, tensor in model.own.state_dict().items()}
        self.language, self.gate, self.added = language, gate, added
        self.gates: list[tuple[float, float]] = []

    def _route(self, name: str, x: Array, y: Array) -> Array:
        side = name.split(".")[1]
        if name.endswith("fc2"):
            y = self.linear(f"{name}.inner", y)
        shared = self.linear(f"{name}.shared", y)
        first, second = (self.own.get(f"{side}.{part}.of_{self.language}") for part in ("first", "second"))
        assert first is not None
        rows = []
        for place in range(len(x)):
            hidden = np.maximum(self.linear(f"{name}.gate_hidden", x[place]), 0)
            u = self.linear(f"{name}.gate_output", hidden).item()
            g = 1 / (1 + math.exp(-u - self.added)) if self.gate == "soft" else float(u >= 0)
            own = first @ y[place] if second is None else shared[place] + second @ (first @ y[place])
            rows.append(g * own + (1 - g) * shared[place])
            if side == "encoder" or place > 0:
                self.gates.append((g, 1 / (1 + math.exp(-u))))
        return np.stack(rows)


@pytest.mark.parametrize("rank", [None, 3])
@pytest.mark.parametrize("bias", [-50.0, 0.0, 50.0])
def test_a_routed_model_in_evaluation_has_the_output_and_the_use_of_the_formulas(bias: float, rank: int | None) -> None:
    model = make_routed("target", rank).eval()
    with torch.no_grad():
        for block in model.blocks:
            block.gate_output.bias.fill_(bias)
            block.gate_output.weight.mul_(5)
    slow = SlowRouting(model, "az", "hard")
    assert_same(model.predict(BATCH).logits, slow.logits(BATCH))
    hard, soft = np.mean(slow.gates, axis=0)
    assert model.describe_use()["gates"] == pytest.approx({"hard": hard, "soft": soft}, rel=1e-5, abs=1e-9)
    assert hard == {-50.0: 0, 50.0: 1}.get(bias, hard)
    assert bias != 0 or 0.05 < hard < 0.95


@pytest.mark.parametrize("rank", [None, 3])
@pytest.mark.parametrize("language", ["target", "source"])
def test_a_routed_model_in_training_has_the_noisy_gates_and_the_budget_s_loss_of_the_formulas(
    language: str, rank: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_routed(language, rank, noise=4.0).train()
    model.at_step(3, 8)
    monkeypatch.setattr(torch, "randn_like", lambda like: torch.full_like(like, -0.6))
    said = model.predict(BATCH)
    slow = SlowRouting(model, {"target": "az", "source": "tr"}[language], "soft", 4 * 3 / 8 * -0.6)
    assert_same(said.logits, slow.logits(BATCH))
    assert said.regulariser is not None
    assert said.regulariser.item() == pytest.approx(abs(np.mean(slow.gates, axis=0)[0] - 0.3), rel=1e-4)


def make_latent(**settings: Any) -> LatentDepthModel:
    settings = {"temperature": TEMPERATURE, "rate": RATE, "start": 0.3, "soft": 0.2, "ramp": 0.4, **settings}
    model = LatentDepth(**SIZES, **settings).build(VOCABULARY, DIRECTIONS, 1)
    stir(model)
    return cast(LatentDepthModel, model)


def rows_of(model: LatentDepthModel, side: str) -> tuple[Array, int]:
    """The logits of a side, (N, L), and the row of the batch's language there."""
    languages = {"encoder": ["en", "tr"], "decoder": ["az", "fr"]}[side]
    rows = cast(LayerChoice, model.choices[side]).rows
    a = np.array([[RATE * value for value in rows[language].tolist()] for language in languages])
    return a, languages.index({"encoder": "tr", "decoder": "az"}[side])


def draw_again(model: LatentDepthModel, seed: int) -> dict[str, Array]:
    """The soft samples of each side, (N, L), from the same uniform numbers."""
    torch.manual_seed(seed)
    found = {}
    for side in ("encoder", "decoder"):
        a, _ = rows_of(model, side)
        uniform = torch.rand(a.shape).double().numpy()
        found[side] = sigmoid((a + np.log(uniform) - np.log(1 - uniform)) / TEMPERATURE)
    return found


def scaled_network(model: LatentDepthModel, factors: dict[str, Array]) -> SlowNetwork:
    """The slow network in which what a layer adds has a factor, by side (L,)."""

    def end(name: str, x: Array, y: Array) -> Array:
        _, side, _, layer, *_ = name.split(".")
        return np.asarray(factors[side][int(layer)] * slow.linear(name, y))

    slow = SlowNetwork(model.base.network, end)
    return slow


def extra_loss(model: LatentDepthModel, samples: dict[str, Array], done: float) -> float:
    """The terms of both sides: bernoulli, aggregated, a weight of 0.3 and a share of 0.7, one layer of the decoder."""
    total = 0.0
    w, v = (min(1.0, max(0.0, (done - 0.2 - late) / 0.4)) for late in (0, 0.4))
    for side, z in samples.items():
        a, n = rows_of(model, side)
        pi = sigmoid(a)
        p, q = pi[n], pi.mean(0)
        divergence = np.mean(p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)))
        u = z.mean(0)
        sharing = -sum(value * math.log(max(value, 1e-3)) for value in u)
        depth = (u.sum() - 1) ** 2 if side == "decoder" else 0
        total += w * 0.3 * divergence + v * (0.7 * sharing + depth)
    return total


@pytest.mark.parametrize("step", [0, 10, 11, 30, 45, 50])
def test_latent_depth_in_training_has_the_output_and_the_extra_loss_of_the_formulas(step: int) -> None:
    model = make_latent(prior="aggregated", sparsity_weight=0.3, share_weight=0.7, decoder_target=1).train()
    model.at_step(step, 50)
    torch.manual_seed(23)
    said = model.predict(BATCH)
    samples = draw_again(model, 23)
    if step > 10:
        samples = {side: (z > 0.5).astype(np.float64) for side, z in samples.items()}
    slow = scaled_network(model, {side: z[rows_of(model, side)[1]] for side, z in samples.items()})
    assert_same(said.logits, slow.logits(BATCH))
    assert said.regulariser is not None
    assert said.regulariser.item() == pytest.approx(extra_loss(model, samples, step / 50), rel=1e-4, abs=1e-9)


@pytest.mark.parametrize("step", [0, 50])
def test_the_slope_of_logits_is_that_of_differences_of_the_slow_network_times_that_of_soft_samples(step: int) -> None:
    model = make_latent(sparsity_weight=0, share_weight=0).train()
    model.at_step(step, 50)
    torch.manual_seed(29)
    torch.autograd.backward(batch_losses(model, BATCH, 0.0)[0])
    soft = {side: z[rows_of(model, side)[1]] for side, z in draw_again(model, 29).items()}
    used = {side: (z > 0.5).astype(np.float64) if step else z for side, z in soft.items()}
    assert not step or {*used["encoder"], *used["decoder"]} == {0, 1}, "both kinds of factors are compared"
    for side, language in (("encoder", "tr"), ("decoder", "az")):
        wanted = []
        for layer, z in enumerate(soft[side]):
            above, below = (differing(model, used, side, layer, change) for change in (1e-5, -1e-5))
            wanted.append((above - below) / 2e-5 * z * (1 - z) / TEMPERATURE * RATE)
        found = cast(LayerChoice, model.choices[side]).rows[language].grad
        assert found is not None
        assert found.tolist() == pytest.approx(wanted, rel=1e-3, abs=1e-4)


def differing(model: LatentDepthModel, used: dict[str, Array], side: str, layer: int, change: float) -> float:
    """The slow network's loss with one factor changed."""
    changed = {name: z.copy() for name, z in used.items()}
    changed[side][layer] += change
    return scaled_network(model, changed).loss(BATCH)


@pytest.mark.parametrize(
    ("encoder", "decoder", "wanted"),
    [
        ([0.1, -0.1], [-0.1, 0.1], {"encoder": [1, 0], "decoder": [0, 1]}),
        ([-0.2, -0.1], [0.1, 0.2], {"encoder": [0, 1], "decoder": [1, 1]}),
        ([0.0, 0.0], [0.0, 1e-6], {"encoder": [1, 0], "decoder": [0, 1]}),  # zero is unused; of ties the first
    ],
)
def test_latent_depth_in_evaluation_has_the_layers_above_zero_and_one_at_least(
    encoder: list[float], decoder: list[float], wanted: dict[str, list[float]]
) -> None:
    model = make_latent().eval()
    with torch.no_grad():
        for side, language, row in (("encoder", "tr", encoder), ("decoder", "az", decoder)):
            cast(LayerChoice, model.choices[side]).rows[language].copy_(torch.tensor(row))
    slow = scaled_network(model, {side: np.array(z, dtype=np.float64) for side, z in wanted.items()}).logits(BATCH)
    with torch.no_grad():
        assert_same(model.predict(BATCH).logits, slow)
    assert_same(model.predict(BATCH).logits, slow)
    assert_same(model.plain(BATCH.direction).eval().predict(BATCH).logits, slow)
