"""Compiled layers: one piece of code for each kind, in training alone, and nothing else changes.

The compiler is a stand-in, which counts; slow tests take the real one.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._dynamo.backends.registry import lookup_backend

from catscale.data.batching import Batch, make_batch
from catscale.model import compiled as module
from catscale.model.check_material import DIRECTIONS, VOCABULARY, batch_of
from catscale.model.compiled import compile_layers, leave_uncompiled
from catscale.model.contract import TranslationModel
from catscale.model.likelihood import batch_losses
from catscale.model.m2m100 import M2M100

SIZES: dict[str, Any] = {"preset": "tiny", "width": 8, "heads": 2, "feed_forward": 8, "dropout": 0.3}


@dataclass
class Compiler:
    """A stand-in of `torch.compile`: what it was given to compile, and how often that was computed."""

    kinds: list[str] = field(default_factory=list)
    passes: list[type[torch.nn.Module]] = field(default_factory=list)

    def __call__(self, forward: Callable[..., Any], backend: str, dynamic: bool) -> Callable[..., Any]:
        assert (backend, dynamic) == ("inductor", True)
        self.kinds.append(forward.__qualname__)

        def compute(layer: torch.nn.Module, *inputs: Any, **options: Any) -> Any:
            self.passes.append(type(layer))
            return forward(layer, *inputs, **options)

        return compute


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> Compiler:
    made = Compiler()
    monkeypatch.setattr(torch, "compile", made)
    return made


def build(layers: int = 2) -> TranslationModel:
    return M2M100(**SIZES, encoder_layers=layers, decoder_layers=layers).build(VOCABULARY, DIRECTIONS, 1).train()


def batches() -> list[Batch]:
    """Return batches of several sizes, with padding and without."""
    sentences = [[5, 6, 7, 8, 9], [7, 8], [10, 11, 12]]
    made = [make_batch(sentences[:n], sentences[-n:], VOCABULARY, DIRECTIONS[0]) for n in (2, 3)]
    return [
        *made,
        make_batch([sentences[0]] * 3, [sentences[0]] * 3, VOCABULARY, DIRECTIONS[1]),
        batch_of(DIRECTIONS[2]),
    ]


def take(model: TranslationModel, batch: Batch) -> list[Tensor]:
    """Return a loss and its gradients."""
    torch.manual_seed(3)
    loss, _ = batch_losses(model, batch, 0.1)
    return [loss.detach(), *torch.autograd.grad(loss, model.shared_parameters())]


def test_training_goes_through_one_function_for_each_kind_of_layer(compiler: Compiler) -> None:
    plain, model = build(), build()
    compile_layers(model)
    assert len(compiler.kinds) == 2  # encoder's and decoder's, not one for each layer
    for batch in batches():
        assert all(map(torch.equal, take(plain, batch), take(model, batch)))
    assert len(compiler.passes) == 4 * len(batches())


def test_evaluation_and_search_compute_as_without(compiler: Compiler) -> None:
    plain, model = build().eval(), build().eval()
    compile_layers(model)
    sources = torch.tensor([[5, 6, 2]])
    found = [each.generator(DIRECTIONS[0]).generate(sources, max_new_tokens=4, num_beams=2) for each in (plain, model)]
    assert torch.equal(*found)
    assert torch.equal(*(each.predict(batch_of(DIRECTIONS[0])).logits for each in (plain, model)))
    assert compiler.passes == []


def test_what_is_saved_has_the_names_of_a_plain_model(compiler: Compiler, tmp_path: Path) -> None:
    plain, model = build(), build()
    compile_layers(model)
    assert list(plain.state_dict()) == list(model.state_dict())
    assert [name for name, _ in plain.named_modules()] == [name for name, _ in model.named_modules()]
    model.save(tmp_path)
    again = M2M100.load(tmp_path).eval()
    assert torch.equal(*(each.predict(batch_of(DIRECTIONS[0])).logits for each in (plain.eval(), again)))
    plain.load_state_dict(model.state_dict())


def test_a_copy_computes_with_its_own_tensors(compiler: Compiler) -> None:
    model = build(1)
    compile_layers(model)
    copy = deepcopy(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    assert all(map(torch.equal, take(copy, batch_of(DIRECTIONS[0])), take(build(1), batch_of(DIRECTIONS[0]))))
    assert len(compiler.passes) == 2


def test_layers_that_are_computed_twice_can_be_compiled_and_left_uncompiled_again(compiler: Compiler) -> None:
    plain, model = build(1), build(1)
    model.compute_twice()
    compile_layers(model)
    expected = take(plain, batch_of(DIRECTIONS[0]))
    assert all(map(torch.equal, expected, take(model, batch_of(DIRECTIONS[0]))))
    assert len(compiler.passes) == 2
    leave_uncompiled(model)
    assert all("forward" not in vars(layer) for layer in model.layers())
    assert all(map(torch.equal, expected, take(model, batch_of(DIRECTIONS[0]))))
    assert len(compiler.passes) == 2


@pytest.mark.slow
@pytest.mark.parametrize("is_twice", [False, True])
def test_pytorch_s_graphs_compute_the_same_with_dropout(is_twice: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tracing and its backward graphs, without the compiler: a few of them for all layers and sizes."""
    pieces: list[int] = []
    trace = lookup_backend("aot_eager")

    def count(graph: torch.fx.GraphModule, inputs: list[Tensor]) -> Any:
        pieces.append(len(graph.graph.nodes))
        return trace(graph, inputs)

    monkeypatch.setattr(module, "BACKEND", count)
    torch._dynamo.reset()
    plain, model = build(), build()
    if is_twice:
        model.compute_twice()
    compile_layers(model)
    for batch in batches():
        torch.testing.assert_close(take(model, batch), take(plain, batch), rtol=1e-4, atol=1e-5)
    assert 2 <= len(pieces) <= 8  # of two kinds of layers, with padded sources and without; not of each layer or size


@pytest.mark.slow
@pytest.mark.parametrize("is_twice", [False, True])
def test_the_real_compiler_computes_the_same(is_twice: bool) -> None:
    """Without dropout, whose random numbers are the compiler's own."""
    sizes = SIZES | {"dropout": 0.0, "encoder_layers": 1, "decoder_layers": 1}
    models = [M2M100(**sizes).build(VOCABULARY, DIRECTIONS, 1).train() for _ in range(2)]
    if is_twice:
        models[1].compute_twice()
    torch._dynamo.reset()
    compile_layers(models[1])
    for batch in batches():
        one, two = (take(model, batch) for model in models)
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-6)
