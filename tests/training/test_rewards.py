"""Rewards from gradients, and which data they are measured on."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from catscale.balancing import TaskBalancer
from catscale.balancing.methods.fixed import Fixed
from catscale.data.direction import Direction
from catscale.errors import DivergedError
from catscale.model.likelihood import batch_losses
from catscale.model.m2m100 import M2M100
from catscale.sampling import CATSSampling, MultiDDS, OwnGap, PiKE, RewardRequest, Sampler
from catscale.sampling.contract import Sampling
from catscale.training import rewards as module
from catscale.training.config import TrainingConfig
from catscale.training.gradient_rewards import (
    measure_alignment,
    measure_moments,
    measure_own_gaps,
    measure_products,
    measure_requested,
    measure_rewards,
)
from catscale.training.records.metrics_file import read_metrics
from catscale.training.rewards import RewardMeter
from catscale.training.stream import MixtureStream
from catscale.training.trainer import Trainer
from tests.run.corpus import RandomPairs as PairsInMemory
from tests.training.test_trainer import make_setup
from tests.unchecked import unchecked

MOMENTS = RewardRequest(1, "moments")
EACH, MEAN = RewardRequest(1, "each"), RewardRequest(1, "mean")
VOCABULARY: Any = SimpleNamespace(
    size=40, bos_id=0, pad_id=1, eos_id=2, tag=lambda language: 38, save=lambda folder: None
)
AZ, BE, FR = (Direction("en", language) for language in ("az", "be", "fr"))


class RandomPairs(PairsInMemory):
    """Token pairs of two to seven pieces on either side."""

    def __init__(self, count: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        super().__init__(*[[rng.integers(4, 37, rng.integers(2, 8)) for _ in range(count)] for _ in range(2)])


def linear(theta: torch.nn.Parameter, *slope: float):
    """A loss whose gradient is the slope."""
    return lambda: theta @ torch.tensor(slope, dtype=torch.float32)


def test_known_answers():
    theta = torch.nn.Parameter(torch.zeros(2))
    train = {"a": linear(theta, 1, 0), "b": linear(theta, 0, 3), "c": linear(theta, 2, 2), "d": linear(theta, 0, 0)}
    valid = {"a": linear(theta, 5, 0), "b": linear(theta, -1, 0), "c": linear(theta, 0, 7)}
    half = math.sqrt(0.5)
    assert measure_rewards(EACH, train, valid, [theta]) == pytest.approx(
        {"a": 0, "b": 1 / 3, "c": half / 3, "d": 0}, abs=1e-7
    )
    norm = math.sqrt(4**2 + 7**2)  # of the sum (4, 7)
    assert measure_rewards(MEAN, train, valid, [theta]) == pytest.approx(
        {"a": 4 / norm, "b": 7 / norm, "c": 11 * half / norm, "d": 0}, abs=1e-7
    )
    assert theta.grad is None


def test_parameters_that_a_loss_does_not_reach():
    one, two, unused = (torch.nn.Parameter(torch.ones(1)) for _ in range(3))
    train = {"a": lambda: one.sum(), "b": lambda: (one + two).sum()}
    valid = {"a": lambda: two.sum(), "b": lambda: one.sum()}
    parameters = [one, two, unused]
    assert measure_rewards(EACH, train, valid, parameters) == pytest.approx({"a": 0.5, "b": math.sqrt(0.5)})
    assert measure_rewards(MEAN, train, valid, parameters) == pytest.approx({"a": math.sqrt(0.5), "b": 1})


@pytest.mark.parametrize("request_", [EACH, MEAN])
@pytest.mark.parametrize("kind", ["training", "validation"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_gradient_that_is_not_finite_names_its_task(request_, kind, value):
    theta = torch.nn.Parameter(torch.zeros(2))
    good = {"a": linear(theta, 1, 0), "b": linear(theta, 0, 1)}
    bad = good | {"b": linear(theta, 0, value)}
    train, valid = (bad, good) if kind == "training" else (good, bad)
    with pytest.raises(DivergedError, match=f"the {kind} gradient of task 'b', measured for the sampler, must be fin"):
        measure_rewards(request_, train, valid, [theta])


def test_moments_by_hand():
    """g^a = (1, 2), g^b = (3, −1): ⟨g^a, g^b⟩ = 1 and ½ ‖(−2, 3)‖² = 6½."""
    theta = torch.nn.Parameter(torch.zeros(2))
    halves = {"a": (linear(theta, 1, 2), linear(theta, 3, -1)), "b": (linear(theta, 2, 0), linear(theta, 2, 0))}
    assert measure_moments(halves, [theta]) == {"a": (1, 6.5), "b": (4, 0)}
    with pytest.raises(DivergedError, match="the sampled gradient of task 'b', measured for the sampler, must be fini"):
        measure_moments({"b": (linear(theta, 1, 0), linear(theta, 0, math.inf))}, [theta])


def test_own_gaps_by_hand():
    """g = (1, 2), d = (3, 1) and (5, −1), P = (4, 1): ½ (3/4 + 2 + 5/4 − 2) = 1 and 15/4 − 1 = 2¾."""
    theta = torch.nn.Parameter(torch.zeros(2))
    halves = {"a": (linear(theta, 3, 1), linear(theta, 5, -1))}
    train = {"a": linear(theta, 1, 2), "b": linear(theta, 9, 9)}
    scale = torch.tensor([0.5, 1.0])
    assert measure_own_gaps(train, halves, [theta], [scale]) == {"a": (1, 2.75)}
    assert measure_own_gaps(train, halves, [theta], []) == {"a": (4, 14)}
    for kind, bad in (("training", {"a": linear(theta, math.nan, 0)}), ("validation", train)):
        ruined = halves if kind == "training" else {"a": (linear(theta, 1, 1), linear(theta, math.inf, 0))}
        with pytest.raises(DivergedError, match=f"the {kind} gradient of task 'a', measured for the sampler, must be"):
            measure_own_gaps(bad, ruined, [theta], [])


def test_own_gaps_are_unbiased():
    """Over all triples of a small population: ⟨μ_g, μ_d⟩ and ‖μ_d‖², whatever the noise."""
    theta = torch.nn.Parameter(torch.zeros(2))
    slopes, dev = [(1.0, 0.0), (3.0, 4.0)], [(2.0, 1.0), (-1.0, 2.0), (5.0, 0.0)]
    found = [
        measure_own_gaps({"a": linear(theta, *g)}, {"a": (linear(theta, *a), linear(theta, *b))}, [theta], [])["a"]
        for g in slopes
        for a in dev
        for b in dev
    ]
    train_mean, dev_mean = (torch.tensor(rows, dtype=torch.float64).mean(0) for rows in (slopes, dev))
    own, square = torch.tensor(found, dtype=torch.float64).mean(0).tolist()
    assert own == pytest.approx(float(train_mean @ dev_mean))
    assert square == pytest.approx(float(dev_mean @ dev_mean))


def test_alignment_by_hand():
    """g = (1, 0), (0, 3), (2, 2): products with the others' sum 2, 6 and 8, mean norm (1 + 3 + √8) / 3."""
    theta = torch.nn.Parameter(torch.zeros(2))
    losses = {"a": linear(theta, 1, 0), "b": linear(theta, 0, 3), "c": linear(theta, 2, 2)}
    norm = (4 + math.sqrt(8)) / 3
    found = measure_requested(RewardRequest(1, "others"), losses, {}, [1, 0, 0], [theta])
    assert found == pytest.approx({"a": 2 / norm, "b": 6 / norm, "c": 8 / norm})
    assert measure_alignment(dict.fromkeys("ab", linear(theta, 0, 0)), [theta]) == {"a": 0, "b": 0}
    with pytest.raises(DivergedError, match="the sampled gradient of task 'a', measured for the sampler, must be fini"):
        measure_alignment({"a": linear(theta, math.nan, 0)}, [theta])


