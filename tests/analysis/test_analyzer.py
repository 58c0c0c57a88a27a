"""One record against dense Hessians and loops, on a translation model of a few hundred parameters in float64."""

import json
import math
import weakref
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from catscale.analysis import measurement
from catscale.analysis.analyzer import Analyzer, summarise_costs
from catscale.analysis.config import AnalysisConfig
from catscale.analysis.measurement import CURVATURE, GRADIENTS
from catscale.analysis.sample import TaskData
from catscale.errors import ConfigError
from catscale.landscape import hessian as hessian_module
from catscale.landscape.hessian import Hessian
from catscale.model.likelihood import batch_losses
from catscale.model.m2m100 import M2M100
from catscale.training.trainer import Trainer
from tests.training.test_rewards import AZ, BE, FR, VOCABULARY, RandomPairs
from tests.unchecked import unchecked

PAIRS: Any = {direction: RandomPairs(30, number) for number, direction in enumerate((AZ, BE, FR))}
RESOURCES = {"en-az": "low", "en-be": "low", "en-fr": "high"}
WEIGHTS = {"en-az": 0.5, "en-be": 0.0, "en-fr": 1.5}
EXACT = AnalysisConfig(tokens=30, gradient_tokens=40, steps=3, max_iterations=200, tolerance=1e-5, traces=20)


def make_model(layer_norm_parameters: bool = True, dtype: torch.dtype = torch.float64):
    sizes = M2M100(
        preset="tiny", encoder_layers=1, decoder_layers=1, width=4, heads=2, feed_forward=5,
        layer_norm_parameters=layer_norm_parameters,
    )  # fmt: skip
    return sizes.build(VOCABULARY, (), 1).to(dtype).eval()


def make_analyzer(config: AnalysisConfig, model=None) -> Analyzer:
    return Analyzer(config, model or make_model(), PAIRS, VOCABULARY, RESOURCES, seed=1)


def quiet(done: int, total: int, note: str) -> None:
    assert 0 < done <= total


def flat(tensors) -> torch.Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def differentiate(value, parameters: list, **options) -> torch.Tensor:
    found = torch.autograd.grad(value, parameters, materialize_grads=True, allow_unused=True, **options)
    return flat(found)


def dense_hessian(loss, parameters: list) -> torch.Tensor:
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        gradient = differentiate(loss(), parameters, create_graph=True)
    rows = torch.autograd.grad(
        gradient, parameters, torch.eye(len(gradient), dtype=gradient.dtype), is_grads_batched=True,
        materialize_grads=True, allow_unused=True,
    )  # fmt: skip
    return torch.cat([row.flatten(1) for row in rows], 1)


def loss_of(analyzer: Analyzer, sample):
    return lambda: sum(loss() for loss in sample.losses(analyzer.model))


@pytest.fixture(scope="module")
def measured() -> tuple[Analyzer, dict]:
    analyzer = make_analyzer(EXACT)
    return analyzer, analyzer.measure(7, WEIGHTS, quiet)


@pytest.fixture(scope="module")
def dense(measured) -> dict[str, torch.Tensor]:
    """The Hessian of each task on the record's batch."""
    analyzer, _ = measured
    parameters = list(analyzer.model.parameters())
    assert sum(p.numel() for p in parameters) < 1000
    samples = {task: data.draw(30, 32, [7, CURVATURE]) for task, data in analyzer.data.items()}
    return {task: dense_hessian(loss_of(analyzer, sample), parameters) for task, sample in samples.items()}


def largest(matrix: torch.Tensor) -> float:
    return max(torch.linalg.eigvalsh(matrix).tolist(), key=abs)


def assert_same_curvature(entry: dict, hessian: torch.Tensor, outside: float = 0.0) -> None:
    """Against the dense block; `outside`: the squares of the entries that couple it to other parameters."""
    assert entry["converged"]
    assert entry["lambda_max"] == pytest.approx(largest(hessian), rel=1e-6)
    assert entry["residual"] <= 2e-5
    off = hessian - hessian.diag().diag()
    deviation = math.sqrt((2 * off.square().sum().item() + outside) / EXACT.traces)
    assert abs(entry["trace"] - hessian.trace().item()) < 4 * deviation
    assert entry["trace_error"] < 3 * deviation  # of few samples of a skew distribution


