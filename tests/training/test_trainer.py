"""Decisions of the loop, with validation scores given by the test."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from catscale.balancing import METHODS, TaskBalancer
from catscale.balancing.methods.cats import CATS
from catscale.balancing.methods.fixed import Fixed
from catscale.data.batching import make_batch
from catscale.data.direction import Direction
from catscale.distributed.processes import Processes
from catscale.errors import ConfigError, DivergedError
from catscale.model.contract import TranslationModel
from catscale.model.likelihood import Objective, batch_losses
from catscale.model.m2m100 import M2M100
from catscale.optimisation.adamw import AdamW
from catscale.optimisation.flat import FMTL
from catscale.optimisation.lagrangian import Lagrangian
from catscale.optimisation.samo import SAMO
from catscale.optimisation.table import DEFAULT
from catscale.sampling import Sampler, TemperatureSampling
from catscale.training import validation
from catscale.training.config import TrainingConfig
from catscale.training.precision import choose_precision
from catscale.training.records.metrics_file import read_metrics
from catscale.training.setup import TrainingSetup
from catscale.training.trainer import Trainer
from tests.unchecked import unchecked

VOCABULARY: Any = SimpleNamespace(
    size=40, bos_id=0, pad_id=1, eos_id=2, tag=lambda language: 38, save=lambda folder: None
)
AZ, FR = Direction("en", "az"), Direction("en", "fr")


class FixedStream:
    """The same sub-batches every step: one of az, two of fr."""

    sampler = Sampler(TemperatureSampling(), {"en-az": 1, "en-fr": 2})
    vocabulary = VOCABULARY

    def __init__(self) -> None:
        sources = [[5, 6], [7, 8, 9], [10]]
        self.batches = {
            "en-az": [make_batch(sources[:1], [[11, 12, 13, 14]], VOCABULARY, AZ)],
            "en-fr": [
                make_batch(sources[1:2], [[15]], VOCABULARY, FR),
                make_batch(sources[2:], [[16]], VOCABULARY, FR),
            ],
        }

    def take(self, step: int) -> dict:
        return self.batches

    def epochs(self, task: str) -> float:
        return 0.5

    def token_shares(self, step: int) -> Any:
        return np.array([1, 2]) / 3

    def state_dict(self) -> dict:
        return {}

    def load_state_dict(self, state: dict) -> None:
        pass


def make(tmp_path, method=None, confirm=None, optimizer=DEFAULT, **settings) -> Trainer:
    config = TrainingConfig(**{"device": "cpu", "precision": "fp32", "validate_every": 1, "log_every": 1, **settings})
    model = fresh_model()
    balancer = TaskBalancer(method or Fixed(), ["en-az", "en-fr"], model.parameters())
    setup = make_setup(config, model, balancer, FixedStream(), {AZ: None, FR: None}, tmp_path)
    return Trainer(replace(setup, confirm=confirm, optimizer=optimizer))


def fresh_model() -> TranslationModel:
    """The model before the first step."""
    sizes = M2M100(preset="tiny", encoder_layers=1, decoder_layers=1, width=16, heads=2, feed_forward=16, dropout=0)
    return sizes.build(VOCABULARY, (), 1)


def make_setup(config, model, balancer, stream, validation, folder) -> TrainingSetup:
    """The parts of a run on this process alone."""
    return TrainingSetup(
        config=config,
        optimizer=DEFAULT,
        model=model,
        objective=Objective(model),
        balancer=balancer,
        stream=stream,
        validation=validation,
        vocabulary=VOCABULARY,
        folder=folder,
        processes=Processes(device=model.device),
        precision=choose_precision(config, model.device, lambda: (1, 1)),
    )


def scores(monkeypatch, az: list[float], fr: list[float]) -> None:
    """The validation NLLs of the coming validations."""
    left = iter(zip(az, fr, strict=True))
    monkeypatch.setattr(
        validation, "measure_nll", lambda *arguments: dict(zip(("en-az", "en-fr"), next(left), strict=True))
    )


def test_patience_ends_training(tmp_path, monkeypatch):
    scores(monkeypatch, [5, 4, 4.5, 3, 3.5, 3.5, 3.2, 9], [5, 4, 4.5, 3, 3.5, 3.5, 3.2, 9])
    progress = make(tmp_path, max_steps=100, patience=3).fit()
    assert (progress.step, progress.best_step, progress.best, progress.stale) == (7, 4, 3, 3)
    scores(monkeypatch, [], [])
    again = make(tmp_path, max_steps=100, patience=3).fit()
    assert again.step == 7


@pytest.mark.parametrize(("select_by", "expected"), [("mean", 3), ("en-az", 1), ("en-fr", 2)])
def test_the_best_model_is_chosen_by_the_mean_or_a_direction(tmp_path, monkeypatch, select_by, expected):
    scores(monkeypatch, [1, 5, 2], [9, 4, 4.5])
    trainer = make(tmp_path, max_steps=3, select_by=select_by)
    saved = []
    monkeypatch.setattr(trainer.model, "save_best", lambda folder, tensors: saved.append(trainer.progress.step))
    assert trainer.fit().best_step == expected
    assert saved[-1] == expected
    assert [record["mean"] for record in read_metrics(tmp_path / "metrics.jsonl") if record["kind"] == "valid"] == [
        5, 4.5, 3.25
    ]  # fmt: skip


def test_a_validation_says_how_many_target_tokens_it_comes_after(tmp_path, monkeypatch):
    scores(monkeypatch, [1, 1], [1, 1])
    make(tmp_path, max_steps=2).fit()
    records = read_metrics(tmp_path / "metrics.jsonl")
    per_step = (4 + 1) + 2 * (1 + 1)  # the sentences of `FixedStream` and their ends
    valid = [record for record in records if record["kind"] == "valid"]
    assert [record["tokens"] for record in valid] == [per_step, 2 * per_step]
    assert [record["epochs"] for record in valid] == [{"en-az": 0.5, "en-fr": 0.5}] * 2  # as the stream says


def test_the_model_is_told_of_each_update(tmp_path, monkeypatch):
    scores(monkeypatch, [1, 1, 1], [1, 1, 1])
    trainer = make(tmp_path, max_steps=3)
    told = []
    monkeypatch.setattr(trainer.model, "at_step", lambda step, steps: told.append((step, steps)))
    trainer.fit()
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_an_unknown_direction_to_select_by(tmp_path):
    with pytest.raises(ConfigError, match=r"training\.select_by must be mean or one of .*found 'en-be'"):
        make(tmp_path, select_by="en-be")


def test_the_minutes_end_training_with_a_validation(tmp_path, monkeypatch):
    scores(monkeypatch, [1], [1])
    progress = make(tmp_path, max_minutes=1e-9, validate_every=1000).fit()
    assert (progress.step, progress.validated) == (1, 1)


def test_a_validation_that_is_not_finite(tmp_path, monkeypatch):
    scores(monkeypatch, [1, float("nan")], [1, 1])
    with pytest.raises(DivergedError, match=r"step 2: the validation nll is nan"):
        make(tmp_path, max_steps=5).fit()
    assert [p.name for p in (tmp_path / "checkpoints").iterdir()] == ["step-1"]


@pytest.mark.parametrize("losses", ["tokens", "tasks"])
def test_the_gradient_of_a_step(tmp_path, monkeypatch, losses):
    """A step's gradient is that of the tokens' mean, or of the sum of the tasks' means, and then clipped."""
    trainer = make(tmp_path, Fixed(losses=losses), None, AdamW(clip_norm=0.05, warmup_steps=0), label_smoothing=0.1)
    trainer.start()
    totals = {
        task: torch.stack([batch_losses(trainer.model, batch, 0.1)[0] for batch in parts]).sum()
        for task, parts in unchecked(trainer.stream).batches.items()
    }
    expected = (
        (totals["en-az"] + totals["en-fr"]) / 9 if losses == "tokens" else totals["en-az"] / 5 + totals["en-fr"] / 4
    )
    gradients = torch.autograd.grad(expected, trainer.parameters)
    norm = torch.stack([g.norm() for g in gradients]).norm()
    assert norm > 0.05
    seen: list[torch.Tensor] = []
    monkeypatch.setattr(trainer.optimizer, "step", lambda: seen.extend(p.grad.clone() for p in trainer.parameters))
    trainer.step()
    for found, exact in zip(seen, gradients, strict=True):
        torch.testing.assert_close(found, exact * 0.05 / norm, rtol=1e-3, atol=1e-7)
    assert trainer.progress.tokens == 9
    assert trainer.progress.window.tokens == {"en-az": 5, "en-fr": 4}
    assert trainer.progress.window.loss == pytest.approx(expected.item(), rel=1e-5)