def test_a_run_s_uncertainty_is_the_entropy_of_its_predictions_on_dev(tmp_path, monkeypatch):
    method = MultiDDS(reward="uncertainty", interval=2)
    trainer = make_trainer(tmp_path, method)
    noted: dict[Any, Any] = {}
    real = unchecked(module).collate
    monkeypatch.setattr(module, "collate", lambda *a: noted.setdefault(a[3], real(*a)))
    found = trainer.rewards.measure(method.request, 3)
    assert list(found) == ["en-az", "en-fr"] == [str(direction) for direction in noted]
    trainer.model.eval()
    for direction, batch in noted.items():
        logits = trainer.model.predict(batch).logits.double()
        p = torch.exp(logits) / torch.exp(logits).sum(1, keepdim=True)
        assert found[str(direction)] == pytest.approx(-(p * p.log()).sum(1).mean().item(), rel=1e-5)
    trainer.start()
    for _ in range(2):
        trainer.step()
    (record,) = [r for r in read_metrics(tmp_path / "metrics.jsonl") if r["kind"] == "sample"]
    assert record["rewards"].keys() == {"en-az", "en-fr"}


def test_moments_are_unbiased():
    """Over all pairs of halves of a small population, means are the squared norm and the variance."""
    theta = torch.nn.Parameter(torch.zeros(2))
    slopes = [(1.0, 0.0), (3.0, 1.0), (-2.0, 2.0)]
    expected = torch.tensor(slopes, dtype=torch.float64).mean(0)
    variance = (torch.tensor(slopes, dtype=torch.float64) - expected).square().sum(1).mean()
    pairs = [(one, two) for one in slopes for two in slopes]  # independent draws
    found = [measure_moments({"a": (linear(theta, *a), linear(theta, *b))}, [theta])["a"] for a, b in pairs]
    squares, variances = torch.tensor(found, dtype=torch.float64).mean(0)
    assert squares.item() == pytest.approx((expected @ expected).item())
    assert variances.item() == pytest.approx(variance.item())


