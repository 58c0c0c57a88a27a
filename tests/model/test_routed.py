"""Routing: gates, budget and counts against slow ones, whose parameters a batch reaches, and that it learns."""

from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch.nn import functional as F

from catscale.data.batching import Batch, make_batch
from catscale.data.direction import Direction
from catscale.errors import ConfigError
from catscale.model.check_material import DIRECTIONS, SOURCES, TARGETS, VOCABULARY, batch_of, logits_of
from catscale.model.folder_checks import check_search
from catscale.model.gates import mean_gate
from catscale.model.likelihood import batch_losses
from catscale.model.m2m100 import M2M100
from catscale.model.pretrained import Pretrained
from catscale.model.routed import Routed
from catscale.model.routed_model import RoutedModel
from tests.unchecked import unchecked

SIZES: dict[str, Any] = {
    "preset": "tiny", "width": 16, "heads": 2, "feed_forward": 24, "encoder_layers": 2, "decoder_layers": 1,
    "dropout": 0.0,
}  # fmt: skip
BATCH = batch_of(DIRECTIONS[0])


def make(**settings: Any) -> RoutedModel:
    return cast(RoutedModel, Routed(**{**SIZES, "gate_width": 4, **settings}).build(VOCABULARY, DIRECTIONS, 1))


def test_with_closed_gates_it_is_the_plain_model() -> None:
    plain = M2M100(**SIZES).build(VOCABULARY, DIRECTIONS, 1).eval()
    torch.testing.assert_close(
        logits_of(make(gate_start=-20.0).eval(), DIRECTIONS[0]), logits_of(plain, DIRECTIONS[0]), rtol=0, atol=1e-6
    )


def test_where_own_and_shared_projections_are_the_same_gates_do_not_matter() -> None:
    found = []
    for start in (-20.0, 0.3, 20.0):
        model = make(gate_start=start).train()
        with torch.no_grad():
            for block in model.blocks:
                block.shared.weight.copy_(torch.eye(16) * 0.5)
                torch.nn.init.zeros_(block.shared.bias)
            for parameter in model.own.parameters():
                parameter.copy_(torch.eye(16) * 0.5)
        found.append(model.predict(BATCH).logits)
    torch.testing.assert_close(found[0], found[1])
    torch.testing.assert_close(found[0], found[2])


@pytest.mark.parametrize(("start", "open_"), [(20.0, True), (-20.0, False)])
def test_open_gates_take_the_language_s_own_projection(start: float, open_: bool) -> None:
    model = make(gate_start=start).eval()
    block, inputs, stream = model.blocks[0], torch.randn(1, 2, 16), torch.randn(1, 2, 16)
    model.generator(DIRECTIONS[0])
    block.remember(block, None, stream)
    own = cast(Any, model.own["encoder"]).first["az"]
    torch.testing.assert_close(block(inputs), inputs @ own.T if open_ else block.shared(inputs))


@pytest.mark.parametrize("seed", range(3))
def test_with_gates_that_tokens_open_and_close_search_finds_what_the_whole_prefix_predicts(seed: int) -> None:
    torch.manual_seed(seed)
    model = make(gate_start=0.0).eval()
    with torch.no_grad():
        for parameter in model.added_parameters():
            parameter.normal_(std=0.5)
        for direction in DIRECTIONS:
            model.predict(batch_of(direction))
    assert 0.1 < model.describe_use()["gates"]["hard"] < 0.9
    check_search(model)


@pytest.mark.parametrize(
    ("preset", "layers", "width"),
    [("tiny", 2, 128), ("small", 3, 256), ("ted", 6, 512), ("base", 6, 512), ("big", 10, 1024)],
)
def test_counts_are_those_of_the_formula(preset: Any, layers: int, width: int) -> None:
    hidden, languages = 128, 92
    directions = [Direction("en", f"x{number}") for number in range(languages)]
    added = Routed(preset=preset).count_parameters(64_000, directions) - M2M100(preset=preset).count_parameters(
        64_000, ()
    )
    gates = 5 * layers * ((width + 2) * hidden + 1)
    assert added == gates + 2 * layers * (width**2 + width) + 2 * languages * width**2


