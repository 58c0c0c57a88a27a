"""Dropout by repetition: the formula, where it is set and for how long, and what a run does with it."""

import math
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from catscale.errors import ConfigError
from catscale.model.m2m100 import M2M100
from catscale.sampling import TemperatureSampling
from catscale.training.config import TrainingConfig
from catscale.training.records.metrics_file import read_metrics
from catscale.training.repeated_dropout import DropoutByTask, find_dropouts
from catscale.training.repetition import RepeatedDropout
from tests.training.test_rewards import VOCABULARY, make_trainer
from tests.training.test_trainer import make
from tests.unchecked import unchecked


@pytest.mark.parametrize(
    ("epochs", "share"),
    [(0, 0.1), (2, 0.1), (7, 0.1 + 0.4 * (1 - math.exp(-1))), (12, 0.1 + 0.4 * (1 - math.exp(-2))), (1e9, 0.5)],
)
def test_known_answers(epochs: float, share: float) -> None:
    settings = RepeatedDropout(most=0.5, after_epochs=2, over_epochs=5)
    assert settings.share(0.1, epochs) == pytest.approx(share, rel=1e-12)


def test_it_rises_and_stays_below_the_most() -> None:
    settings = RepeatedDropout(most=0.6, after_epochs=0, over_epochs=3)
    shares = [settings.share(0.3, epochs / 4) for epochs in range(60)]
    assert shares[0] == 0.3
    assert all(a < b < 0.6 for a, b in pairwise(shares))


def make_model(dropout: float = 0.1) -> Any:
    sizes = M2M100(
        preset="tiny", encoder_layers=2, decoder_layers=1, width=16, heads=2, feed_forward=16, dropout=dropout,
        attention_dropout=0.2, activation_dropout=0.25,
    )  # fmt: skip
    return sizes.build(VOCABULARY, (), 1)


def epochs_of(**epochs: float) -> Any:
    found = {f"en-{language}": value for language, value in epochs.items()}
    return SimpleNamespace(epochs=found.__getitem__, sampler=SimpleNamespace(tasks=list(found)))


def test_embeddings_and_sub_layers_are_set_and_no_other_dropout() -> None:
    model = make_model()
    places = find_dropouts(model)
    assert len(places) == 2 + 2 + 1  # both sides and their layers
    dropout = DropoutByTask(RepeatedDropout(most=0.5), model, epochs_of(az=0, fr=0))
    others = [m for m in model.modules() if isinstance(getattr(m, "dropout", None), float) and m not in places]
    with dropout.at(0.45):
        assert {place.dropout for place in places} == {0.45}
        assert {other.dropout for other in others} == {0.2}
        assert {place.activation_dropout for place in places if hasattr(place, "activation_dropout")} == {0.25}
    assert {place.dropout for place in places} == {0.1}
    with pytest.raises(RuntimeError), dropout.at(0.45):
        raise RuntimeError
    assert {place.dropout for place in places} == {0.1}


def test_a_task_s_share_follows_its_own_epochs() -> None:
    settings = RepeatedDropout(most=0.5, after_epochs=1, over_epochs=4)
    dropout = DropoutByTask(settings, make_model(), epochs_of(az=9, fr=0.5))
    assert dropout.describe() == {"en-az": pytest.approx(0.1 + 0.4 * (1 - math.exp(-2))), "en-fr": 0.1}


def test_a_model_without_such_layers_and_less_than_its_dropout_are_refused() -> None:
    with pytest.raises(ConfigError, match="sets the dropout of Transformer layers, and the model has none; leave it"):
        DropoutByTask(RepeatedDropout(), torch.nn.Linear(2, 2), epochs_of())
    with pytest.raises(ConfigError, match=r"most must be above the model's dropout, 0.3, found 0.2; raise it, or"):
        DropoutByTask(RepeatedDropout(most=0.2), make_model(0.3), epochs_of())


def test_every_pass_drops_its_task_s_share(tmp_path) -> None:
    """The shares of the model when it is called, with the epochs as the step left them."""
    settings = RepeatedDropout(most=0.6, after_epochs=0, over_epochs=2)
    trainer = make_trainer(
        tmp_path, TemperatureSampling(temperature=100), repeated_dropout=settings, joint_tokens=10_000
    )
    seen: list[tuple[str, float]] = []
    predict = trainer.model.predict

    def noted(batch: Any) -> Any:
        seen.append((str(batch.direction), find_dropouts(trainer.model)[0].dropout))
        return predict(batch)

    unchecked(trainer.model).predict = noted
    trainer.start()
    for _ in range(5):
        seen.clear()
        trainer.step()
        assert seen
        for task, share in seen:
            assert share == pytest.approx(settings.share(0.1, trainer.stream.epochs(task)))
    assert max(share for _, share in seen) > 0.15
    assert find_dropouts(trainer.model)[0].dropout == 0.1


def test_a_run_records_it_and_goes_on_to_the_bit(tmp_path) -> None:
    settings = RepeatedDropout(most=0.6, after_epochs=0, over_epochs=2)
    whole = make_trainer(
        tmp_path / "whole", TemperatureSampling(), max_steps=4, validate_every=2, repeated_dropout=settings
    )
    whole.fit()
    records = [record for record in read_metrics(tmp_path / "whole" / "metrics.jsonl") if record["kind"] == "valid"]
    assert whole.builder.dropout is not None
    assert records[-1]["dropout"] == pytest.approx(whole.builder.dropout.describe())
    assert all(
        later > first
        for first, later in zip(records[0]["dropout"].values(), records[1]["dropout"].values(), strict=True)
    )
    for steps in (2, 4):
        part = make_trainer(
            tmp_path / "part", TemperatureSampling(), max_steps=steps, validate_every=2, repeated_dropout=settings
        )
        part.fit()
    for one, two in zip(whole.parameters, part.parameters, strict=True):
        assert one.equal(two)


def test_without_it_passes_are_joined_and_with_it_they_hold_one_task(tmp_path) -> None:
    plain = make(tmp_path / "plain", joint_tokens=1000)
    assert plain.builder.joins
    assert plain.builder.dropout is None
    repeated = make(tmp_path / "repeated", joint_tokens=1000, repeated_dropout=RepeatedDropout())
    assert not repeated.builder.joins


def test_it_is_read_from_a_configuration() -> None:
    given = {"repeated_dropout": {"most": 0.6, "after_epochs": 0, "over_epochs": 1}}
    assert TrainingConfig.model_validate(given).repeated_dropout == RepeatedDropout(
        most=0.6, after_epochs=0, over_epochs=1
    )
    assert TrainingConfig().repeated_dropout is None
    with pytest.raises(ValueError, match="less than 1"):
        TrainingConfig.model_validate({"repeated_dropout": {"most": 1.0}})


@pytest.mark.parametrize("name", ["gradient_checkpointing", "compile"])
def test_layers_that_are_computed_later_or_by_fixed_code_are_refused(name: str) -> None:
    """A second computation in the backward pass would drop the model's share, not the task's."""
    given = {"repeated_dropout": {"most": 0.6}, name: True}
    with pytest.raises(
        ValueError, match=f"changes the dropout of layers from pass to pass, found {name}: true, .* set"
    ):
        TrainingConfig.model_validate(given)
    assert TrainingConfig.model_validate(given | {"repeated_dropout": None}).repeated_dropout is None
    assert TrainingConfig.model_validate(given | {name: False}).repeated_dropout is not None