def test_one_graph_at_a_time():
    theta = torch.nn.Parameter(torch.zeros(2))
    order: list[str] = []

    def noted(name: str):
        return lambda: (order.append(name), linear(theta, 1, 2)())[1]

    train, valid = ({t: noted(f"{split} {t}") for t in "ab"} for split in ("train", "valid"))
    measure_rewards(EACH, train, valid, [theta])
    assert order == ["valid a", "valid b", "train a", "train b"]  # N + M passes


def make_stream(sizes: dict[Direction, int], method: Sampling) -> MixtureStream:
    tasks: Any = {direction: RandomPairs(size, number) for number, (direction, size) in enumerate(sizes.items())}
    sampler = Sampler(method, {str(direction): size for direction, size in sizes.items()})
    return MixtureStream(tasks, sampler, VOCABULARY, sub_batches=2, max_tokens=32, seed=1)


def make_trainer(folder, method: Sampling, dropout: float = 0.1, **settings) -> Trainer:
    config = TrainingConfig(
        **{"device": "cpu", "precision": "fp32", "batch_tokens": 64, "sub_batch_tokens": 32, **settings}
    )
    sizes = M2M100(
        preset="tiny", encoder_layers=1, decoder_layers=1, width=16, heads=2, feed_forward=16, dropout=dropout
    )
    model = sizes.build(VOCABULARY, (), 1)
    stream = make_stream({AZ: 30, BE: 40, FR: 200}, method)
    balancer = TaskBalancer(Fixed(), ["en-az", "en-be", "en-fr"], model.parameters())
    validation = {AZ: RandomPairs(25, 10), FR: RandomPairs(25, 11)}
    folder.mkdir(exist_ok=True)
    return Trainer(make_setup(config, model, balancer, stream, validation, folder))


