"""`formulation="paper"` against the slow transcription, step by step."""

import math
from functools import partial

import pytest
import torch

from catscale import CATS, TaskBalancer
from catscale.balancing import Signals
from catscale.errors import ConfigError, DivergedError
from tests.balancing.methods.adversaries import shown
from tests.balancing.methods.transcription import Literal, Rates

TASKS = ["a", "b", "c", "d", "e"]
SETTINGS = [
    Rates(m=1, eta_alpha=0.001, eta_lambda=0.1, eps_c=0.01, eps_f=0.001),
    Rates(m=3, eta_alpha=0.003, eta_lambda=0.05, eps_c=0.5, eps_f=0.1),
    Rates(m=1, eta_alpha=0.01, eta_lambda=0.01, eps_c=0.0, eps_f=0.0),
    Rates(m=2, eta_alpha=0.0005, eta_lambda=1.0, eps_c=5.0, eps_f=0.15),
]


def cats(rates: Rates) -> CATS:
    return CATS(
        formulation="paper",
        inner_steps=rates.m,
        alpha_lr=rates.eta_alpha,
        multiplier_lr=rates.eta_lambda,
        curvature_budget=rates.eps_c,
        alpha_floor=rates.eps_f,
    )


def assert_equal(state, literal: Literal, step: int) -> None:
    expected = {
        "alpha": [literal.alpha[n] for n in TASKS],
        "floor_multipliers": [literal.lam_n[n] for n in TASKS],
        "curvature_multiplier": literal.lam_c,
        "simplex_multiplier": literal.lam_s,
    }
    for name, value in expected.items():
        wanted = torch.tensor(value, dtype=torch.float64)
        torch.testing.assert_close(
            getattr(state, name), wanted, rtol=1e-9, atol=1e-12, msg=partial("{}, step {}: {}".format, name, step)
        )


def some_tasks(generator: torch.Generator, at_least: int = 1) -> list[str]:
    count = int(torch.randint(at_least, len(TASKS) + 1, (), generator=generator))
    return [TASKS[i] for i in torch.randperm(len(TASKS), generator=generator)[:count].tolist()]


@pytest.mark.parametrize("rates", SETTINGS, ids=lambda r: f"m={r.m},rate={r.eta_alpha}")
@pytest.mark.parametrize("seed", range(3))
def test_the_method_follows_algorithm_1(rates: Rates, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    method, literal = cats(rates), Literal(TASKS, rates)
    state = method.init(len(TASKS))
    reached = set()
    for step in range(300):
        present = some_tasks(generator)
        losses = {n: float(torch.rand((), generator=generator) * 3) for n in present}
        rows = {n: torch.randn(7, generator=generator, dtype=torch.float64) * 0.7 for n in present}
        stacked = torch.stack([rows[n] for n in present])
        ids = torch.tensor([TASKS.index(n) for n in present])
        due = (step + 1) % rates.m == 0
        assert method.request(state).kind == ("products" if due else "nothing")
        given = torch.tensor(list(losses.values()), dtype=torch.float64)
        signals = shown(method.request(state), ids, given, stacked @ stacked.T, method.weights(state, ids))
        before = [literal.alpha[n] for n in present]
        absent = {n: (state.alpha[i].item(), state.floor_multipliers[i].item()) for i, n in enumerate(TASKS)}
        weights, state = method.step(state, signals)
        literal.end_of_step(losses, rows)
        torch.testing.assert_close(weights, torch.tensor(before, dtype=torch.float64), rtol=1e-9, atol=1e-12)
        assert_equal(state, literal, step)
        for i, name in enumerate(TASKS):
            if name not in present:
                assert (state.alpha[i].item(), state.floor_multipliers[i].item()) == absent[name]
        reached |= {"zero alpha"} if 0.0 in literal.alpha.values() else set()
        reached |= {"floor"} if any(literal.lam_n.values()) else set()
        reached |= {"curvature"} if literal.lam_c else set()
    assert "curvature" in reached  # the trajectory is no easy one
    if rates.eps_f >= 0.1:
        assert "floor" in reached


def test_it_follows_the_paper_until_no_weight_is_left_and_stops_there() -> None:
    """At careless rates all α reach 0 within tens of updates; θ would stand still there, or climb (findings.md, 7)."""
    rates = Rates(m=1, eta_alpha=0.02, eta_lambda=0.05, eps_c=1.0, eps_f=0.01)
    method, literal = cats(rates), Literal(TASKS, rates)
    state, ids, losses = method.init(len(TASKS)), torch.arange(5), torch.tensor([9.0, 8.0, 8.0, 8.0, 7.5]).double()
    rows = torch.eye(5, dtype=torch.float64)
    for step in range(300):
        literal.end_of_step(dict(zip(TASKS, losses.tolist(), strict=True)), dict(zip(TASKS, rows, strict=True)))
        signals = shown(method.request(state), ids, losses, rows, method.weights(state, ids))
        if not any(literal.alpha.values()):
            break
        _, state = method.step(state, signals)
        assert_equal(state, literal, step)
    assert step > 2
    assert 0 in state.alpha.tolist()  # single ones were projected before
    wanted = rf"sum of the task weights must be positive, found 0 at step {step + 1}: .*lower balancing.alpha_lr \(0.02"
    with pytest.raises(DivergedError, match=wanted):
        method.step(state, signals)


class Network(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(9, 6)
        self.hidden = torch.nn.Linear(6, 6)

    def forward(self, words: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        found = torch.tanh(self.hidden(self.embedding(words))) @ self.embedding.weight.T
        return torch.nn.functional.cross_entropy(found, wanted)


@pytest.mark.parametrize("rates", SETTINGS[:2], ids=lambda r: f"m={r.m}")
@pytest.mark.parametrize("as_callables", [False, True], ids=["tensors", "callables"])
def test_the_engine_follows_algorithm_1_on_a_model(rates: Rates, as_callables: bool) -> None:
    generator = torch.Generator().manual_seed(5)
    torch.manual_seed(0)
    model = Network().double()
    twin = Network().double()
    twin.load_state_dict(model.state_dict())
    balancer, literal = TaskBalancer(cats(rates), TASKS, model.parameters()), Literal(TASKS, rates)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for step in range(40):
        batches = {n: torch.randint(9, (2, 8), generator=generator) for n in some_tasks(generator, at_least=2)}
        gradients, losses = {}, {}
        for name, (words, wanted) in batches.items():
            loss = twin(words, wanted)
            losses[name] = loss.item()
            gradients[name] = torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(twin.parameters()))])
        with torch.no_grad():
            combined, start = literal.combined(gradients), 0
            for parameter in twin.parameters():
                end = start + parameter.numel()
                parameter.sub_(0.05 * combined[start:end].view_as(parameter))
                start = end
        used = {n: literal.alpha[n] for n in batches}
        literal.end_of_step(losses, gradients)

        given = {n: (lambda b=b: model(*b)) if as_callables else model(*b) for n, b in batches.items()}
        result = balancer.backward(given)
        optimizer.step()
        optimizer.zero_grad()
        assert result.weights == pytest.approx(used, rel=1e-9)
        assert result.losses == pytest.approx(losses, rel=1e-9)
        assert_equal(balancer.state, literal, step)
        assert balancer.weights == pytest.approx(literal.alpha, rel=1e-9)
    for mine, reference in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(mine, reference, rtol=1e-9, atol=1e-12)
    assert literal.lam_c > 0


