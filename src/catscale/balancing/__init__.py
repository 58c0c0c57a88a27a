"""Task balancing for any PyTorch model and any training loop."""

from catscale.balancing.contract import Method, Request, Signals, State
from catscale.balancing.engine.balanced_step import BalancedStep
from catscale.balancing.engine.balancer import TaskBalancer
from catscale.balancing.engine.owned_batch import OwnedBatch
from catscale.balancing.methods.cats import CATS
from catscale.balancing.methods.fixed import Fixed
from catscale.balancing.methods.table import METHODS

__all__ = [
    "CATS",
    "METHODS",
    "BalancedStep",
    "Fixed",
    "Method",
    "OwnedBatch",
    "Request",
    "Signals",
    "State",
    "TaskBalancer",
]