@pytest.mark.parametrize("stabilised", [True, False])
def test_a_run_s_rewards_are_cosines_of_its_gradients(tmp_path, monkeypatch, stabilised):
    """The batches are noted where they are made; gradients are computed again in one float64 vector each."""
    method = MultiDDS(stabilised=stabilised, interval=3)
    trainer = make_trainer(tmp_path, method, label_smoothing=0.1)
    trainer.start()
    for _ in range(3):
        trainer.step()
    noted = []
    real = unchecked(module).collate
    monkeypatch.setattr(module, "collate", lambda *a: noted.append(real(*a)) or noted[-1])
    found = trainer.rewards.measure(method.request, 3)
    assert len(noted) == 5
    assert trainer.model.training
    trainer.model.eval()
    vectors = []
    for batch in noted:
        loss = batch_losses(trainer.model, batch, 0.1)[0] / batch.tokens
        parts = torch.autograd.grad(loss, trainer.parameters)
        vectors.append(torch.cat([part.double().reshape(-1) for part in parts]))
    valid, train = vectors[:2], vectors[2:]
    others = valid if stabilised else [valid[0] + valid[1]]
    for task, g in zip(("en-az", "en-be", "en-fr"), train, strict=True):
        expected = sum(torch.cosine_similarity(g, d, dim=0).item() for d in others) / len(others)
        assert found[task] == pytest.approx(expected, abs=1e-5)
        assert expected != 0
    (record,) = [r for r in read_metrics(tmp_path / "metrics.jsonl") if r["kind"] == "sample"]
    assert record["step"] == 3
    assert record["rewards"] == pytest.approx(found, abs=1e-6)
    assert list(record["probabilities"].values()) == pytest.approx(trainer.stream.sampler.probabilities(4))
    start = Sampler(method, {"en-az": 30, "en-be": 40, "en-fr": 200})
    start.update(found)
    assert start.probabilities(4) == pytest.approx(trainer.stream.sampler.probabilities(4))


def flat_gradient(trainer: Trainer, batch: Any) -> torch.Tensor:
    loss = batch_losses(trainer.model, batch, 0.1)[0] / batch.tokens
    return torch.cat([part.double().reshape(-1) for part in torch.autograd.grad(loss, trainer.parameters)])


def test_a_run_s_moments_are_those_of_halves_of_one_sub_batch(tmp_path, monkeypatch):
    """A task of one sentence has the same half twice."""
    trainer = make_trainer(tmp_path, PiKE(interval=2), label_smoothing=0.1)
    trainer.stream.streams[1].pairs = unchecked(RandomPairs(1, 5))
    noted: dict[Any, list] = {direction: [] for direction in (AZ, BE, FR)}
    real = unchecked(module).collate

    def note(pairs: Any, indices: Any, *rest: Any) -> Any:
        noted[rest[1]].append((indices, real(pairs, indices, *rest)))
        return noted[rest[1]][-1][1]

    monkeypatch.setattr(module, "collate", note)
    found = trainer.rewards.measure(MOMENTS, 3)
    trainer.model.eval()
    for stream in trainer.stream.streams:
        (one, first), (two, second) = noted[stream.direction]
        is_alone = stream.direction == BE
        assert any([*one, *two] == list(batch) * (1 + is_alone) for batch in stream.plan)
        a, b = (flat_gradient(trainer, batch) for batch in (first, second))
        square, variance = unchecked(found)[str(stream.direction)]
        assert square == pytest.approx((a @ b).item(), rel=1e-4, abs=1e-7)
        assert variance == pytest.approx((a - b).square().sum().item() / 2, rel=1e-3, abs=1e-7)
    assert trainer.rewards.measure(MOMENTS, 3) == found
    assert trainer.rewards.measure(MOMENTS, 4) != found


def test_a_run_moves_by_moments_and_records_them(tmp_path):
    trainer = make_trainer(tmp_path, PiKE(interval=2))
    trainer.start()
    for _ in range(3):
        trainer.step()
    (record,) = [r for r in read_metrics(tmp_path / "metrics.jsonl") if r["kind"] == "sample"]
    assert record["step"] == 2
    assert record["rewards"].keys() == record["variances"].keys() == {"en-az", "en-be", "en-fr"}
    assert min(record["variances"].values()) > 0
    start = Sampler(PiKE(interval=2), {"en-az": 30, "en-be": 40, "en-fr": 200})
    start.update({task: (record["rewards"][task], record["variances"][task]) for task in start.tasks})
    assert start.probabilities(3) == pytest.approx(trainer.stream.sampler.probabilities(3))


