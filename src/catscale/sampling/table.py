"""The table of samplers; a new one is added here and nowhere else."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from catscale.sampling.cats_sampling import CATSSampling
from catscale.sampling.multidds import MultiDDS
from catscale.sampling.pretraining import PretrainFinetune
from catscale.sampling.temperature import TemperatureSampling
from catscale.sampling.temperature_schedule import TemperatureSchedule
from catscale.system.named import NamedTable

SAMPLERS: NamedTable[type[Any]] = NamedTable(
    "sampler",
    {
        "temperature": TemperatureSampling,
        "temperature_schedule": TemperatureSchedule,
        "pretrain_finetune": PretrainFinetune,
        "multidds": MultiDDS,
        "cats_sampling": CATSSampling,
    },
)
DEFAULT = TemperatureSampling()


def _name_method(content: Any) -> Any:
    """Name temperature sampling in settings that name no method."""
    return {"method": DEFAULT.method, **content} if isinstance(content, dict) else content


SamplingConfig = Annotated[
    TemperatureSampling | TemperatureSchedule | PretrainFinetune | MultiDDS | CATSSampling,
    Field(discriminator="method"),
    BeforeValidator(_name_method),
]
