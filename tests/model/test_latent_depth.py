"""Latent depth: its formulas against slow ones, the layers that are used, and that it learns how many."""

import math
from typing import Any, cast

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from catscale.data.batching import make_batch
from catscale.data.direction import Direction
from catscale.errors import ConfigError
from catscale.model.active_layers import Product
from catscale.model.check_material import DIRECTIONS, VOCABULARY, batch_of, logits_of
from catscale.model.folder_checks import check_search
from catscale.model.latent_depth import LatentDepth
from catscale.model.latent_depth_loss import FLOOR, DepthLoss, entropy
from catscale.model.latent_depth_model import LatentDepthModel
from catscale.model.layer_choice import LayerChoice, draw
from catscale.model.likelihood import batch_losses
from catscale.model.m2m100 import M2M100
from tests.unchecked import unchecked

SIZES: dict[str, Any] = {
    "preset": "tiny", "width": 16, "heads": 2, "feed_forward": 24, "encoder_layers": 3, "decoder_layers": 4,
    "dropout": 0.0,
}  # fmt: skip
CHOSEN = {"encoder": [0, 2], "decoder": [1, 3]}


def make(**settings: Any) -> LatentDepthModel:
    return cast(LatentDepthModel, LatentDepth(**SIZES, **settings).build(VOCABULARY, DIRECTIONS, 1))


def choose(model: LatentDepthModel) -> None:
    """Have en use layers 0 and 2 of the encoder, az 1 and 3 of the decoder, others all."""
    with torch.no_grad():
        for side, language in (("encoder", "en"), ("decoder", "az")):
            row = cast(LayerChoice, model.choices[side]).rows[language]
            row.fill_(-1.0)
            row[CHOSEN[side]] = 1.0


def slow_loss(terms: DepthLoss, logits: Tensor, samples: Tensor, n: int, growth: tuple[float, float]) -> float:
    """The formulas of the module, number by number."""
    languages, layers = samples.shape
    a, z = logits.double().tolist(), samples.double().tolist()
    p = [[1 / (1 + math.exp(-value)) for value in row] for row in a]

    def log(value: float) -> float:
        return math.log(max(value, FLOOR))

    divergence = 0.0
    for layer in range(layers):
        if terms.kl == "bernoulli":
            q = 0.5 if terms.prior == "uniform" else sum(row[layer] for row in p) / languages
            here = p[n][layer]
            divergence += here * math.log(here / q) + (1 - here) * math.log((1 - here) / (1 - q))
        else:
            every = sum(map(sum, z))
            q = 0.5 if terms.prior == "uniform" else sum(row[layer] for row in z) / every
            divergence += z[n][layer] * (log(z[n][layer]) - log(q))
    used = [sum(row[layer] for row in z) / languages for layer in range(layers)]
    sharing = -sum(u * log(u) for u in used)
    depth = 0.0 if terms.target is None else (sum(used) - terms.target) ** 2
    return growth[0] * terms.sparsity * divergence / layers + growth[1] * (terms.share * sharing + depth)


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("prior", ["uniform", "aggregated"])
@pytest.mark.parametrize("kl", ["bernoulli", "code"])
def test_the_extra_loss_is_that_of_the_formulas(kl: str, prior: str, hard: bool) -> None:
    torch.manual_seed(3)
    logits = torch.randn(3, 5, dtype=torch.float64)
    samples = draw(logits, 5.0, hard)
    terms = DepthLoss(kl, prior, 2, 0.3, 0.7)
    found = terms.total(logits, samples, 1, (0.5, 0.25))
    assert found.item() == pytest.approx(slow_loss(terms, logits, samples, 1, (0.5, 0.25)), rel=1e-9)


def test_the_code_s_divergence_of_hard_samples_is_a_count_and_the_whole_one_is_not() -> None:
    terms = DepthLoss("code", "uniform", None, 1.0, 0.0)
    one = [terms.total(torch.zeros(1, 1), torch.full((1, 1), z), 0, (1, 0)).item() for z in (1.0, 0.0, 0.5)]
    assert one == pytest.approx([math.log(2), 0, 0], abs=1e-6)
    whole = DepthLoss("bernoulli", "uniform", None, 1.0, 0.0)
    two = [whole.total(torch.full((1, 1), a), torch.ones(1, 1), 0, (1, 0)).item() for a in (0.0, 30.0, -30.0)]
    assert two == pytest.approx([0, math.log(2), math.log(2)], abs=1e-5)


