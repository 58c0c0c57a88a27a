"""Whether a run's layers are compiled: the setting, or for "auto" what is faster on the device."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catscale.errors import ConfigError
from catscale.model.compiled import compile_layers, leave_uncompiled
from catscale.training.config import TrainingConfig
from catscale.training.pass_trial import PassTrial


@dataclass(frozen=True)
class Compiling:
    """The decision about a run's layers.

    Attributes:
        is_on: Whether they are compiled.
        speed: Speed of a compiled pass over that of a plain one; None where it was not measured.
        note: A line for the user, empty where there is nothing to say.
    """

    is_on: bool
    speed: float | None = None
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return what `environment.json` records and a continued run follows."""
        return {"used": self.is_on, "speed": self.speed}


NOT_COMPILED = Compiling(False)


def decide_compiling(
    config: TrainingConfig, is_possible: bool, trial: PassTrial, recorded: Mapping[str, Any] | None = None
) -> Compiling:
    """Decide whether a model's layers are compiled, and leave them so.

    Args:
        config: The settings with `compile`.
        is_possible: Whether the layers are plain and whole: they read nothing that `predict` sets for its time, and no
            process holds a part of them.
        trial: A pass of the model.
        recorded: The value of `to_json` when the run began, which "auto" keeps; None for a new run.

    Raises:
        ConfigError: If they are to be compiled and cannot be.
    """
    is_asked = config.compile is True
    if not is_possible:
        note = "warning: training.compile is ignored where layers are sharded, or read more than their input"
        return Compiling(False, note=note if is_asked else "")
    if is_asked:
        _compile(trial)
        return Compiling(True)
    if config.compile is False or trial.model.device.type == "cpu":
        return NOT_COMPILED
    if recorded is not None:
        if recorded["used"]:
            _compile(trial)
        return Compiling(bool(recorded["used"]), recorded["speed"])
    return _choose_faster(trial)


def _compile(trial: PassTrial) -> None:
    """Compile the layers and take a pass through them.

    Raises:
        ConfigError: If that fails, and the layers are left as they were.
    """
    compile_layers(trial.model)
    try:
        trial.take()
    except Exception as error:  # compilers raise errors of their own
        leave_uncompiled(trial.model)
        raise ConfigError(
            f"training.compile: torch.compile fails on this machine with {type(error).__name__} "
            f"({str(error).strip().splitlines()[0][:200] if str(error).strip() else 'no message'}); set it to false"
        ) from error


def _choose_faster(trial: PassTrial) -> Compiling:
    """Time a pass with and without compiled layers, and leave them as they are faster."""
    plain = trial.time()
    try:
        _compile(trial)
    except ConfigError as error:
        return Compiling(False, note=f"compile auto: no. {error}")
    speed = round(plain / trial.time(), 2)
    if speed <= 1:
        leave_uncompiled(trial.model)
    is_faster = "are compiled" if speed > 1 else "are not compiled"
    return Compiling(speed > 1, speed, f"compile auto: layers {is_faster}, at {speed:g} times the speed of a pass here")
