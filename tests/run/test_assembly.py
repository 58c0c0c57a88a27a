"""The parts of a run, put together from its configuration and its data."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from catscale.analysis.analyzer import Analyzer
from catscale.data.direction import Direction
from catscale.distributed.processes import Processes
from catscale.errors import ConfigError, DataError
from catscale.run import assembly as module
from catscale.run.assembly import Assembly
from catscale.run.config import parse_config
from tests.run.corpus import random_pairs

AZ, BE = Direction("en", "az"), Direction("en", "be")
VOCABULARY: Any = SimpleNamespace(
    size=110, bos_id=0, pad_id=1, eos_id=2, unk_id=3, tag=lambda language: 105, save=lambda folder: None
)
MODEL = {"preset": "tiny", "width": 16, "heads": 2, "feed_forward": 16, "encoder_layers": 1, "decoder_layers": 1}


def make(dev: tuple[Direction, ...] = (AZ,), **sections: Any) -> Assembly:
    """An assembly of 80 train pairs to az and 20 to be, and 5 pairs in each dev split."""
    splits = {("train", AZ): random_pairs(80, 1), ("train", BE): random_pairs(20, 2)}
    splits |= {("dev", direction): random_pairs(5, 3) for direction in dev}
    store: Any = SimpleNamespace(
        directions=[AZ, BE],
        vocabulary=VOCABULARY,
        split=lambda split, direction: splits[split, direction],
        has_split=lambda split, direction: (split, direction) in splits,
        confirm=lambda: None,
    )
    content: dict[str, Any] = {
        "data": {"format": "moses", "path": "x", "source": "en", "targets": "all"},
        "model": MODEL,
        "training": {"max_steps": 4, "batch_tokens": 128, "sub_batch_tokens": 32, "device": "cpu"},
    }
    content = {name: {**content.get(name, {}), **sections.get(name, {})} for name in content | sections}
    return Assembly(parse_config(content, "test"), store)


CPU = torch.device("cpu")


def test_tasks_sizes_and_the_dev_splits_that_are_there():
    assembly = make()
    assert list(assembly.tasks) == [AZ, BE]
    assert assembly.sizes == {"en-az": 80, "en-be": 20}
    assert {direction: len(pairs) for direction, pairs in assembly.validation.items()} == {AZ: 5}
    with pytest.raises(DataError, match=r"no direction has a dev split, .*; add one, or set data\.holdout"):
        _ = make(dev=()).validation


def test_the_model_follows_from_the_seed():
    def parameters(seed: int) -> torch.Tensor:
        model = make(training={"seed": seed}).build_model(CPU)
        return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])

    assert parameters(3).equal(parameters(3))
    assert not parameters(3).equal(parameters(4))


def test_memory_is_looked_at_on_the_cpu_and_for_a_whole_model_only(monkeypatch):
    asked: list[int] = []

    def refuse(parameters: int, bytes_each: int, frozen: int) -> None:
        asked.append(parameters)
        raise ConfigError("no memory")

    monkeypatch.setattr(module, "check_memory", refuse)
    with pytest.raises(ConfigError, match="no memory"):
        make().build_model(CPU)
    model = make(training={"sharded": True}).build_model(CPU)
    assert asked == [sum(parameter.numel() for parameter in model.parameters())]


def test_the_stream_gives_every_step_the_tokens_of_the_settings():
    stream = make(sampling={"temperature": 1}).build_stream()
    probabilities = stream.sampler.probabilities(1)
    assert [float(p) for p in probabilities] == pytest.approx([0.8, 0.2])
    assert stream.sub_batches == 4
    batches = [batch for step in range(1, 51) for parts in stream.take(step).values() for batch in parts]
    tokens = {name: sum(b.tokens for b in batches if str(b.direction) == name) for name in ("en-az", "en-be")}
    assert sum(tokens.values()) == pytest.approx(50 * 128, abs=32)  # half a sub-batch of each direction
    assert 0.7 < tokens["en-az"] / (50 * 128) < 0.9


def test_the_balancer_is_of_the_method_and_of_all_shared_parameters():
    assembly = make(balancing={"method": "cats"})
    balancer = assembly.build_balancer(assembly.build_model(CPU))
    assert balancer.method.name == "cats"
    assert list(balancer.tasks) == ["en-az", "en-be"]


def test_a_setup_has_what_the_settings_ask_for(tmp_path):
    plain = make().build_setup(tmp_path, Processes(), print)
    assert (plain.analyzer, plain.scores, plain.folder) == (None, None, tmp_path)
    assert list(plain.validation) == [AZ]
    analysed = make(analysis={"every": 2, "split": "dev"}).build_setup(tmp_path, Processes(), print)
    assert isinstance(analysed.analyzer, Analyzer)
    with pytest.raises(DataError, match="no direction has a dev split"):
        make(dev=()).build_setup(tmp_path, Processes(), print)
