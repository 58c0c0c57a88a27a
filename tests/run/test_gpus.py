"""The GPUs that runs are spread over."""

import pytest
import torch

from catscale.run.gpus import list_gpus


@pytest.mark.parametrize(
    ("device", "visible", "count", "expected"),
    [
        ("auto", None, 3, ["0", "1", "2"]),
        ("cuda", "", 2, ["0", "1"]),
        ("auto", "4,6", 2, ["4", "6"]),
        ("auto", "GPU-1a, GPU-2b", 2, ["GPU-1a", "GPU-2b"]),
        ("auto", "1,9", 1, ["1"]),  # CUDA leaves out what is not there, and all behind it
        ("auto", "-1", 0, []),
        ("auto", None, 0, []),
        ("cpu", None, 3, []),
        ("cuda:1", None, 3, []),
    ],
)
def test_they_are_named_as_the_variable_names_them(monkeypatch, device, visible, count, expected):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    assert list_gpus(device) == expected
