"""The table of architectures; a new one is added here and nowhere else."""

from pathlib import Path
from typing import TYPE_CHECKING

from catscale.errors import CheckpointError
from catscale.model.contract import Architecture, TranslationModel
from catscale.model.language_adapters import LanguageAdapters
from catscale.model.latent_depth import LatentDepth
from catscale.model.m2m100 import M2M100
from catscale.model.pretrained import Pretrained
from catscale.model.routed import Routed
from catscale.model.saved_config import CONFIG, PLAIN, read_architecture
from catscale.model.saved_tensors import WEIGHTS
from catscale.model.subnetworks import Subnetworks
from catscale.settings.choice import choice_of
from catscale.system.named import NamedTable, suggest

ARCHITECTURES: NamedTable[type[Architecture]] = NamedTable(
    "architecture",
    {
        "m2m100": M2M100,
        "pretrained": Pretrained,
        "latent_depth": LatentDepth,
        "routed": Routed,
        "subnetworks": Subnetworks,
        "language_adapters": LanguageAdapters,
    },
)
DEFAULT = M2M100()
if TYPE_CHECKING:
    ModelConfig = Architecture
else:
    ModelConfig = choice_of(ARCHITECTURES, "architecture", PLAIN, {"pretrained": "pretrained"})
"""The section `model` of a configuration."""


def architecture_of(folder: Path) -> type[Architecture]:
    """Find the architecture of a saved model.

    Raises:
        CheckpointError: If `config.json` is missing or damaged, or names one that there is not.
    """
    name = read_architecture(folder)
    if name not in ARCHITECTURES:
        raise CheckpointError(
            f"{folder / CONFIG} names the architecture {name!r}, which this version of catscale does not have "
            f"({suggest(name, ARCHITECTURES)}); use the version that wrote it"
        )
    return ARCHITECTURES[name]


def load_model(folder: Path) -> TranslationModel:
    """Read a saved model, in evaluation mode, float32; nothing in the folder is executed or unpickled.

    Raises:
        CheckpointError: If the folder holds no readable model, or not all of its tensors.
    """
    if not (folder / WEIGHTS).is_file():
        raise CheckpointError(f"no model in {folder}: {WEIGHTS} is missing; train first, or check the path")
    return architecture_of(folder).load(folder)