def test_the_learning_rate_of_a_step_is_the_schedules(tmp_path, monkeypatch):
    trainer = make(tmp_path, optimizer=AdamW(learning_rate=0.1, warmup_steps=4))
    trainer.start()
    rates = []
    for _ in range(6):
        trainer.step()
        rates.append(trainer.optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([0.025, 0.05, 0.075, 0.1, 0.1 * (4 / 5) ** 0.5, 0.1 * (4 / 6) ** 0.5])


@pytest.mark.parametrize(
    ("optimizer", "method", "settings", "message"),
    [
        (
            FMTL(),
            None,
            {"low_memory": True},
            r"flat holds the whole gradients of single tasks, found training\.low_memory",
        ),
        (
            SAMO(),
            CATS(unbiased=True),
            {},
            r"samo holds the whole gradients of single tasks, found balancing\.method cats as it is set",
        ),
        (FMTL(), METHODS["modo"](), {}, r"found balancing\.method modo as it is set, which looks at halves of them"),
        (
            Lagrangian(),
            CATS(metric="adam"),
            {},
            r"lagrangian takes the price of a Euclidean curvature, found balancing\.metric: adam; set it to euclidean",
        ),
        (Lagrangian(), None, {}, r"lagrangian takes the price of curvature from the balancing method, found fixed"),
    ],
)
def test_an_optimiser_that_asks_for_what_no_step_gives_is_refused(tmp_path, optimizer, method, settings, message):
    with pytest.raises(ConfigError, match=message):
        make(tmp_path, method, optimizer=optimizer, **settings)


def test_an_optimiser_that_is_given_what_it_asks_for_is_not_refused(tmp_path):
    for optimizer, method in (
        (FMTL(), CATS()),
        (Lagrangian(), CATS()),
        (Lagrangian(multiplier=1.0), CATS(metric="adam")),
    ):
        make(tmp_path, method, optimizer=optimizer)
