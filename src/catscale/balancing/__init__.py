"""Task balancing for any PyTorch model and any training loop."""

from catscale.balancing.balancer import BalancedStep, TaskBalancer
from catscale.balancing.cats import CATS
from catscale.balancing.contract import Method, Request, Signals, State
from catscale.balancing.fixed import Fixed
from catscale.balancing.methods import METHODS

__all__ = ["CATS", "METHODS", "BalancedStep", "Fixed", "Method", "Request", "Signals", "State", "TaskBalancer"]