def test_a_run_s_own_gaps_are_in_the_optimiser_s_metric(tmp_path, monkeypatch):
    """Every gradient and second moment again, in float64; a task without a dev split has none."""
    method = OwnGap(interval=3)
    trainer = make_trainer(tmp_path, method, label_smoothing=0.1)
    trainer.start()
    for _ in range(3):
        trainer.step()
    noted: dict[Any, list] = {direction: [] for direction in (AZ, FR)}
    real = unchecked(module).collate

    def note(pairs: Any, indices: Any, *rest: Any) -> Any:
        noted[rest[1]].append(real(pairs, indices, *rest))
        return noted[rest[1]][-1]

    monkeypatch.setattr(module, "collate", note)
    found = trainer.rewards.measure(method.request, 3)
    assert list(found) == trainer.rewards.list_tasks(method.request) == ["en-az", "en-fr"]
    assert trainer.model.training
    trainer.model.eval()
    states = [trainer.optimizer.state[parameter] for parameter in trainer.parameters]
    second = torch.cat([s["exp_avg_sq"].double().reshape(-1) / (1 - 0.98 ** float(s["step"])) for s in states])
    roots = (second + 1e-4 * second.mean()).sqrt()
    for direction, batches in noted.items():
        g, a, b = (flat_gradient(trainer, batch) for batch in batches)
        own, square = unchecked(found)[str(direction)]
        size = math.sqrt(float((g / roots @ g) * (a / roots @ a)))
        assert own == pytest.approx((g / roots @ (a + b) / 2).item(), abs=1e-4 * size)
        assert square == pytest.approx((a / roots @ b).item(), abs=1e-4 * size)
    (record,) = [r for r in read_metrics(tmp_path / "metrics.jsonl") if r["kind"] == "sample"]
    assert record["rewards"].keys() == record["dev_squares"].keys() == {"en-az", "en-fr"}
    assert record["rewards"] == pytest.approx({task: pair[0] for task, pair in unchecked(found).items()}, rel=1e-3)
    state = trainer.stream.sampler.state
    assert unchecked(state).products[1].isnan().all()


def test_measuring_moves_nothing(tmp_path):
    """With a learning rate of almost nothing, a sampler that measures gives the run of one that does not."""
    runs = []
    for number, interval in enumerate((1, 1000)):
        trainer = make_trainer(tmp_path / str(number), MultiDDS(interval=interval, learning_rate=1e-300))
        trainer.start()
        for _ in range(4):
            trainer.step()
        runs.append((trainer.stream.state_dict(), [p.detach().clone() for p in trainer.parameters]))
        assert all(p.grad is None for p in trainer.parameters)
    assert runs[0][0] == runs[1][0]
    assert all(a.equal(b) for a, b in zip(runs[0][1], runs[1][1], strict=True))


def test_the_data_change_with_step_seed_and_split(tmp_path, monkeypatch):
    chosen = []
    monkeypatch.setattr(
        module, "collate", lambda pairs, indices, *rest: chosen.append(tuple(indices)) or real(pairs, indices, *rest)
    )
    from catscale.data.batching import collate as real

    def batches(seed: int, step: int) -> list[tuple]:
        chosen.clear()
        trainer = make_trainer(tmp_path, MultiDDS(), seed=seed)
        trainer.rewards.measure(EACH, step)
        return list(chosen)

    first = batches(1, 5)
    assert batches(1, 5) == first
    assert batches(1, 6) != first
    assert batches(2, 5) != first
    assert all(len(set(batch)) == len(batch) for batch in first)


def test_a_run_that_diverges_names_step_and_task(tmp_path, monkeypatch):
    trainer = make_trainer(tmp_path, MultiDDS(interval=2))
    trainer.start()
    trainer.step()
    real = trainer.optimizer.step

    def ruin() -> None:
        real()
        with torch.no_grad():
            trainer.parameters[0].fill_(float("nan"))

    monkeypatch.setattr(trainer.optimizer, "step", ruin)
    with pytest.raises(DivergedError, match=r"step 2: the validation gradient of task 'en-az'.*checkpoint is kept"):
        trainer.step()
    assert trainer.model.training


