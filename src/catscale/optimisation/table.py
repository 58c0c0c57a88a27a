"""The table of optimisers; a new one is added here and nowhere else."""

from typing import TYPE_CHECKING

from catscale.optimisation.adamw import AdamW
from catscale.optimisation.asam import ASAM
from catscale.optimisation.contract import OptimizerSettings
from catscale.optimisation.flat import FMTL
from catscale.optimisation.lagrangian import Lagrangian
from catscale.optimisation.looksam import LookSAM
from catscale.optimisation.sam import SAM
from catscale.optimisation.sam_repeated import RepeatedSAM
from catscale.optimisation.samo import SAMO
from catscale.settings.choice import choice_of
from catscale.system.named import NamedTable

OPTIMIZERS: NamedTable[type[OptimizerSettings]] = NamedTable(
    "optimizer",
    {
        "adamw": AdamW,
        "sam": SAM,
        "asam": ASAM,
        "looksam": LookSAM,
        "flat": FMTL,
        "sam_repeated": RepeatedSAM,
        "samo": SAMO,
        "lagrangian": Lagrangian,
    },
)
DEFAULT = AdamW()
if TYPE_CHECKING:
    OptimizerConfig = OptimizerSettings
else:
    OptimizerConfig = choice_of(OPTIMIZERS, "method", DEFAULT.method, own=OptimizerSettings)
"""The section `optimizer` of a configuration."""