def test_sharing_is_largest_at_one_part_in_e_and_depth_zero_at_the_target() -> None:
    grid = torch.linspace(0.01, 1, 100)
    best = max(grid.tolist(), key=lambda u: entropy(torch.tensor([u])).item())
    assert best == pytest.approx(1 / math.e, abs=0.01)
    samples = torch.tensor([[1.0, 1, 0], [0, 1, 1]])
    depth = DepthLoss("code", "uniform", 2, 0.0, 0.0).total(samples, samples, 0, (0, 1))
    assert depth.item() == pytest.approx(0)


def test_over_all_languages_the_gradient_of_the_joint_terms_is_that_of_the_formula() -> None:
    logits = torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    samples = (logits / 5).sigmoid()
    terms = DepthLoss("code", "uniform", 1, 0.0, 0.5)
    whole = samples.clone().requires_grad_()
    used = whole.mean(0)
    (wanted,) = torch.autograd.grad(0.5 * -(used * used.log()).sum() + (used.sum() - 1) ** 2, whole)
    for row in range(3):
        mine = samples.clone().requires_grad_()
        (found,) = torch.autograd.grad(terms.total(logits, mine, row, (0, 1)), mine)
        torch.testing.assert_close(found[row] / 3, wanted[row])
        assert found[[n for n in range(3) if n != row]].count_nonzero() == 0


def test_hard_samples_are_one_as_often_as_their_probability_and_slope_as_soft_ones() -> None:
    torch.manual_seed(0)
    logits = torch.tensor([-1.5, 0.0, 0.8]).expand(100_000, 3)
    found, wanted = draw(logits, 5.0, True).mean(0), logits[0].sigmoid()
    error = (wanted * (1 - wanted) / len(logits)).sqrt()
    assert ((found - wanted).abs() < 3 * error).all()
    row = torch.tensor([[0.3, -0.2]], requires_grad=True)
    slopes = []
    for hard in (False, True):
        torch.manual_seed(5)
        slopes.append(torch.autograd.grad(draw(row, 5.0, hard).sum(), row)[0])
    torch.testing.assert_close(slopes[0], slopes[1])


def test_a_product_with_one_number_has_the_usual_gradients() -> None:
    output = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    for value in (0.3, 1.0):
        factor = torch.tensor(value, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda o, f: Product.apply(o, f, False), (output, factor))
        wanted = torch.autograd.grad((output * factor).square().sum(), (output, factor))
        product = unchecked(Product).apply(output, factor, value == 1)
        torch.testing.assert_close(torch.autograd.grad(product.square().sum(), (output, factor)), wanted)


def test_with_all_layers_in_use_it_is_the_plain_model() -> None:
    plain = M2M100(**SIZES).build(VOCABULARY, DIRECTIONS, 1)
    model = make(start=20.0)
    model.at_step(10, 10)
    batch = batch_of(DIRECTIONS[1])
    torch.testing.assert_close(model.train().predict(batch).logits, plain.train().predict(batch).logits)
    assert logits_of(model.eval(), DIRECTIONS[1]).equal(logits_of(plain.eval(), DIRECTIONS[1]))


def test_unused_layers_may_be_left_out_and_change_nothing() -> None:
    model = make().eval()
    choose(model)
    said = logits_of(model, DIRECTIONS[0])
    with_graph = model.predict(batch_of(DIRECTIONS[0])).logits
    torch.testing.assert_close(said, with_graph, rtol=0, atol=1e-6)
    plain = model.plain(DIRECTIONS[0])
    assert [plain.description()[f"{side}_layers"] for side in ("encoder", "decoder")] == [2, 2]
    torch.testing.assert_close(logits_of(plain.eval(), DIRECTIONS[0]), said, rtol=0, atol=1e-6)
    assert len(model.plain(DIRECTIONS[2]).layers()) == 2 + 4
    assert plain.network.model.shared.weight.data_ptr() == model.base.network.model.shared.weight.data_ptr()


def test_with_layers_left_out_search_finds_what_the_whole_prefix_predicts() -> None:
    model = make().eval()
    choose(model)
    assert cast(LayerChoice, model.choices["decoder"]).used("az") == CHOSEN["decoder"]
    check_search(model)


