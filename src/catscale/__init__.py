"""catscale: one translation model for many languages whose data are badly out of balance."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from catscale.balancing import CATS, METHODS, BalancedStep, Fixed, Method, Signals, State, TaskBalancer
    from catscale.sampling import SAMPLERS, Sampler

__version__ = "0.2.0.dev0"
__all__ = [
    "CATS",
    "METHODS",
    "SAMPLERS",
    "BalancedStep",
    "Fixed",
    "Method",
    "Sampler",
    "Signals",
    "State",
    "TaskBalancer",
    "__version__",
]
_OF_SAMPLING = ("SAMPLERS", "Sampler")


def __getattr__(name: str) -> Any:
    """Import the library on first use, so that `catscale --help` does not wait for torch."""
    if name in __all__:
        return getattr(import_module(f"catscale.{'sampling' if name in _OF_SAMPLING else 'balancing'}"), name)
    raise AttributeError(
        f"module 'catscale' has no attribute {name!r}; it has {', '.join(__all__)}; methods and samplers are in the "
        "tables METHODS and SAMPLERS"
    )
