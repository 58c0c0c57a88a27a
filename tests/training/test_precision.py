"""What a run computes in, with the times of the products given by the test."""

import math
from collections.abc import Callable, Sequence

import pytest
import torch

from catscale.data.batching import Batch, make_batch
from catscale.model.autocast import has_bfloat16
from catscale.model.contract import TranslationModel
from catscale.model.likelihood import batch_losses
from catscale.model.m2m100 import M2M100
from catscale.training import precision as module
from catscale.training.config import TrainingConfig
from catscale.training.precision import Precision, choose_precision, pass_tokens, time_passes, time_products
from tests.training.test_trainer import AZ, VOCABULARY
from tests.unchecked import unchecked

CPU = torch.device("cpu")
SLOW, FAST, EVEN = (1.0, 1 / 0.55), (4.0, 1.0), (2.0, 2.0)


def choose(monkeypatch, setting: str, times: tuple[float, float] | None, recorded=None, able=True):
    """The decision; without times, none may be taken."""

    def measure() -> tuple[float, float]:
        assert times is not None, "it must not be measured"
        return times

    monkeypatch.setattr(module, "has_bfloat16", lambda device: able)
    return choose_precision(TrainingConfig(precision=unchecked(setting)), CPU, measure, recorded)


@pytest.mark.parametrize(
    ("setting", "times", "used", "said"),
    [
        ("auto", SLOW, "fp32", "precision auto: fp32, since bf16 has 0.55 times the speed of fp32"),
        ("auto", FAST, "bf16", "precision auto: bf16, since bf16 has 4 times the speed of fp32"),
        ("auto", EVEN, "fp32", "precision auto: fp32"),
        ("bf16", SLOW, "bf16", "warning: training.precision bf16 has 0.55 times the speed"),
        ("bf16", FAST, "bf16", ""),
        ("fp32", None, "fp32", ""),
    ],
)
def test_a_new_run(monkeypatch, setting, times, used, said):
    found = choose(monkeypatch, setting, times)
    assert found.dtype == (torch.bfloat16 if used == "bf16" else None)
    assert found.to_json() == {"used": used, "bf16_speed": None if times is None else round(times[0] / times[1], 2)}
    assert found.note.startswith(said)
    assert bool(found.note) == bool(said)


def test_tf32_is_of_nvidia_s_gpus_and_measured_nowhere() -> None:
    def choose_on(device: str) -> Precision:
        return choose_precision(TrainingConfig(precision="tf32"), torch.device(device), _never, {"used": "tf32"})

    found, elsewhere = choose_on("cuda"), choose_on("cpu")
    assert (found.dtype, found.is_tf32, found.note) == (None, True, "")
    assert found.to_json() == {"used": "tf32", "bf16_speed": None}
    assert elsewhere.to_json() == {"used": "fp32", "bf16_speed": None}
    assert elsewhere.note == "warning: only NVIDIA's GPUs have TF32; training.precision tf32 is fp32"


def _never() -> tuple[float, float]:
    raise AssertionError("it must not be measured")


@pytest.mark.parametrize("described", [
    Precision(None), Precision(None, is_tf32=True), Precision(torch.bfloat16, 2.0), Precision(None, 0.55)
])  # fmt: skip
def test_the_record_says_what_is_computed_in(described: Precision) -> None:
    assert Precision.from_json(described.to_json()) == described


def test_a_run_in_fp32_after_one_in_tf32_is_in_full_again() -> None:
    products = torch.backends.cuda.matmul
    before = products.fp32_precision
    try:
        Precision(None, is_tf32=True).set_products()
        assert products.fp32_precision == "tf32"
        Precision(None).set_products()
        assert products.fp32_precision == "ieee"
    finally:
        products.fp32_precision = before


@pytest.mark.parametrize("used", ["fp32", "bf16"])
def test_a_run_that_goes_on_keeps_the_decision_unmeasured(monkeypatch, used):
    recorded = {"used": used, "bf16_speed": 1.02}
    found = choose(monkeypatch, "auto", None, recorded)
    assert (found.to_json(), found.note) == (recorded, "")


