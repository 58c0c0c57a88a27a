"""A pre-trained model with adapters: they and the rows of new tokens are trained, everything else keeps every bit.

A checkpoint holds base, adapters and new rows apart, so that training goes on from it exactly. What others read is the
plain model in which they are merged, with the adapters alone in a folder beside it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor
from torch.nn import Module
from transformers import M2M100ForConditionalGeneration

from catscale.data.direction import Direction
from catscale.errors import CheckpointError, ConfigError
from catscale.model.adapters import TARGETS, AdapterSettings
from catscale.model.m2m100_model import M2M100Model, empty_network, new_network
from catscale.model.merging import NAME, adapter_state, merge_state
from catscale.model.saved_config import SavedConfig, read_description, write_description
from catscale.model.saved_tensors import restore_tensors, save_tensors, write_tensors
from catscale.model.split_table import split_table
from catscale.settings.problems import refuse
from catscale.system.reading.schema import Count
from catscale.system.writing.files import make_folder, write_json
from catscale.system.writing.manifest import write_manifest

ARCHITECTURE = "pretrained"
"""The architecture that a checkpoint's `config.json` names."""
ADAPTER = "adapter"
"""The folder beside a merged model that keeps its adapters in PEFT's format."""
PEFT_CONFIG, PEFT_WEIGHTS, ROWS = "adapter_config.json", "adapter_model.safetensors", "new_rows.safetensors"
"""Files in it: of PEFT, and of the rows of new tokens, which PEFT's format has no place for."""


class AdaptedDescription(SavedConfig):
    """The content of a checkpoint's `config.json`, beside the description of a plain model."""

    adapters: dict[str, Any]
    new_rows: Count


class AdaptedModel(M2M100Model):
    """A model of M2M-100's class whose adapters and new rows are trained.

    Args:
        network: With adapters, as `attach` makes it.
        settings: The settings of the adapters.
        new_rows: The number of its last rows that are trained.
    """

    has_parts_to_merge = True

    def __init__(self, network: M2M100ForConditionalGeneration, settings: AdapterSettings, new_rows: int) -> None:
        super().__init__(network)
        self.settings, self.new_rows = settings, new_rows

    @property
    def scaling(self) -> float:
        """The factor of B A."""
        return self.settings.alpha / self.settings.rank

    def description(self) -> dict[str, Any]:
        """Describe network and adapters, from which `load_adapted` builds them again."""
        adapters = self.settings.model_dump(mode="json")
        return {**super().description(), "architecture": ARCHITECTURE, "adapters": adapters, "new_rows": self.new_rows}

    def save(self, folder: Path, tensors: Mapping[str, Tensor] | None = None) -> None:
        """Write a folder to train on from, as `TranslationModel.save`: base, adapters and new rows apart."""
        save_tensors(folder, self.network, tensors)
        write_description(folder, self.description())

    def save_best(self, folder: Path, tensors: Mapping[str, Tensor] | None = None) -> None:
        """Write the plain model in which the adapters are merged, and the adapters alone in `adapter/`."""
        state = self.network.state_dict() if tensors is None else tensors
        plain = M2M100Model(empty_network(self.network.config))
        plain.network.generation_config = self.network.generation_config
        plain.save(folder, merge_state(state, self.scaling))
        beside = folder / ADAPTER
        make_folder(beside)
        described = describe_adapter(self.settings).to_dict()
        content = {key: sorted(value) if isinstance(value, set) else value for key, value in described.items()}
        write_json(beside / PEFT_CONFIG, content)
        write_tensors(beside / PEFT_WEIGHTS, adapter_state(state))
        if self.new_rows:
            write_tensors(beside / ROWS, {"model.shared.weight": state["model.shared.new"]})
        write_manifest(beside)

    def plain(self, direction: Direction) -> M2M100Model:
        """Make the plain model in which the adapters are merged."""
        network = M2M100ForConditionalGeneration(self.network.config)
        network.load_state_dict(merge_state(self.network.state_dict(), self.scaling))
        network.generation_config = self.network.generation_config
        return M2M100Model(network)

    def save_best_of(self, checkpoint: Path, folder: Path) -> None:
        """Write what `save_best` would have written when a checkpoint was made."""
        earlier = load_adapted(checkpoint)
        earlier.network.generation_config = self.network.generation_config
        earlier.save_best(folder)


def attach(model: M2M100Model, settings: AdapterSettings, new_rows: int, seed: int | None) -> AdaptedModel:
    """Put adapters into a model; they and its last rows are trained from then on, and nothing else.

    Args:
        model: A plain one, changed in its place.
        settings: The settings of the adapters.
        new_rows: The number of its last rows that are trained: those of new tokens.
        seed: Decides A of the adapters, and B is zero; None where both are read afterwards.

    Raises:
        ConfigError: If PEFT is not installed, or a layer that would get an adapter is held fixed, or there is none.
    """
    network = model.network
    layers = {name: layer for name, layer in network.named_modules() if name.rsplit(".", 1)[-1] in settings.targets}
    if not layers:
        raise ConfigError(
            f"model.adapters.targets must name layers of the model, found {', '.join(settings.targets)}, which it "
            f"lacks; those of M2M-100 are {', '.join(TARGETS)}"
        )
    frozen = [name for name, layer in layers.items() if not all(p.requires_grad for p in layer.parameters())]
    if frozen:
        raise ConfigError(
            f"model.adapters would train beside layers that model.freeze holds fixed: {frozen[0]} and "
            f"{len(frozen) - 1} more; leave their part out of freeze, or choose other model.adapters.targets"
        )
    trains_rows = new_rows > 0 and network.model.shared.weight.requires_grad
    inject(network, describe_adapter(settings), seed)
    if new_rows:
        split_table(network, new_rows)
        network.model.shared.new.requires_grad_(trains_rows)
    return AdaptedModel(network, settings, new_rows)


def describe_adapter(settings: AdapterSettings) -> Any:
    """Return PEFT's own settings.

    Raises:
        ConfigError: If PEFT is not installed.
    """
    try:
        from peft import LoraConfig
    except ImportError as error:
        raise ConfigError(
            "model.adapters needs PEFT, which is not installed; install catscale[adapters], or leave adapters out"
        ) from error
    return LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=list(settings.targets),
        use_dora=settings.method == "dora",
        bias="none",
    )


def inject(network: Module, config: Any, seed: int | None) -> None:
    """Put PEFT's layers in the places of the targets; everything else is held fixed."""
    from peft import inject_adapter_in_model

    if seed is not None:
        torch.manual_seed(seed)
    inject_adapter_in_model(config, network, adapter_name=NAME)


def load_adapted(folder: Path) -> AdaptedModel:
    """Read a model that `AdaptedModel.save` wrote, in evaluation mode, float32.

    Raises:
        CheckpointError: If the folder holds none, or not all of its tensors.
    """
    described = read_description(folder, AdaptedDescription)
    try:
        settings = AdapterSettings.model_validate(described.adapters)
    except ValidationError as error:
        reason = refuse(error, f"{folder / 'config.json'}, adapters", AdapterSettings)
        raise CheckpointError(f"{reason}; restore the folder, or train again") from None
    if described.new_rows >= described.vocab_size:
        raise CheckpointError(
            f"{folder / 'config.json'}: new_rows must be below vocab_size {described.vocab_size}, found "
            f"{described.new_rows}; restore the folder, or train again"
        )
    with torch.random.fork_rng(devices=()):  # a run that is going on draws its own numbers
        model = attach(M2M100Model(new_network(folder)), settings, described.new_rows, None)
    restore_tensors(folder, model.network)
    model.eval()
    return model
