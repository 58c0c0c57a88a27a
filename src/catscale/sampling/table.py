"""The table of samplers; a new one is added here and nowhere else."""

from typing import TYPE_CHECKING, Any

from catscale.sampling.cats_sampling import CATSSampling
from catscale.sampling.contract import Sampling
from catscale.sampling.multidds import MultiDDS
from catscale.sampling.pike import PiKE
from catscale.sampling.pretraining import PretrainFinetune
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
        "unimax": UniMax,
        "pretrain_finetune": PretrainFinetune,
        "multidds": MultiDDS,
        "cats_sampling": CATSSampling,
        "pike": PiKE,
    },
)
DEFAULT = TemperatureSampling()
if TYPE_CHECKING:
    SamplingConfig = Sampling[Any]
else:
    SamplingConfig = choice_of(SAMPLERS, "method", DEFAULT.method)
"""The section `sampling` of a configuration."""