def test_a_gram_matrix_does_for_products() -> None:
    method, rows = cats(SETTINGS[2]), torch.randn(3, 4, dtype=torch.float64)
    state, ids, losses, gramian = method.init(5), torch.tensor([4, 0, 2]), torch.ones(3), rows @ rows.T
    one = method.step(state, Signals(ids, losses, gramian))[1]
    two = method.step(state, shown(method.request(state), ids, losses, gramian, method.weights(state, ids)))[1]
    torch.testing.assert_close(one.alpha, two.alpha)
    torch.testing.assert_close(one.curvature_multiplier, two.curvature_multiplier)


def test_curvature_is_reported_before_the_update() -> None:
    method = cats(SETTINGS[0])
    gramian = torch.tensor([[2.0, 1.0], [1.0, 3.0]], dtype=torch.float64)
    state = method.init(2)
    assert math.isnan(method.describe(state)["curvature"])
    _, state = method.step(state, Signals(torch.arange(2), torch.ones(2), gramian))
    described = method.describe(state)
    assert described["curvature"] == 7.0
    assert described["multipliers"]["curvature"] == pytest.approx(0.1 * (7 - 0.01))
    assert described["multipliers"]["simplex"] == pytest.approx(0.1)


def test_exploding_weights_are_an_error() -> None:
    """Losses that fall without a bound drive the weights up."""
    method = CATS(formulation="paper", inner_steps=1, alpha_lr=1e6, multiplier_lr=0.0)
    state, ids = method.init(2), torch.arange(2)

    def run(state) -> None:
        for _ in range(400):
            losses = torch.full((2,), -1e300, dtype=torch.float64)
            _, state = method.step(state, Signals(ids, losses, products=torch.zeros(2)))

    with pytest.raises(DivergedError, match=r"weights and multipliers must be finite.*lower balancing.alpha_lr"):
        run(state)


def test_non_finite_signals_are_an_error() -> None:
    method = cats(SETTINGS[0])
    with pytest.raises(DivergedError, match="needs finite losses and gradients"):
        method.step(method.init(2), Signals(torch.arange(2), torch.ones(2), torch.full((2, 2), torch.nan)))


def test_a_floor_without_room_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"alpha_floor must be below 1/4 .* found 0.25"):
        CATS(alpha_floor=0.25).init(4)
