"""The table of samplers; a new one is added here and nowhere else."""

from typing import TYPE_CHECKING, Any

from catscale.sampling.adaptive_scheduling import AdaptiveScheduling
from catscale.sampling.ado import ADO
from catscale.sampling.cats_sampling import CATSSampling
from catscale.sampling.chi_square import ChiSquare
from catscale.sampling.contract import SamplerSettings, Sampling
from catscale.sampling.dev_loss import DevLoss
from catscale.sampling.doge import DoGE
from catscale.sampling.every import Every
from catscale.sampling.multidds import MultiDDS
from catscale.sampling.odm import ODM
from catscale.sampling.own_gap import OwnGap
from catscale.sampling.pike import PiKE
from catscale.sampling.pretraining import PretrainFinetune
from catscale.sampling.soft_unimax import SoftUniMax
from catscale.sampling.temperature import TemperatureSampling
from catscale.sampling.temperature_schedule import TemperatureSchedule
from catscale.sampling.unimax import UniMax
from catscale.settings.choice import choice_of
from catscale.system.named import NamedTable

SAMPLERS: NamedTable[type[Any]] = NamedTable(
    "sampler",
    {
        "temperature": TemperatureSampling,
        "temperature_schedule": TemperatureSchedule,
        "every": Every,
        "unimax": UniMax,
        "soft_unimax": SoftUniMax,
        "pretrain_finetune": PretrainFinetune,
        "multidds": MultiDDS,
        "cats_sampling": CATSSampling,
        "pike": PiKE,
        "chi_square": ChiSquare,
        "dev_loss": DevLoss,
        "own_gap": OwnGap,
        "odm": ODM,
        "ado": ADO,
        "doge": DoGE,
        "adaptive_scheduling": AdaptiveScheduling,
    },
)
DEFAULT = TemperatureSampling()
if TYPE_CHECKING:
    SamplingConfig = Sampling[Any]
else:
    SamplingConfig = choice_of(SAMPLERS, "method", DEFAULT.method, own=SamplerSettings)
"""The section `sampling` of a configuration."""
