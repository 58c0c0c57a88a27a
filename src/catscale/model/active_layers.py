"""The layers of a network that take part: scaled by a sample while it is trained, left out where they are not used.

Before normalisation a layer is h + f(h), so that a factor of 0 on f makes it the identity: leaving it out is exact.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module, ModuleList


def list_outputs(layer: Any) -> list[Module]:
    """List the modules whose output a residual connection adds: of attentions and of the feed-forward part."""
    attentions = [getattr(layer, name) for name in ("self_attn", "encoder_attn") if hasattr(layer, name)]
    return [*(attention.out_proj for attention in attentions), layer.fc2]


@contextmanager
def scaled(layers: Sequence[Module], factors: Tensor) -> Iterator[None]:
    """Multiply, for the block, what each layer adds to its input by a factor of its own.

    Args:
        layers: The layers of one side.
        factors: A number per layer, with its graph.
    """
    with ExitStack() as stack:
        for layer, factor, value in zip(layers, factors.unbind(), factors.tolist(), strict=True):
            for module in list_outputs(layer):
                handle = module.register_forward_hook(_Scaling(factor, value == 1))
                stack.callback(handle.remove)
        yield


class _Scaling:
    """A forward hook that multiplies an output by a number."""

    def __init__(self, factor: Tensor, is_one: bool) -> None:
        self._factor, self._is_one = factor, is_one

    def __call__(self, module: Module, inputs: Any, output: Tensor) -> Tensor:
        return product(output, self._factor, self._is_one)


class Product(torch.autograd.Function):
    """The product of a tensor and a number, z f; where z is 1, nothing is computed but its gradient, a dot product."""

    runs_no_backward = True

    @staticmethod
    def forward(ctx: Any, output: Tensor, factor: Tensor, is_one: bool) -> Tensor:
        """Compute (…), () → (…)."""
        ctx.save_for_backward(output, factor)
        ctx.is_one = is_one
        return output.view_as(output) if is_one else output * factor.to(output.dtype)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor | None, None]:
        """Compute z times the gradient, and its dot product with f, in float32 or better."""
        output, factor = ctx.saved_tensors
        (gradient,) = gradients
        slope = None
        if ctx.needs_input_grad[1]:
            slope = torch.dot(gradient.flatten().to(factor.dtype), output.flatten().to(factor.dtype))
        return gradient if ctx.is_one else gradient * factor.to(gradient.dtype), slope, None


product: Callable[[Tensor, Tensor, bool], Tensor] = Product.apply
"""The function: f, z () and whether z is 1 → z f."""


@contextmanager
def reduced(side: Any, chosen: Sequence[int]) -> Iterator[None]:
    """Leave, for the block, only some layers in one side of a network; it must not keep keys and values meanwhile."""
    before = side.layers
    side.layers = ModuleList(before[index] for index in chosen)
    try:
        yield
    finally:
        side.layers = before


def take_layers(network: Any, encoder: Sequence[int], decoder: Sequence[int]) -> Any:
    """Make the network of some layers, which shares its tensors with the whole one.

    Args:
        network: An `M2M100ForConditionalGeneration`.
        encoder: Layers of the encoder, ascending, one at least.
        decoder: Layers of the decoder, in the same way.
    """
    tensors = [*network.parameters(), *network.buffers()]
    with reduced(network.model.encoder, encoder), reduced(network.model.decoder, decoder):
        made = deepcopy(network, {id(tensor): tensor for tensor in tensors})
    for place, layer in enumerate(made.model.decoder.layers):
        layer.self_attn.layer_idx = layer.encoder_attn.layer_idx = place
    made.config.encoder_layers = made.config.num_hidden_layers = len(encoder)
    made.config.decoder_layers = len(decoder)
    return made