def test_what_is_counted_is_what_a_model_has() -> None:
    few = make()
    assert len(few.blocks) == 2 * 2 + 3 * 1
    assert sum(p.numel() for p in few.parameters()) == Routed(**SIZES, gate_width=4).count_parameters(34, DIRECTIONS)


def test_the_budget_s_loss_is_that_of_a_double_loop_without_padding() -> None:
    torch.manual_seed(3)
    model = make(gate_start=0.5, budget=0.4).train()
    with torch.no_grad():
        for block in model.blocks:
            torch.nn.init.normal_(block.gate_output.weight)
    seen: list[tuple[str, Any]] = []

    def look(block: Any, inputs: Any, output: Any) -> None:
        side, _, _, gate = model._routing.gates[-1]
        seen.append((side, gate[..., 0].tolist()))

    for block in model.blocks:
        block.register_forward_hook(look)
    regulariser = model.predict(BATCH).regulariser
    total, count = 0.0, 0
    for side, gates in seen:
        for sentence, row in enumerate(gates):
            here = range(len(SOURCES[sentence]) + 2) if side == "encoder" else range(1, len(TARGETS[sentence]) + 2)
            for place in here:
                total, count = total + row[place], count + 1
    assert regulariser is not None
    assert regulariser.item() == pytest.approx(abs(total / count - 0.4), rel=1e-5)
    assert total / count > 0.4
    even = make(gate_start=0.0, budget=0.5).train().predict(BATCH).regulariser
    assert even is not None
    assert even.item() == pytest.approx(0, abs=1e-6)


def test_below_its_budget_the_loss_is_not_negative() -> None:
    said = make(gate_start=-5.0, budget=0.9).train().predict(BATCH).regulariser
    assert said is not None
    assert said.item() == pytest.approx(0.9 - 1 / (1 + 2.718281828**5), rel=1e-4)


def test_noise_grows_with_the_training_and_no_further() -> None:
    model = make(noise=5.0)
    found = []
    for step in (0, 50, 100, 200):
        model.at_step(step, 100)
        found.append(model._routing.noise)
    assert found == [0, 2.5, 5, 5]
    model.train()
    one, two = (model.predict(BATCH).regulariser for _ in range(2))
    assert one is not None
    assert two is not None
    assert one.item() != two.item()


def test_a_batch_reaches_no_other_language_s_projections() -> None:
    model = make(gate_start=20.0).train()
    torch.autograd.backward(batch_losses(model, BATCH, 0.1)[0])
    assert all(p.grad is not None and p.grad.count_nonzero() for p in model.own_parameters_of("az"))
    assert all(p.grad is None for p in model.own_parameters_of("fr"))


def test_what_languages_use_is_counted_anew_in_each_evaluation() -> None:
    model = make(gate_start=0.5)
    assert model.describe_use() == {}
    model.eval().predict(BATCH)
    used = model.train().describe_use()
    assert set(used["usage"]) == {"az"}
    assert used["usage"]["az"]["decoder.0.cross"] == 1
    assert used["gates"] == pytest.approx({"hard": 1, "soft": 0.6225}, abs=1e-4)
    with torch.no_grad():
        for block in model.blocks:
            block.gate_output.bias.fill_(-1.0)
    model.eval().predict(batch_of(DIRECTIONS[2]))
    assert set(model.describe_use()["usage"]["fr"].values()) == {0}
    assert model.describe_use()["usage"].keys() == {"fr"}
    assert model.describe_use()["gates"]["hard"] == 0


@pytest.mark.parametrize("noise", [0.0, 0.5, 5.0])
def test_a_gate_s_mean_over_the_noise_is_that_of_a_fine_sum(noise: float) -> None:
    scores = torch.tensor([[-7.0, -2.0, -0.3], [0.0, 0.5, 4.0]])
    drawn = torch.linspace(-9, 9, 20_001, dtype=torch.float64)
    density = (-0.5 * drawn**2).exp()
    wanted = [[(density * (u + noise * drawn).sigmoid()).sum() / density.sum() for u in row] for row in scores.double()]
    torch.testing.assert_close(mean_gate(scores, noise), torch.tensor(wanted, dtype=torch.float32), rtol=0, atol=1e-6)


