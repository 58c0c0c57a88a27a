"""Products in the metric in which Adam steps, against the formulas in float64, step by step."""

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from catscale import CATS, TaskBalancer
from catscale.balancing.contract import Request
from catscale.balancing.engine.metric import StepMetric
from catscale.errors import ConfigError
from tests.balancing.engine.spies import Spy, spy
from tests.balancing.networks import TASKS, Net, batches, network
from tests.unchecked import unchecked

BETA, DELTA = 0.9, 0.01
WEIGHTS = torch.tensor([0.5, 2.0, 0.25], dtype=torch.float64)


def losses(net: Net, tasks: list[str] = TASKS) -> dict[str, Any]:
    return {task: (lambda t=task, w=words: net(t, w)) for task, words in batches(tasks).items()}


def rows_of(net: Net) -> Tensor:
    """(3, D) task gradients over the shared parameters, by autograd."""
    found = []
    for task, words in batches().items():
        parts = torch.autograd.grad(net(task, words), trained(net), allow_unused=True)
        found.append(
            torch.cat(
                [(torch.zeros_like(p) if g is None else g).flatten() for g, p in zip(parts, trained(net), strict=True)]
            )
        )
    return torch.stack(found)


def trained(net: Net) -> list[torch.nn.Parameter]:
    return [parameter for parameter in net.shared() if parameter.requires_grad]


class Moved:
    """A network that Adam has moved some times, its second moments by their own recursion, and its gradients now."""

    def __init__(self, updates: int = 3, tasks: list[str] = TASKS) -> None:
        self.net = network()
        self.optimizer = torch.optim.Adam(trained(self.net), lr=0.02, betas=(0.5, BETA))
        self.second = torch.zeros(sum(p.numel() for p in trained(self.net)), dtype=torch.float64)
        for _ in range(updates):
            self.optimizer.zero_grad()
            sum(loss() for loss in losses(self.net, tasks).values()).backward()
            flat = [torch.zeros_like(p) if p.grad is None else p.grad for p in trained(self.net)]
            self.second = BETA * self.second + (1 - BETA) * torch.cat([g.flatten() for g in flat]) ** 2
            self.optimizer.step()
        self.optimizer.zero_grad()
        self.second = self.second / (1 - BETA**updates) if updates else self.second
        self.rows = rows_of(self.net)

    @property
    def inverse(self) -> Tensor:
        """(D,) P⁻¹."""
        return (self.second + DELTA**2 * self.second.mean()) ** -0.5

    def seen(self, method: Spy, **settings: Any) -> Any:
        """What a step shows to a method that spies."""
        self.optimizer.zero_grad()
        balancer = TaskBalancer(method, TASKS, trained(self.net), module=self.net, **settings)
        balancer.use_metric_of(self.optimizer)
        balancer.backward(losses(self.net))
        return method.seen[0]


@pytest.fixture(scope="module")
def moved() -> Moved:
    return Moved()


@pytest.mark.parametrize("known", [True, False])
def test_the_gram_matrix_and_norms_follow_the_formula(moved: Moved, known: bool) -> None:
    expected = moved.rows * moved.inverse @ moved.rows.T
    found = moved.seen(spy("gramian", known, metric="adam"))
    torch.testing.assert_close(found.gramian, expected, rtol=1e-7, atol=1e-12)
    norms = moved.seen(spy("norms", known, metric="adam")).norms
    torch.testing.assert_close(norms, expected.diagonal().sqrt(), rtol=1e-7, atol=1e-12)
    plain = moved.seen(spy("gramian", known)).gramian
    torch.testing.assert_close(plain, moved.rows @ moved.rows.T, rtol=1e-7, atol=1e-12)
    assert (plain / plain.trace() - expected / expected.trace()).abs().max() > 0.05


@pytest.mark.parametrize("low_memory", [False, True])
def test_products_are_with_the_combined_gradient_which_stays_as_it_is(moved: Moved, low_memory: bool) -> None:
    combined = WEIGHTS @ moved.rows
    found = moved.seen(spy("products", metric="adam"), low_memory=low_memory)
    torch.testing.assert_close(found.products, moved.rows @ (moved.inverse * combined), rtol=1e-7, atol=1e-12)
    left = torch.cat([p.grad.flatten() for p in trained(moved.net) if p.grad is not None])
    torch.testing.assert_close(left, combined, rtol=1e-7, atol=1e-12)


