"""A plain model and what an architecture adds to it: everything that stays as it is, in one place."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch.nn import Module, Parameter

from catscale.model.contract import TranslationModel
from catscale.model.m2m100_model import M2M100Model


class ExtendedModel(TranslationModel):
    """Base of the models that extend a plain one, whose parameters stay shared.

    Args:
        base: The plain model.
    """

    def __init__(self, base: M2M100Model) -> None:
        super().__init__()
        self.base = base

    def layers(self) -> Sequence[Module]:
        """List the plain model's layers."""
        return self.base.layers()

    def shared_parameters(self) -> list[Parameter]:
        """List the plain model's trainable parameters."""
        return self.base.shared_parameters()

    def parameter_groups(self) -> dict[str, list[Parameter]]:
        """Group as the plain model."""
        return self.base.parameter_groups()

    def module_groups(self) -> dict[str, list[Parameter]]:
        """Group as the plain model."""
        return self.base.module_groups()

    @property
    def positions(self) -> int:
        """Positions that the model has, on either side."""
        return self.base.positions

    def description(self) -> dict[str, Any]:
        """Describe the plain model; a subclass adds its own, and the name of its architecture."""
        return self.base.description()

    def keep_search(self, search: Mapping[str, Any]) -> None:
        """Have plain models that are made of this one note how to search."""
        self.base.keep_search(search)
