"""What a run computes in, with the times of the products given by the test."""

from collections.abc import Iterator, Sequence

import pytest
import torch
from torch.nn.functional import linear

from catscale.model.autocast import has_bfloat16
from catscale.training import precision as module
from catscale.training.config import TrainingConfig
from catscale.training.precision import Precision, choose_precision, time_products
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
        ("auto", SLOW, "fp32", "precision auto: fp32, since matrix products in bf16 have 0.55 times the speed of fp32"),
        ("auto", FAST, "bf16", "precision auto: bf16, since matrix products in bf16 have 4 times the speed of fp32"),
        ("auto", EVEN, "fp32", "precision auto: fp32"),
        ("bf16", SLOW, "bf16", "warning: training.precision bf16 computes matrix products at 0.55 times the speed"),
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


WIDE, TALL = torch.ones(6, 40), torch.ones(50, 4)


def looks_of(seconds: Sequence[float]) -> Iterator[float]:
    """A clock: each product starts at 0 and ends after its seconds."""
    return iter([look for second in seconds for look in (0, second)])


def time_with(seconds: Sequence[float], matrices: list[torch.Tensor], tokens: int = 100) -> tuple[float, float]:
    looks = looks_of(seconds)
    found = time_products(matrices, tokens, CPU, lambda: next(looks))
    assert next(looks, None) is None
    return found


def test_the_products_are_timed_by_turns_and_the_least_round_of_each_counts(monkeypatch):
    """Each round has fp32 and then bf16, each a first and a second product; the first round loads libraries."""
    monkeypatch.setattr(module, "ROUNDS", 3)
    found = time_with([90, 90, 90, 90, 5, 5, 9, 9, 3, 3, 7, 7, 4, 4, 8, 8], [WIDE])
    assert found == (3, 7)


def test_what_a_first_product_takes_more_counts_once_for_matrices_of_a_shape(monkeypatch):
    monkeypatch.setattr(module, "ROUNDS", 1)
    warm = [90] * 8
    # fp32: 1 a product, three of the first shape and one of the second; bf16: half of it, and 4 to make each code
    found = time_with([*warm, 1, 1, 1, 1, 4.5, 0.5, 4.5, 0.5], [WIDE, TALL, WIDE, WIDE])
    assert found == (4, 4 + 3 * 0.5 + 4 + 0.5)
    assert time_with([*warm, 1, 2, 1, 1, 1, 1, 1, 1], [WIDE, TALL])[0] == 3  # a first one that is faster: chance


def test_fewer_tokens_stand_for_all_of_a_model_with_many_numbers(monkeypatch):
    monkeypatch.setattr(module, "ROUNDS", 1)
    monkeypatch.setattr(module, "PRODUCTS", 50 * WIDE.numel())
    assert time_with([90] * 4 + [3, 2, 9, 1], [WIDE, WIDE]) == (1 + 2 * 2 * 2, 8 + 2 * 1 * 2)


def test_each_round_has_another_number_of_tokens(monkeypatch):
    sizes = []
    monkeypatch.setattr(module, "linear", lambda rows, matrix: sizes.append(rows.shape) or linear(rows, matrix))
    time_products([WIDE], 100, CPU)
    assert sizes == [(100 - number, 40) for number in range(module.ROUNDS + 1) for _ in range(4)]


def test_timing_leaves_the_random_numbers_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    assert min(time_products([WIDE], 100, CPU)) > 0
    assert torch.rand(3).equal(expected)


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [({}, False), ({"avx512_f": True}, False), ({"avx512_bf16": True}, True), ({"amx_bf16": True}, True)],
)
def test_instructions_of_a_processor(monkeypatch, capabilities, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert has_bfloat16(CPU) is expected
