"""A Transformer in float64, sentence by sentence without padding, for comparison; written from the formulas.

Legend: T positions of a sentence, S of its source, d width; x (T, d) the normalised stream of a block, y (T, k) what
goes into its last projection; M predicted tokens, V vocabulary.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.nn import Module

from catscale.data.batching import IGNORED, Batch

Array = NDArray[np.float64]
End = Callable[[str, Array, Array], Array]
"""The end of a block: its projection's name, x and y → what is added to the stream, (T, d)."""
PADDING, HEADS = 1, 2


def sigmoid(values: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-values)))


class SlowNetwork:
    """The network of a plain model, with an end of blocks that may be another than the projection."""

    def __init__(self, network: Module, end: End | None = None) -> None:
        self.values = {name: tensor.double().numpy() for name, tensor in network.state_dict().items()}
        self.end = end or (lambda name, x, y: self.linear(name, y))

    def linear(self, name: str, values: Array) -> Array:
        return np.asarray(values @ self.values[f"{name}.weight"].T + self.values[f"{name}.bias"])

    def logits(self, batch: Batch) -> Array:
        """The predicted tokens' logits, (M, V)."""
        found = []
        for place, labels in enumerate(batch.labels.numpy()):
            source = batch.input_ids.numpy()[place]
            length = int((labels != IGNORED).nonzero()[0][-1]) + 1
            memory = self._side("encoder", source[source != PADDING], None)
            hidden = self._side("decoder", batch.decoder_input_ids.numpy()[place][:length], memory)
            found.append(hidden[labels[:length] != IGNORED] @ self.values["model.shared.weight"].T)
        return np.concatenate(found)

    def loss(self, batch: Batch) -> float:
        """The sum of the negative log-likelihoods of the predicted tokens."""
        rows, labels = self.logits(batch), batch.labels.numpy()
        answers = labels[labels != IGNORED]
        return sum(math.log(sum(map(math.exp, row))) - row[answer] for row, answer in zip(rows, answers, strict=True))

    def _side(self, side: str, ids: NDArray[Any], memory: Array | None) -> Array:
        start = self.values["model.shared.weight"]
        stream = np.stack([start[token] * start.shape[1] ** 0.5 for token in ids]) + _positions(
            len(ids), start.shape[1]
        )
        layer = 0
        while f"model.{side}.layers.{layer}.fc1.weight" in self.values:
            name = f"model.{side}.layers.{layer}"
            stream = self._attend(f"{name}.self_attn", stream, None, memory is not None)
            if memory is not None:
                stream = self._attend(f"{name}.encoder_attn", stream, memory, False)
            x = self._norm(f"{name}.final_layer_norm", stream)
            stream = stream + self.end(f"{name}.fc2", x, np.maximum(self.linear(f"{name}.fc1", x), 0))
            layer += 1
        return self._norm(f"model.{side}.layer_norm", stream)

    def _attend(self, name: str, stream: Array, memory: Array | None, is_causal: bool) -> Array:
        x = self._norm(f"{name}_layer_norm", stream)
        keys = x if memory is None else memory
        q, k, v = (self.linear(f"{name}.{part}_proj", of) for part, of in (("q", x), ("k", keys), ("v", keys)))
        y, size = np.zeros_like(q), q.shape[1] // HEADS
        for head in range(HEADS):
            part = slice(head * size, (head + 1) * size)
            for place in range(len(q)):
                seen = place + 1 if is_causal else len(k)
                weights = np.exp(k[:seen, part] @ q[place, part] / math.sqrt(size))
                y[place, part] = weights @ v[:seen, part] / weights.sum()
        return stream + self.end(f"{name}.out_proj", x, y)

    def _norm(self, name: str, values: Array) -> Array:
        centred = values - values.mean(1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-5)
        return np.asarray(scaled * self.values[f"{name}.weight"] + self.values[f"{name}.bias"])


def _positions(length: int, width: int) -> Array:
    """Sines and cosines of the positions after the one of padding."""
    half = width // 2
    angles = [
        [(PADDING + 1 + place) * math.exp(-math.log(10000) * n / (half - 1)) for n in range(half)]
        for place in range(length)
    ]
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
