"""The sections of a configuration whose settings are those of a method, and the tables of the methods."""

from catscale.balancing.contract import MethodSettings
from catscale.balancing.methods.table import METHODS
from catscale.optimisation.contract import OptimizerSettings
from catscale.optimisation.table import DEFAULT as USUAL_OPTIMIZER
from catscale.optimisation.table import OPTIMIZERS
from catscale.sampling.contract import SamplerSettings
from catscale.sampling.table import DEFAULT as USUAL_SAMPLER
from catscale.sampling.table import SAMPLERS
from catscale.settings.section import Section

SECTIONS = {
    "balancing": Section(METHODS, own=MethodSettings),
    "sampling": Section(SAMPLERS, USUAL_SAMPLER.method, own=SamplerSettings),
    "optimizer": Section(OPTIMIZERS, USUAL_OPTIMIZER.method, is_shared=True, own=OptimizerSettings),
}
"""By name; no two of them know a method of the same name."""
