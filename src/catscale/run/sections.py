"""The sections of a configuration whose settings are those of a method, and the tables of the methods."""

from catscale.balancing.methods.table import METHODS
from catscale.optimisation.table import DEFAULT as USUAL_OPTIMIZER
from catscale.optimisation.table import OPTIMIZERS
from catscale.sampling.table import DEFAULT as USUAL_SAMPLER
from catscale.sampling.table import SAMPLERS
from catscale.settings.section import Section

SECTIONS = {
    "balancing": Section(METHODS),
    "sampling": Section(SAMPLERS, USUAL_SAMPLER.method),
    "optimizer": Section(OPTIMIZERS, USUAL_OPTIMIZER.method, is_shared=True),
}
"""By name; no two of them know a method of the same name."""
