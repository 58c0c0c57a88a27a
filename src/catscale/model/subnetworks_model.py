"""The model of `subnetworks` (LaSS): a plain one, of whose matrices each direction uses its own part."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor

from catscale.data.batching import Batch
from catscale.data.direction import Direction, find_halves
from catscale.errors import ConfigError
from catscale.model.contract import Prediction
from catscale.model.extended_model import ExtendedModel
from catscale.model.m2m100_model import M2M100Model, layers_of
from catscale.model.masked_linear import MaskChoice, MaskedLinear, add_masks, fold_masks
from catscale.model.masks import count_common, keep_largest
from catscale.model.transformer import SIDES

ARCHITECTURE = "subnetworks"


class SubnetworksModel(ExtendedModel):
    """A plain model with a mask over each matrix of its layers for each direction.

    Embeddings, layer normalisations, biases and the output layer have none. A direction that has no masks takes the
    encoder's of one from its source and the decoder's of one to its target, which meet in a third language.

    Args:
        base: The plain model, whose layers are changed in their place.
        directions: The directions that have masks, which at first keep everything.
        rate: The share of each matrix that masks leave out.
    """

    def __init__(self, base: M2M100Model, directions: Sequence[Direction], rate: float) -> None:
        super().__init__(base)
        self.directions, self.rate = sorted(directions), rate
        self._choices = {side: MaskChoice() for side in SIDES}
        for side in SIDES:
            add_masks(layers_of(base.network, side), len(self.directions), self._choices[side])
        self._overlap: dict[str, dict[str, float]] | None = None

    def load_state_dict(self, *arguments: Any, **options: Any) -> Any:
        """Take over tensors, as PyTorch does; what masks have in common is counted anew."""
        self._overlap = None
        return super().load_state_dict(*arguments, **options)

    def rows(self, direction: Direction) -> dict[str, int]:
        """Return the place of the direction whose masks each side uses.

        Raises:
            ConfigError: If no directions with masks meet in a third language.
        """
        is_known = direction in self.directions
        halves = (direction, direction) if is_known else find_halves(direction, self.directions)
        if halves is None:
            raise ConfigError(
                f"the model has sub-networks of {', '.join(map(str, self.directions))}, found {direction}, whose "
                "source and target meet in no third language; translate between these, or train a model with it"
            )
        return {side: self.directions.index(half) for side, half in zip(SIDES, halves, strict=True)}

    @contextmanager
    def _using(self, direction: Direction) -> Iterator[None]:
        """Use, for the block, the masks of a direction."""
        rows = self.rows(direction)
        for side in SIDES:
            self._choices[side].row = rows[side]
        try:
            yield
        finally:
            for side in SIDES:
                self._choices[side].row = None

    def predict(self, batch: Batch) -> Prediction:
        """Predict, as `TranslationModel.predict`, with the sub-network of the batch's direction."""
        with self._using(batch.direction):
            return self.base.predict(batch)

    def plain(self, direction: Direction) -> M2M100Model:
        """Make the plain model of a direction, with zeros in place; what has no masks shares its tensors with this."""
        network, rows = self.base.network, self.rows(direction)
        shared = {id(tensor): tensor for tensor in (*network.parameters(), *network.buffers())}
        made = deepcopy(network, shared)
        for side in SIDES:
            fold_masks(layers_of(made, side), rows[side])
        return M2M100Model(made)

    def generator(self, direction: Direction) -> Any:
        """Return the network of the plain model of a direction."""
        return self.plain(direction).network

    def masked_layers(self) -> dict[str, MaskedLinear]:
        """Return the layers with masks by their names in the network."""
        return {name: found for name, found in self.base.network.named_modules() if isinstance(found, MaskedLinear)}

    @torch.no_grad()
    def prune(self, direction: Direction, tuned: M2M100Model) -> None:
        """Set the masks of a direction: they keep what is largest in a model that was fine-tuned on it.

        Args:
            direction: One of `directions`.
            tuned: A plain model of the same sizes.
        """
        row = self.directions.index(direction)
        for name, masked in self.masked_layers().items():
            masked.keep(row, keep_largest(tuned.network.get_submodule(name).weight, self.rate))
        self._overlap = None

    def describe_use(self) -> dict[str, Any]:
        """Give, for each two directions, the share of the first one's sub-network that the second one uses too.

        Returns:
            `overlap`: direction i → direction j → |M_i ∩ M_j| / |M_i|, over all masks together.
        """
        if self._overlap is None:
            counts: Tensor = torch.stack(
                [count_common(each.masks, each.weight.numel()) for each in self.masked_layers().values()]
            ).sum(0)
            names = [str(direction) for direction in self.directions]
            shares = (counts / counts.diagonal().clamp(min=1)[:, None]).tolist()
            self._overlap = {name: dict(zip(names, row, strict=True)) for name, row in zip(names, shares, strict=True)}
        return {"overlap": self._overlap}

    def description(self) -> dict[str, Any]:
        """Describe the plain model, and which directions have masks."""
        own = {"directions": [str(direction) for direction in self.directions], "rate": self.rate}
        return {**super().description(), "architecture": ARCHITECTURE, **own}