def test_curvature_of_the_tasks(measured, dense):
    _, record = measured
    assert list(record["curvature"]) == ["en-az", "en-be", "en-fr"]
    for task, entry in record["curvature"].items():
        assert_same_curvature(entry, dense[task])
        assert "eigenvalues" not in entry


def test_curvature_of_the_total(measured, dense):
    _, record = measured
    total = sum(WEIGHTS[task] * hessian for task, hessian in dense.items())
    assert_same_curvature(record["total"], total)
    assert record["total"]["weights"] == WEIGHTS
    trace = sum(WEIGHTS[task] * entry["trace"] for task, entry in record["curvature"].items())
    assert record["total"]["trace"] == pytest.approx(trace)
    fisher = sum(WEIGHTS[task] * entry["fisher_trace"] for task, entry in record["curvature"].items())
    assert record["total"]["fisher_trace"] == pytest.approx(fisher)
    errors = [WEIGHTS[task] * entry["fisher_error"] for task, entry in record["curvature"].items()]
    assert record["total"]["fisher_error"] == pytest.approx(math.hypot(*errors))


def test_curvature_of_groups(measured, dense):
    """By Lanczos: a block's largest eigenvalues often come in pairs ±λ, between which power iteration swings."""
    config = EXACT.model_copy(update={"groups": True, "top": 2, "steps": 1, "directions": ["en-be"]})
    analyzer = make_analyzer(config)
    record = analyzer.measure(7, WEIGHTS, quiet)
    ends = np.cumsum([0, *(p.numel() for p in analyzer.model.parameters())])
    assert set(record["curvature_groups"]) == {"E.SA", "E.FC", "D.SA", "D.EA", "D.FC", "E.LN", "D.LN"}
    fisher = 0.0
    for group, entries in record["curvature_groups"].items():
        places = np.concatenate([np.arange(ends[number], ends[number + 1]) for number in analyzer.groups[group]])
        rows = dense["en-be"][places]
        outside = rows.square().sum() - rows[:, places].square().sum()
        assert_same_curvature(entries["en-be"], rows[:, places], outside.item())
        fisher += entries["en-be"]["fisher_trace"]
    assert 0 < fisher < record["curvature"]["en-be"]["fisher_trace"]  # the embeddings are in no group


def test_the_graphs_of_a_hessian_are_gone_when_sentences_are_measured(monkeypatch):
    held, squares = [], unchecked(measurement).sentence_squares

    class Watched(Hessian):
        def __init__(self, *arguments, **options) -> None:
            super().__init__(*arguments, **options)
            held.append(weakref.ref(self))

    def measure(*arguments) -> np.ndarray:
        assert [hessian for hessian in held if hessian() is not None] == []
        return squares(*arguments)

    monkeypatch.setattr(measurement, "Hessian", Watched)
    monkeypatch.setattr(hessian_module, "Hessian", Watched)  # of the blocks
    monkeypatch.setattr(measurement, "sentence_squares", measure)
    config = AnalysisConfig(tokens=10, gradient_tokens=10, groups=True, max_iterations=1, traces=1, total=False)
    make_analyzer(config).measure(3, WEIGHTS, quiet)
    assert len(held) == 3 * 8


def test_the_fisher_information(measured):
    analyzer, record = measured
    for task, data in analyzer.data.items():
        sample = data.draw(30, 32, [7, CURVATURE])
        assert len(sample.alone) == sample.size > 3
        total = 0.0
        for loss in sample.sentence_losses(analyzer.model):
            total += flat(torch.autograd.grad(loss(), list(analyzer.model.parameters()))).square().sum().item()
        assert record["curvature"][task]["fisher_trace"] == pytest.approx(total / sample.tokens)


def gradients(analyzer: Analyzer, step: int, number: int, parameters: list) -> list[np.ndarray]:
    samples = [data.draw(40, 0, [step, GRADIENTS, number]) for data in analyzer.data.values()]
    return [differentiate(loss_of(analyzer, sample)(), parameters).numpy() for sample in samples]