def test_unused_layers_have_a_gradient_of_zero_in_evaluation_and_a_slope_of_their_logit_in_training() -> None:
    model = make().eval()
    choose(model)
    loss, _ = batch_losses(model, batch_of(DIRECTIONS[0]), 0.0)
    torch.autograd.backward(loss)
    idle = model.base.network.model.decoder.layers[0].fc1.weight.grad
    assert idle is not None
    assert idle.count_nonzero() == 0
    model.train().at_step(10, 10)
    model.zero_grad()
    torch.autograd.backward(batch_losses(model, batch_of(DIRECTIONS[0]), 0.0)[0])
    row = cast(LayerChoice, model.choices["decoder"]).rows["az"].grad
    assert row is not None
    assert row.count_nonzero() == 4


def test_where_no_layer_is_in_use_the_likeliest_is() -> None:
    choice = LayerChoice(["az"], 3, -1.0)
    with torch.no_grad():
        choice.rows["az"][1] = -0.5
    assert choice.used("az") == [1]


def test_a_side_that_is_not_chosen_has_all_its_layers() -> None:
    model = make(sides=["decoder"]).eval()
    assert list(model.choices) == ["decoder"]
    shares = {f"decoder.{layer}": 0.8808 for layer in range(4)}
    assert model.describe_use()["usage"]["fr"] == pytest.approx(shares, abs=1e-4)
    assert len(model.own_parameters(DIRECTIONS[0])) == 1


def test_a_direction_without_its_own_logits_is_refused() -> None:
    model = make().eval()
    with pytest.raises(ConfigError, match=r"parameters of az, fr, found a direction of 'ru'; translate between"):
        model.generator(Direction("en", "ru"))


def test_targets_sides_and_shares_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"decoder_target is the number of layers in use, of 4 .* found 5"):
        LatentDepth(**SIZES, decoder_target=5)
    with pytest.raises(ConfigError, match=r"found 2 with sides decoder; lower it, or leave it out"):
        LatentDepth(**SIZES, sides=["decoder"], encoder_target=2)
    with pytest.raises(ConfigError, match="each once"):
        LatentDepth(**SIZES, sides=["decoder", "decoder"])
    with pytest.raises(ConfigError, match=r"found soft 0.5 and ramp 0.3; lower ramp"):
        LatentDepth(**SIZES, soft=0.5, ramp=0.3)


def test_a_model_that_was_read_is_not_trained() -> None:
    model = LatentDepthModel(M2M100(**SIZES).build_plain(VOCABULARY, 1), ["en"], ["az"])
    with pytest.raises(RuntimeError, match="no settings of training"):
        model.train().predict(batch_of(DIRECTIONS[0]))


@pytest.mark.slow
def test_two_languages_learn_to_copy_with_four_layers_of_eight() -> None:
    torch.manual_seed(2)
    settings = LatentDepth(
        preset="tiny", width=32, heads=2, feed_forward=32, encoder_layers=1, decoder_layers=8, dropout=0.0,
        sides=["decoder"], decoder_target=4,
    )  # fmt: skip
    directions = [Direction("en", "az"), Direction("en", "fr")]
    model = cast(LatentDepthModel, settings.build(VOCABULARY, directions, 1)).train()
    optimizer, steps = torch.optim.Adam(model.parameters(), 4e-3), 300
    for step in range(1, steps + 1):
        model.at_step(step, steps)
        for direction in directions:
            lines = torch.randint(4, 30, (24, 4)).tolist()
            batch = make_batch(lines, lines, VOCABULARY, direction)
            torch.autograd.backward(batch_losses(model, batch, 0.0)[0] / (2 * batch.tokens))
        optimizer.step()
        optimizer.zero_grad()
    choice = cast(LayerChoice, model.choices["decoder"])
    used = [sum(choice.probabilities(language)) for language in ("az", "fr")]
    assert sum(used) / 2 == pytest.approx(4, abs=0.5)
    assert all(3 <= len(choice.used(language)) <= 5 for language in ("az", "fr"))
    for direction in directions:
        said = model.eval().predict(make_batch(lines, lines, VOCABULARY, direction))
        assert F.cross_entropy(said.logits, said.labels).item() < 0.1
