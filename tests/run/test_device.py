"""The device that a run computes on."""

import pytest
import torch

from catscale.errors import ConfigError
from catscale.run import device as module
from catscale.run.device import choose_device


def test_the_cpu_by_its_name_and_where_there_is_no_gpu(monkeypatch):
    assert choose_device("cpu") == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")


def test_auto_is_a_gpu_where_there_is_one_and_the_one_of_this_process(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("LOCAL_RANK", "1")
    asked: list[torch.device] = []
    monkeypatch.setattr(module, "local_device", lambda device: asked.append(device) or torch.device("cuda:1"))
    assert choose_device("auto") == torch.device("cuda:1")
    assert asked == [torch.device("cuda")]


@pytest.mark.parametrize("name", ["tpu", "", "cpu:x", "cuda:99", "meta"])
def test_what_cannot_compute_here_is_refused_with_the_reason(name):
    with pytest.raises(ConfigError, match=rf"training\.device: '{name}' cannot be used here \(.+\); use auto or cpu"):
        choose_device(name)


def test_a_device_that_seems_to_compute_is_no_device_for_training():
    with pytest.raises(ConfigError, match=r"no training on meta"):
        choose_device("meta")


def test_screens_of_text_become_one_line(monkeypatch):
    def fail(*arguments, **options):
        raise AssertionError("Torch not compiled with CUDA enabled\n" + "a trace\n" * 100)

    monkeypatch.setattr(torch, "empty", fail)
    with pytest.raises(ConfigError, match=r"here \(Torch not compiled with CUDA enabled\); use") as caught:
        choose_device("cpu")
    assert "\n" not in str(caught.value)