def test_similarity_norms_and_the_squared_gradient(measured):
    analyzer, record = measured
    every = list(analyzer.model.parameters())
    tasks, alpha = list(analyzer.data), np.array(list(WEIGHTS.values()))
    for group in ("all", "E.LN", "D.EA"):
        parameters = every if group == "all" else [every[number] for number in analyzer.groups[group]]
        steps = [gradients(analyzer, 7, number, parameters) for number in range(3)]
        for i, j in ((0, 1), (0, 2), (1, 2)):
            name = f"{tasks[i]}|{tasks[j]}"
            cosines = [g[i] @ g[j] / np.linalg.norm(g[i]) / np.linalg.norm(g[j]) for g in steps]
            norms = [(np.linalg.norm(g[i]), np.linalg.norm(g[j])) for g in steps]
            sizes = [2 * a * b / (a**2 + b**2) for a, b in norms]
            for measure, values in (("direction", cosines), ("magnitude", sizes)):
                assert record["similarity"][measure][group][name] == pytest.approx(np.mean(values), rel=1e-9)
                error = np.std(values, ddof=1) / np.sqrt(3)
                assert record["similarity_error"][measure][group][name] == pytest.approx(error, rel=1e-6)
    steps = [gradients(analyzer, 7, number, every) for number in range(3)]
    for i, task in enumerate(tasks):
        assert record["gradient_norms"][task] == pytest.approx(np.mean([np.linalg.norm(g[i]) for g in steps]))
        rows = np.stack([g[i] for g in steps])
        signal = (rows[0] @ rows[1] + rows[1] @ rows[2]) / 2
        noise = np.mean(np.sum(rows**2, 1)) - signal
        assert record["signal_to_noise"][task] == pytest.approx(signal / noise, rel=1e-9)
    squares = [np.sum((alpha @ np.stack(g)) ** 2) for g in steps]
    assert record["total"]["squared_gradient"] == pytest.approx(np.mean(squares))
    by_resource = record["similarity_by_resource"]["direction"]["all"]
    assert {kind: entry["pairs"] for kind, entry in by_resource.items()} == {
        "high-high": 0,
        "low-low": 1,
        "high-low": 2,
    }
    assert by_resource["high-high"]["mean"] is None


def test_several_eigenvalues(measured, dense):
    config = EXACT.model_copy(update={"top": 3, "traces": 0, "sentences": 0, "steps": 1})
    record = make_analyzer(config).measure(7, WEIGHTS, quiet)
    for task, entry in record["curvature"].items():
        spectrum = sorted(torch.linalg.eigvalsh(dense[task]).tolist(), key=abs, reverse=True)
        assert entry["eigenvalues"] == pytest.approx(spectrum[:3], rel=1e-6)
        assert entry["lambda_max"] == entry["eigenvalues"][0]
        assert entry["converged"]
    assert len(record["total"]["eigenvalues"]) == 3
    assert record["similarity_error"]["direction"]["all"]["en-az|en-be"] is None


def test_what_is_left_out_is_null():
    config = AnalysisConfig(tokens=10, gradient_tokens=10, steps=1, max_iterations=0, traces=0, sentences=0)
    analyzer = make_analyzer(config)
    record = analyzer.measure(3, None, quiet)
    empty = dict.fromkeys(
        ("lambda_max", "residual", "iterations", "converged", "trace", "trace_error", "fisher_trace", "fisher_error")
    )
    assert record["curvature"] == dict.fromkeys(WEIGHTS, empty)
    assert record["total"] is None
    assert record["signal_to_noise"] is None  # one batch does not tell
    assert record["curvature_groups"] is None
    lone = analyzer.measure(3, WEIGHTS, quiet)["total"]
    assert lone["squared_gradient"] > 0
    assert lone["lambda_max"] is None
    without = make_analyzer(config.model_copy(update={"max_iterations": 2, "total": False}))
    record = without.measure(3, WEIGHTS, quiet)
    assert record["total"]["lambda_max"] is None
    assert record["curvature"]["en-az"]["iterations"] == 2


