"""Decoder inputs and summed losses, against the plain formula."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from catscale.integrations.seq2seq_loss import IGNORED, add_decoder_inputs, summed_cross_entropy

LABELS = torch.tensor([[5, 6, 2], [7, 2, IGNORED]])
MODEL = SimpleNamespace(config=SimpleNamespace(decoder_start_token_id=2, pad_token_id=1))


def test_labels_move_to_the_right_behind_the_decoder_s_start() -> None:
    found = add_decoder_inputs(MODEL, {"labels": LABELS, "x": 0})
    assert found["decoder_input_ids"].tolist() == [[2, 5, 6], [2, 7, 2]]
    padded = add_decoder_inputs(MODEL, {"labels": torch.tensor([[7, IGNORED, IGNORED]])})
    assert padded["decoder_input_ids"].tolist() == [[2, 7, 1]]


@pytest.mark.parametrize("batch", [{"x": 0}, {"labels": LABELS, "decoder_input_ids": 1},
                                   {"labels": LABELS, "decoder_inputs_embeds": 1}])  # fmt: skip
def test_what_has_inputs_or_no_labels_stays(batch: dict[str, Any]) -> None:
    assert add_decoder_inputs(MODEL, batch) == batch


def test_a_model_s_own_way_goes_first() -> None:
    model = SimpleNamespace(prepare_decoder_input_ids_from_labels=lambda labels: labels + 1)
    assert add_decoder_inputs(model, {"labels": LABELS})["decoder_input_ids"].equal(LABELS + 1)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_the_loss_is_that_of_the_formula(smoothing: float) -> None:
    logits = torch.randn(2, 3, 9, generator=torch.Generator().manual_seed(1), dtype=torch.bfloat16)
    expected = 0.0
    for row, labels in zip(logits.double(), LABELS, strict=True):
        for scores, label in zip(row.log_softmax(-1), labels.tolist(), strict=True):
            if label != IGNORED:
                expected -= ((1 - smoothing) * scores[label] + smoothing * scores.mean()).item()
    found = summed_cross_entropy(logits, LABELS, smoothing)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(expected, rel=1e-5)
