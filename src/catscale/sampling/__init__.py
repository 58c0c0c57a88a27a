"""Which tasks a step holds, and how often."""

from catscale.sampling.draws import draw_tasks
from catscale.sampling.temperature import TemperatureSampling

__all__ = ["TemperatureSampling", "draw_tasks"]
