"""The choice of tasks in a step, and how often each occurs."""

from catscale.sampling.adaptive_scheduling import AdaptiveScheduling
from catscale.sampling.ado import ADO
from catscale.sampling.cats_sampling import CATSSampling
from catscale.sampling.chi_square import ChiSquare
from catscale.sampling.contract import Reward, RewardRequest, SamplerState, Sampling
from catscale.sampling.dev_loss import DevLoss
from catscale.sampling.doge import DoGE
from catscale.sampling.draws import draw_tasks
from catscale.sampling.every import Every
from catscale.sampling.multidds import MultiDDS
from catscale.sampling.odm import ODM
from catscale.sampling.own_gap import OwnGap
from catscale.sampling.pike import PiKE
from catscale.sampling.pretraining import PretrainFinetune
from catscale.sampling.replay import apply_replay
from catscale.sampling.sampler import Sampler
from catscale.sampling.soft_unimax import SoftUniMax
from catscale.sampling.table import SAMPLERS, SamplingConfig
from catscale.sampling.temperature import TemperatureSampling, temperature_shares
from catscale.sampling.temperature_schedule import TemperatureSchedule
from catscale.sampling.unimax import UniMax, unimax_budgets

__all__ = [
    "ADO",
    "ODM",
    "SAMPLERS",
    "AdaptiveScheduling",
    "CATSSampling",
    "ChiSquare",
    "DevLoss",
    "DoGE",
    "Every",
    "MultiDDS",
    "OwnGap",
    "PiKE",
    "PretrainFinetune",
    "Reward",
    "RewardRequest",
    "Sampler",
    "SamplerState",
    "Sampling",
    "SamplingConfig",
    "SoftUniMax",
    "TemperatureSampling",
    "TemperatureSchedule",
    "UniMax",
    "apply_replay",
    "draw_tasks",
    "temperature_shares",
    "unimax_budgets",
]