def test_the_soft_share_on_record_is_the_one_that_the_budget_counts() -> None:
    """With noise the gates of training are others than σ(u): 0.119 without noise is 0.354 on average with a = 5."""
    torch.manual_seed(1)
    model = make(gate_start=-2.0, budget=0.0)
    model.at_step(8, 8)
    counted = torch.stack([torch.as_tensor(model.train().predict(BATCH).regulariser) for _ in range(40)]).mean().item()
    model.eval().predict(BATCH)
    gates = model.describe_use()["gates"]
    assert gates["hard"] == 0
    assert gates["soft"] == pytest.approx(mean_gate(torch.tensor(-2.0), 5.0).item(), abs=1e-6)
    assert gates["soft"] == pytest.approx(counted, abs=0.03)


def test_the_low_rank_form_starts_as_the_pre_trained_model(tmp_path: Path) -> None:
    plain = M2M100(**SIZES).build_plain(VOCABULARY, 1).eval()
    plain.save(tmp_path)
    settings = unchecked(Pretrained)(
        pretrained=tmp_path, freeze=["embeddings", "encoder", "decoder"], routing={"rank": 2, "gate_start": 0.5}
    )
    model = settings.build(VOCABULARY, DIRECTIONS, 1).eval()
    torch.testing.assert_close(logits_of(model, DIRECTIONS[0]), logits_of(plain, DIRECTIONS[0]), rtol=0, atol=1e-6)
    own = model.own_parameters(DIRECTIONS[0])
    assert sum(p.numel() for p in own) == 2 * 2 * 16 * 2
    frozen = {name for name, p in model.named_parameters() if not p.requires_grad}
    assert not any("gate" in name or "own" in name for name in frozen)
    assert {f"base.network.{name}" for name, _ in plain.network.named_parameters() if "norm" in name} <= frozen
    with torch.no_grad():
        for p in own:
            torch.nn.init.normal_(p)
    assert not torch.allclose(logits_of(model, DIRECTIONS[0]), logits_of(plain, DIRECTIONS[0]), atol=1e-3)


def test_what_does_not_go_with_routing_is_refused(tmp_path: Path) -> None:
    message = (
        r"routing has matrices of its own; leave the others out where there is routing, found routing and adapters"
    )
    with pytest.raises(ConfigError, match=message):
        unchecked(Pretrained)(pretrained=tmp_path, routing={}, adapters={"rank": 2})


def test_without_a_direction_or_with_an_unknown_one_it_is_an_error() -> None:
    model = make().eval()
    with pytest.raises(RuntimeError, match="a routed model needs a direction: call its predict or generator"):
        model.base.predict(BATCH)
    with pytest.raises(ConfigError, match="found a direction of 'ru'"):
        model.generator(Direction("en", "ru"))
    assert model.plain(DIRECTIONS[0]) is None
    assert "needs catscale" in (Routed(**SIZES).note or "")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_opposite_copy_tasks_are_learnt_within_the_budget() -> None:
    torch.manual_seed(2)
    settings = Routed(preset="tiny", width=32, heads=2, feed_forward=64, dropout=0.0, gate_width=16, budget=0.3)
    directions = [Direction("en", "az"), Direction("en", "fr")]
    model = cast(RoutedModel, settings.build(VOCABULARY, directions, 1)).train()
    optimizer, steps = torch.optim.Adam(model.parameters(), 4e-3), 800
    batches: list[Batch] = []
    for step in range(1, steps + 1):
        model.at_step(step, steps)
        batches = []
        for direction in directions:
            lines = torch.randint(4, 30, (24, 4))
            targets = lines if direction.target == "az" else 33 - lines
            batches.append(make_batch(lines.tolist(), targets.tolist(), VOCABULARY, direction))
            torch.autograd.backward(batch_losses(model, batches[-1], 0.0)[0] / (2 * batches[-1].tokens))
        optimizer.step()
        optimizer.zero_grad()
    model.eval()
    for batch in batches:
        said = model.predict(batch)
        assert F.cross_entropy(said.logits, said.labels).item() < 0.2
    gates = model.describe_use()["gates"]
    assert gates["soft"] == pytest.approx(0.3, abs=0.05)
    assert 0.1 < gates["hard"] < 0.4  # used in evaluation: not what the budget counts