def test_too_few_iterations_are_said():
    config = AnalysisConfig(tokens=10, gradient_tokens=10, steps=1, max_iterations=1, traces=1, sentences=1)
    entry = make_analyzer(config).measure(3, WEIGHTS, quiet)["curvature"]["en-az"]
    assert entry["converged"] is False
    assert entry["residual"] > config.tolerance
    assert entry["trace_error"] is None  # of one sample


def test_a_model_that_is_not_finite_gives_nulls():
    model = make_model()
    with torch.no_grad():
        model.network.model.shared.weight.fill_(math.nan)
    record = make_analyzer(AnalysisConfig(tokens=10, gradient_tokens=10), model).measure(3, WEIGHTS, quiet)
    json.dumps(record, allow_nan=False)
    entry = record["curvature"]["en-az"]
    assert entry["lambda_max"] is None
    assert entry["converged"] is False
    assert record["similarity"]["direction"]["all"]["en-az|en-be"] is None


@pytest.mark.parametrize("training", [True, False])
def test_nothing_moves(training):
    analyzer = make_analyzer(AnalysisConfig(tokens=10, gradient_tokens=10), make_model(dtype=torch.float32))
    analyzer.model.train(training)
    before = {name: value.clone() for name, value in analyzer.model.state_dict().items()}
    torch.manual_seed(5)
    np.random.seed(5)
    states = torch.get_rng_state(), unchecked(np.random.get_state())[1].tolist()
    record = analyzer.measure(3, WEIGHTS, quiet)
    assert torch.get_rng_state().equal(states[0])
    assert unchecked(np.random.get_state())[1].tolist() == states[1]
    assert analyzer.model.training is training
    assert all(p.grad is None and p.requires_grad for p in analyzer.model.parameters())
    assert all(value.equal(before[name]) for name, value in analyzer.model.state_dict().items())
    again = analyzer.measure(3, WEIGHTS, quiet)  # dropout is off
    assert {k: v for k, v in again.items() if k != "seconds"} == {k: v for k, v in record.items() if k != "seconds"}
    assert json.loads(json.dumps(record, allow_nan=False)) == record