def test_each_group_has_its_part_of_the_metric_of_all(moved: Moved) -> None:
    parameters = trained(moved.net)
    groups = {"first": parameters[:1], "others": parameters[1:]}
    method = Spy(Request("gramian", per_group=True, metric="adam"), WEIGHTS.expand(2, -1), False)
    found = moved.seen(method, groups=groups).gramian
    size = parameters[0].numel()
    for gramian, part in zip(found, (slice(0, size), slice(size, None)), strict=True):
        rows, inverse = moved.rows[:, part], moved.inverse[part]
        torch.testing.assert_close(gramian, rows * inverse @ rows.T, rtol=1e-7, atol=1e-12)
    one = moved.seen(spy("norms", group="others", metric="adam"), groups=groups).norms
    torch.testing.assert_close(one, found[1].diagonal().sqrt(), rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("kind", ["gramian", "products"])
def test_halves_are_compared_in_the_same_metric(moved: Moved, kind: str) -> None:
    """Two parts with the gradients ½ g + n and ½ g − n: of ‖g‖² the signal is ‖g‖² − 4 ‖n‖²."""
    noise = torch.randn(moved.rows.shape[1], generator=torch.Generator().manual_seed(5)).double() * 0.02
    pieces = noise.split([p.numel() for p in trained(moved.net)])

    def part(task: str, sign: int) -> Tensor:
        loss = moved.net(task, batches()[task]) / 2
        return loss + sign * sum((p.flatten() * n).sum() for p, n in zip(trained(moved.net), pieces, strict=True))

    method = spy(kind, metric="adam", halves=True)
    balancer = TaskBalancer(method, TASKS, trained(moved.net), module=moved.net)
    balancer.use_metric_of(moved.optimizer)
    step = balancer.backward({task: [partial(part, task, 1), partial(part, task, -1)] for task in TASKS})
    inverse, signals = moved.inverse, method.seen[0]
    biased = moved.rows * inverse @ moved.rows.T
    lost = 4 * (noise**2 * inverse).sum()
    expected = biased - lost * torch.eye(3)
    if kind == "gramian":
        torch.testing.assert_close(signals.gramian, expected, rtol=1e-6, atol=1e-9)
    else:
        torch.testing.assert_close(signals.products, expected @ WEIGHTS, rtol=1e-6, atol=1e-9)
    ratios = [(biased[i, i] - lost) / lost for i in range(3)]
    assert step.signal_to_noise == pytest.approx({t: r.item() for t, r in zip(TASKS, ratios, strict=True)}, rel=1e-5)
    assert step.curvature == pytest.approx((WEIGHTS @ biased @ WEIGHTS).item())


def test_equal_second_moments_scale_the_gram_matrix_by_a_constant() -> None:
    moved = Moved(0)
    for parameter in trained(moved.net):
        moved.optimizer.state[parameter] = {
            "step": torch.tensor(4.0), "exp_avg_sq": torch.full_like(parameter, 0.03), "exp_avg": parameter * 0
        }  # fmt: skip
    constant = (0.03 / (1 - BETA**4) * (1 + DELTA**2)) ** -0.5
    found = moved.seen(spy("gramian", metric="adam")).gramian
    torch.testing.assert_close(found, constant * moved.rows @ moved.rows.T, rtol=1e-7, atol=1e-12)
    weights = []
    for metric in ("adam", "euclidean"):
        method = CATS(inner_steps=1, alpha_lr=0.5, unbiased=True, metric=metric)
        balancer = TaskBalancer(method, TASKS, trained(moved.net))
        balancer.use_metric_of(moved.optimizer)
        for _ in range(4):
            balancer.backward(losses(moved.net))
        weights.append(list(balancer.weights.values()))
    assert weights[0] == pytest.approx(weights[1], rel=1e-9)  # it is divided by the mean of its diagonal
    assert max(weights[0]) > 1.2 * min(weights[0])


def test_before_the_first_update_the_metric_is_euclidean_to_the_bit() -> None:
    moved = Moved(0)
    adam, plain = (moved.seen(spy("gramian", metric=metric)).gramian for metric in ("adam", "euclidean"))
    assert adam.equal(plain)


def test_a_parameter_that_adam_has_not_met_counts_as_the_mean() -> None:
    """Tasks b and c alone have moved the network; `rare` belongs to task a."""
    moved = Moved(3, ["b", "c"])
    rare = torch.cat([torch.full((p.numel(),), p is moved.net.rare) for p in trained(moved.net)])
    moved.second = moved.second.where(~rare, moved.second[~rare].mean())
    found = moved.seen(spy("gramian", metric="adam")).gramian
    torch.testing.assert_close(found, moved.rows * moved.inverse @ moved.rows.T, rtol=1e-7, atol=1e-12)


def test_what_is_measured_apart_is_in_the_metric_too(moved: Moved) -> None:
    balancer = TaskBalancer(CATS(inner_steps=1, metric="adam"), TASKS, trained(moved.net))
    balancer.use_metric_of(moved.optimizer)
    found = balancer.measure(losses(moved.net)).measured.signals.gramian
    torch.testing.assert_close(found, moved.rows * moved.inverse @ moved.rows.T, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("inner_steps", [1, 7])
def test_without_an_optimiser_the_first_step_says_so(inner_steps: int) -> None:
    net = network()
    balancer = TaskBalancer(CATS(inner_steps=inner_steps, metric="adam"), TASKS, trained(net))
    with pytest.raises(ConfigError, match=r"cats asks for .* no optimiser is known; call balancer\.use_metric_of"):
        balancer.backward(losses(net))
    if inner_steps == 1:
        with pytest.raises(ConfigError, match="no optimiser is known"):
            balancer.measure(losses(net))
    assert all(parameter.grad is None for parameter in trained(net))
    with pytest.raises(ConfigError, match="use_metric_of takes a torch optimiser, found a Net; give the AdamW"):
        unchecked(balancer).use_metric_of(net)


def test_optimisers_without_second_moments_are_refused() -> None:
    net = network()
    request = Request("gramian", metric="adam")
    metric = StepMetric(trained(net), is_sharded=False)
    for kind in (torch.optim.SGD, torch.optim.Adamax):
        optimizer = kind(trained(net), lr=0.1)
        metric.follow(optimizer)
        sum(loss() for loss in losses(net).values()).backward()
        optimizer.step()
        with pytest.raises(ConfigError, match=rf"cats asks .* found {kind.__name__}, which keeps no second moments"):
            metric.check("cats", request)
        metric.check("cats", Request("gramian"))
    metric.follow(torch.optim.Adam(trained(net)[1:]))
    with pytest.raises(ConfigError, match="found shared parameters that the optimiser does not move"):
        metric.check("cats", request)


def test_a_sharded_model_is_refused() -> None:
    net = network()
    metric = StepMetric(trained(net), is_sharded=True)
    metric.follow(torch.optim.Adam(trained(net)))
    metric.check("cats", Request("gramian"))
    with pytest.raises(ConfigError, match="no process of a sharded model knows; set metric: euclidean"):
        metric.check("cats", Request("gramian", metric="adam"))