def test_a_meter_of_its_own(tmp_path):
    """The meter needs no trainer: the parameters may be a part of the model's."""
    trainer = make_trainer(tmp_path, MultiDDS())
    part = trainer.parameters[-2:]
    meter = RewardMeter(trainer.setup, part)
    one, two = meter.measure(MEAN, 1), trainer.rewards.measure(MEAN, 1)
    assert one.keys() == two.keys() == {"en-az", "en-be", "en-fr"}
    assert one != two


def test_relative_products_by_hand():
    """g = (1, 0), (0, 3), (2, 2) with shares ½, ¼, ¼: c = (1, 1¼), ‖c‖² = 41/16."""
    theta = torch.nn.Parameter(torch.zeros(2))
    losses = {"a": linear(theta, 1, 0), "b": linear(theta, 0, 3), "c": linear(theta, 2, 2)}
    found = measure_products(losses, [0.5, 0.25, 0.25], [theta])
    assert found == pytest.approx({"a": 16 / 41, "b": 60 / 41, "c": 72 / 41})
    zero = dict.fromkeys("ab", linear(theta, 0, 0))
    assert measure_products(zero, [0.5, 0.5], [theta]) == {"a": 0, "b": 0}
    opposed = {"a": linear(theta, 2, 0), "b": linear(theta, -1, 0)}  # c = (½, 0), and 5/4 were they orthogonal
    assert measure_products(opposed, [0.5, 0.5], [theta]) == pytest.approx({"a": 4 / 5, "b": -2 / 5})
    unit = {"a": linear(theta, 2, 0), "b": linear(theta, 0, 5)}
    assert measure_products(unit, [0.8, 0.2], [theta], unit_length=True) == pytest.approx(
        {"a": 0.8 / 0.68, "b": 0.2 / 0.68}
    )
    assert measure_products(zero, [0.5, 0.5], [theta], unit_length=True) == {"a": 0, "b": 0}
    with pytest.raises(DivergedError, match="the sampled gradient of task 'b', measured for the sampler, must be fini"):
        measure_products({"a": linear(theta, 1, 0), "b": linear(theta, 0, math.nan)}, [0.5, 0.5], [theta])


@pytest.mark.parametrize("unit_length", [False, True])
@pytest.mark.parametrize("split", ["train", "dev"])
def test_a_run_s_relative_products_are_those_of_its_mixture(tmp_path, monkeypatch, split, unit_length):
    """Gradients again in one float64 vector each; of dev batches where the task has a dev split, and that is asked."""
    method = CATSSampling(interval=3, learning_rate=0.1, split=split, floor=0.01, unit_length=unit_length)
    trainer = make_trainer(tmp_path, method, label_smoothing=0.1)
    trainer.start()
    for _ in range(3):
        trainer.step()
    noted: dict[Any, Any] = {}
    real = unchecked(module).collate
    monkeypatch.setattr(module, "collate", lambda *a: noted.setdefault(a[3], (a[0], real(*a)))[1])
    found = trainer.rewards.measure(trainer.stream.sampler.request, 3)
    train = {stream.direction: stream.pairs for stream in trainer.stream.streams}
    valid = trainer.rewards.validation if split == "dev" else {}
    assert {d: pairs for d, (pairs, _) in noted.items()} == {**train, **valid}
    trainer.model.eval()
    rows = []
    for _, batch in noted.values():
        loss = batch_losses(trainer.model, batch, 0.1)[0] / batch.tokens
        parts = torch.autograd.grad(loss, trainer.parameters)
        row = torch.cat([part.double().reshape(-1) for part in parts])
        rows.append(row / row.norm() if unit_length else row)
    shares = trainer.stream.token_shares(3)
    c = sum(share * row for share, row in zip(shares, rows, strict=True))
    assert list(found) == ["en-az", "en-be", "en-fr"] == [str(direction) for direction in noted]
    for value, row in zip(found.values(), rows, strict=True):
        unit = max(c @ c, sum(share**2 * (r @ r) for share, r in zip(shares, rows, strict=True)))
        assert value == pytest.approx((row @ c / unit).item(), rel=1e-4)
