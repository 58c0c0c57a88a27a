"""The table of optimisers; a new one is added here and nowhere else."""

from typing import TYPE_CHECKING

from catscale.optimisation.adamw import AdamW
from catscale.optimisation.asam import ASAM
from catscale.optimisation.contract import OptimizerSettings
from catscale.optimisation.looksam import LookSAM
from catscale.optimisation.sam import SAM
from catscale.settings.choice import choice_of
from catscale.system.named import NamedTable

OPTIMIZERS: NamedTable[type[OptimizerSettings]] = NamedTable(
    "optimizer",
    {
        "adamw": AdamW,
        "sam": SAM,
        "asam": ASAM,
        "looksam": LookSAM,
    },
)
DEFAULT = AdamW()
if TYPE_CHECKING:
    OptimizerConfig = OptimizerSettings
else:
    OptimizerConfig = choice_of(OPTIMIZERS, "method", DEFAULT.method)
"""The section `optimizer` of a configuration."""