@pytest.mark.parametrize(("setting", "recorded", "said"), [
    ("bf16", None, "training.precision bf16 is computed in fp32"),
    ("auto", {"used": "bf16", "bf16_speed": 2.0}, "the bf16 that the run began with is computed in fp32"),
    ("auto", None, ""),
])  # fmt: skip
def test_a_processor_without_the_instructions_says_so(monkeypatch, setting, recorded, said):
    found = choose(monkeypatch, setting, None, recorded, able=False)
    assert found.dtype is None
    assert said in found.note
    assert bool(found.note) == bool(said)


def looks_of(seconds: Sequence[float]) -> Callable[[], float]:
    """A clock: each piece of work starts at 0 and ends after its seconds."""
    looks = iter([look for second in seconds for look in (0, second)])
    return lambda: next(looks)


def batches_of(*sizes: tuple[int, int]) -> list[Batch]:
    """Batches of so many sentences of so many pieces, the same on both sides; tag and end are two positions more."""
    return [make_batch([[5] * n] * rows, [[5] * (n + 1)] * rows, VOCABULARY, AZ) for rows, n in sizes]


@pytest.fixture(scope="module")
def model() -> TranslationModel:
    return M2M100(preset="tiny", width=16, heads=2, feed_forward=16, dropout=0.5).build(VOCABULARY, [], 1)


def test_passes_are_timed_by_turns_a_position_and_the_least_of_each_counts(model):
    batches = batches_of((1, 3), (2, 4), (1, 8), (3, 2))
    per = [math.prod(batch.shape[:2]) + batch.shape[0] * batch.shape[2] for batch in batches]
    seconds = [90, 90, 5 * per[1], 9 * per[1], 3 * per[2], 8 * per[2], 4 * per[3], 7 * per[3]]
    assert time_passes(model, batches, looks_of(seconds)) == (3, 7)


def test_timing_passes_leaves_the_model_and_the_random_numbers_alone(model):
    model.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    assert min(time_passes(model, batches_of((1, 3), (2, 4)))) > 0
    assert torch.rand(3).equal(expected)
    assert not model.training
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(value.equal(before[name]) for name, value in model.state_dict().items())


def test_what_is_timed_is_a_pass_of_training_in_both_types(model, monkeypatch):
    seen = []

    def losses(model, batch, smoothing):
        seen.append((model.training, torch.is_autocast_enabled("cpu"), batch.shape[0]))
        return batch_losses(model, batch, smoothing)

    monkeypatch.setattr("catscale.training.pass_trial.batch_losses", losses)
    time_passes(model, batches_of((1, 3), (2, 4)))
    assert seen == [(True, half, rows) for rows in (1, 2) for half in (False, True)]


def test_fewer_tokens_are_timed_of_a_model_with_many_parameters(model, monkeypatch):
    count = sum(parameter.numel() for parameter in model.parameters())
    assert pass_tokens(model, 512) == 512
    monkeypatch.setattr(module, "PRODUCTS", 100 * count)
    assert pass_tokens(model, 512) == 100
    assert pass_tokens(model, 80) == 80
    monkeypatch.setattr(module, "PRODUCTS", count)
    assert pass_tokens(model, 512) == module.LEAST_TOKENS


def test_products_are_timed_by_turns_and_the_least_of_each_counts(monkeypatch):
    monkeypatch.setattr(module, "ROUNDS", 3)
    monkeypatch.setattr(module, "SIDE", 8)
    assert time_products(CPU, looks_of([90, 90, 5, 9, 3, 7, 4, 8])) == (3, 7)


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [({}, False), ({"avx512_f": True}, False), ({"avx512_bf16": True}, True), ({"amx_bf16": True}, True)],
)
def test_instructions_of_a_processor(monkeypatch, capabilities, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert has_bfloat16(CPU) is expected
