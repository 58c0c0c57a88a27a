"""The model of `language_adapters`: a plain one with adapters of languages or families after each layer."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from torch.nn import ModuleDict, ModuleList, Parameter

from catscale.data.batching import Batch
from catscale.data.direction import Direction
from catscale.errors import ConfigError
from catscale.model.bottleneck import DECIDES, AdaptersOf, Bottlenecks, Present
from catscale.model.contract import Prediction
from catscale.model.extended_model import ExtendedModel
from catscale.model.m2m100_model import M2M100Model, layers_of
from catscale.model.saved_config import LANGUAGE_ADAPTERS
from catscale.model.transformer import SIDES


@dataclass(frozen=True)
class AdapterForm:
    """The form of a model with adapters, which its folder tells.

    Attributes:
        owners: By side of `SIDES`, language → the owner of its adapters: itself, or its family.
        language: The language that decides, a key of `DECIDES`.
        bottleneck: b.
    """

    owners: Mapping[str, Mapping[str, str]]
    language: AdaptersOf
    bottleneck: int


class LanguageAdaptersModel(ExtendedModel):
    """A plain model with adapters after each layer of both sides.

    Args:
        base: The plain model, whose layers get a hook.
        form: Owners and sizes.
    """

    def __init__(self, base: M2M100Model, form: AdapterForm) -> None:
        super().__init__(base)
        self._form, self._present = form, Present()
        self.adapters = ModuleDict()
        for side in SIDES:
            owners = form.owners[side]
            layers = layers_of(base.network, side)
            names, width = sorted(set(owners.values())), int(base.network.config.d_model)
            made = [Bottlenecks(self._present, side, names, width, form.bottleneck) for _ in layers]
            for layer, adapters in zip(layers, made, strict=True):
                layer.register_forward_hook(adapters.follow)
            self.adapters[side] = ModuleList(made)

    def _find_owners(self, direction: Direction) -> dict[str, str]:
        """Return the owner of the direction's adapters by side.

        Raises:
            ConfigError: If the language that decides has none.
        """
        found = {}
        for side, which in zip(SIDES, DECIDES[self._form.language], strict=True):
            language, known = getattr(direction, which), self._form.owners[side]
            if language not in known:
                raise ConfigError(
                    f"the model has adapters of {', '.join(sorted(known))} in the {side}, found a direction of "
                    f"{language!r}; translate between these languages, or train a model with it"
                )
            found[side] = known[language]
        return found

    def own_parameters(self, direction: Direction) -> list[Parameter]:
        """List the adapters that a direction uses."""
        owners = self._find_owners(direction)
        layers = ((side, cast(Bottlenecks, each)) for side in owners for each in cast(ModuleList, self.adapters[side]))
        return [parameter for side, each in layers for parameter in each.list_own(owners[side])]

    def added_parameters(self) -> list[Parameter]:
        """List all adapters."""
        return list(self.adapters.parameters())

    def predict(self, batch: Batch) -> Prediction:
        """Predict, as `TranslationModel.predict`."""
        with self._adapted(batch.direction):
            return self.base.predict(batch)

    @contextmanager
    def _adapted(self, direction: Direction) -> Iterator[None]:
        """Let a direction's adapters take part for the time of the block."""
        self._present.owners = self._find_owners(direction)
        try:
            yield
        finally:
            self._present.owners = {}

    def generator(self, direction: Direction) -> Any:
        """Return the network, in which the direction's adapters take part until the next call."""
        self._present.owners = self._find_owners(direction)
        return self.base.network

    def description(self) -> dict[str, Any]:
        """Describe the plain model, and the form of the adapters."""
        form = self._form
        own = {side: dict(sorted(owners.items())) for side, owners in form.owners.items()}
        described = {"owners": own, "language": form.language, "bottleneck": form.bottleneck}
        return {**super().description(), "architecture": LANGUAGE_ADAPTERS, **described}