def test_in_training_mode_even_where_an_error_is_raised():
    analyzer = make_analyzer(AnalysisConfig(tokens=10, gradient_tokens=10))
    analyzer.model.train()

    def fail(done: int, total: int, note: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        analyzer.measure(3, WEIGHTS, fail)
    assert analyzer.model.training


def test_progress_reaches_its_end():
    noted = []
    config = AnalysisConfig(tokens=10, gradient_tokens=10, steps=2, directions=["en-fr", "en-az", "en-fr"])
    record = make_analyzer(config).measure(3, WEIGHTS, lambda *told: noted.append(told))
    assert [(done, total) for done, total, _ in noted] == [(number, 7) for number in range(1, 8)]
    assert [note.split(":")[0] for *_, note in noted[-3:]] == [
        "curvature of en-fr", "curvature of en-az", "curvature of the total",
    ]  # fmt: skip
    assert list(record["total"]["weights"]) == ["en-fr", "en-az"]
    assert summarise_costs({"seconds": {"curvature": 1.25, "trace": 2.0}}) == "3.2 s: curvature 1.2, trace 2.0"


def test_frozen_layer_norms_have_no_group():
    analyzer = make_analyzer(AnalysisConfig(tokens=10, gradient_tokens=10), make_model(layer_norm_parameters=False))
    assert set(analyzer.groups) == {"E.SA", "E.FC", "D.SA", "D.EA", "D.FC"}
    assert set(analyzer.measure(3, WEIGHTS, quiet)["similarity"]["direction"]) == {"all", *analyzer.groups}


def test_directions_without_data():
    with pytest.raises(
        ConfigError, match=r"analysis\.directions: no dev data of en-xx; there are those of en-az, en-b"
    ):
        make_analyzer(AnalysisConfig(split="dev", directions=["en-az", "en-xx"]))


def test_more_eigenvalues_than_a_group_has_parameters():
    smallest = min(sum(p.numel() for p in members) for members in make_model().module_groups().values())
    make_analyzer(AnalysisConfig(groups=True, top=smallest - 1))
    with pytest.raises(ConfigError, match=rf"of the smallest group, {smallest}, found {smallest}; lower it"):
        make_analyzer(AnalysisConfig(groups=True, top=smallest))


def test_more_eigenvalues_than_parameters_are_refused_before_a_run_starts():
    size = sum(p.numel() for p in make_model().parameters())
    with pytest.raises(
        ConfigError, match=rf"analysis\.top must be below the number of parameters, {size}, found {size}"
    ):
        make_analyzer(AnalysisConfig(top=size))


def test_a_sharded_model_is_refused(tmp_path, monkeypatch):
    from catscale.sampling import MultiDDS
    from tests.training.test_rewards import make_trainer

    trainer = make_trainer(tmp_path, MultiDDS())
    monkeypatch.setattr("catscale.training.setup.is_sharded", lambda model: True)
    trainer.stream.sampler.method = unchecked(trainer.stream.sampler.method).model_copy(update={"interval": 10})
    monkeypatch.setattr(type(trainer.stream.sampler), "request", None)
    analyzer = make_analyzer(AnalysisConfig(every=2))
    with pytest.raises(ConfigError, match=r"analysis\.every measures whole gradients, and training\.sharded splits"):
        Trainer(replace(trainer.setup, analyzer=analyzer))


class TestSample:
    data = TaskData(AZ, unchecked(RandomPairs(200, 3)), VOCABULARY, seed=4)

    def test_as_few_sentences_as_reach_the_tokens(self):
        for tokens in (1, 20, 100, 400):
            sample = self.data.draw(tokens, 0, [1])
            assert sample.tokens == sum(part.tokens for part in sample.parts)
            assert sample.size == sum(len(part.labels) for part in sample.parts)
            assert tokens <= sample.tokens < tokens + 9  # the longest sentence has 8

    def test_sentences_alone_are_among_them(self):
        sample = self.data.draw(60, 5, [1])
        assert [len(batch.labels) for batch in sample.alone] == [1] * 5

        def words(batch, row: int) -> tuple:
            return tuple(i for i in batch.input_ids[row].tolist() if i != 1), tuple(
                i for i in batch.labels[row].tolist() if i != -100
            )

        inside = [words(part, row) for part in sample.parts for row in range(len(part.labels))]
        assert all(words(batch, 0) in inside for batch in sample.alone)
        assert len(self.data.draw(60, 1000, [1]).alone) == sample.size

    def test_the_losses_add_up_to_the_mean_per_token(self):
        model, sample = make_model(), self.data.draw(300, 2, [1])
        assert len(sample.parts) > 1
        nll = [batch_losses(model, part, 0.0)[1].item() for part in sample.parts]
        total = sum(loss().item() for loss in sample.losses(model))
        assert total == pytest.approx(sum(nll) / sample.tokens)
        alone = [loss().item() for loss in sample.sentence_losses(model)]
        assert alone == pytest.approx([batch_losses(model, batch, 0.0)[1].item() for batch in sample.alone])

    def test_all_of_a_small_task(self):
        sample = TaskData(AZ, unchecked(RandomPairs(7, 3)), VOCABULARY, seed=4).draw(10_000, 0, [1])
        assert sample.size == 7

    def test_seed_direction_and_numbers_decide(self):
        def ids(data: TaskData, *numbers: int) -> list:
            return [part.input_ids.tolist() for part in data.draw(60, 0, numbers).parts]

        first = ids(self.data, 3, 1)
        assert ids(TaskData(AZ, unchecked(RandomPairs(200, 3)), VOCABULARY, 4), 3, 1) == first
        assert ids(self.data, 3, 2) != first
        assert ids(TaskData(AZ, self.data.pairs, VOCABULARY, 5), 3, 1) != first
        assert self.data.rng(1).random() != TaskData(BE, self.data.pairs, VOCABULARY, 4).rng(1).random()
