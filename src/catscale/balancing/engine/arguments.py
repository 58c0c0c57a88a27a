"""The arguments of a balancer, with advice on what to write in place of wrong ones."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from catscale.errors import ConfigError
from catscale.system.misuse import describe

NEEDED = ("name", "losses", "init", "request", "weights", "step")
"""The members of a method that the engine uses."""
MODULE = "model.parameters()"
ELSEWHERE = {
    "step": "call backward({task: loss}), and then optimizer.step()",
    "zero_grad": "call optimizer.zero_grad()",
    **dict.fromkeys(("to", "cuda", "cpu"), "a balancer follows the losses; move the model"),
    **dict.fromkeys(("train", "eval"), "a balancer has one mode; leave it out"),
}
"""Names that a balancer does not have, and what to write instead."""


class Advised:
    """An object that says what to write in place of what other libraries' objects have."""

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Say it.

            Raises:
                AttributeError: Always: this is asked for what is not there.
            """
            if name in ELSEWHERE:
                raise AttributeError(f"a {type(self).__name__} has no attribute {name!r}; {ELSEWHERE[name]}")
            return object.__getattribute__(self, name)  # raises what a property raised


def list_tasks(tasks: Iterable[str]) -> list[str]:
    """Return the names of the tasks.

    Raises:
        ConfigError: If they are not one or more different texts.
    """
    what = "tasks must be one or more different names"
    if isinstance(tasks, str):
        raise ConfigError(f"{what}, found the text {tasks!r}; write [{tasks!r}]")
    if not isinstance(tasks, Iterable):
        raise ConfigError(f"{what}, found {describe(tasks)}; write a list of them")
    names = list(tasks)
    wrong = [name for name in names if not isinstance(name, str)]
    if wrong and isinstance(wrong[0], Tensor):
        raise ConfigError(f"{what}, found parameters; write TaskBalancer(method, tasks, parameters), in this order")
    if wrong:
        raise ConfigError(f"{what}, found {wrong[0]!r}, which is no text; write str({wrong[0]!r})")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated or not names:
        raise ConfigError(f"{what}, found {names}; " + ("name each once" if repeated else "name at least one"))
    return names


def list_parameters(parameters: Iterable[Tensor]) -> list[Tensor]:
    """Return the trainable parameters, each once.

    Raises:
        ConfigError: If there is none, or something is no parameter.
    """
    what = "parameters must be the tensors that all tasks share"
    if isinstance(parameters, nn.Module):
        raise ConfigError(f"{what}, found the module {type(parameters).__name__}; write {MODULE}")
    if isinstance(parameters, Tensor):
        raise ConfigError(f"{what}, found one tensor of shape {tuple(parameters.shape)}; write a list of it")
    if isinstance(parameters, str | Mapping) or not isinstance(parameters, Iterable):
        raise ConfigError(f"{what}, found {describe(parameters)}; write {MODULE}")
    given = list(parameters)
    if not given:
        raise ConfigError(
            f"{what}, found none; an iterator gives its items once, so write {MODULE} anew for each use, or keep "
            f"list({MODULE})"
        )
    for parameter in given:
        if not isinstance(parameter, Tensor):
            hint = "named_parameters() and the optimiser's groups hold more than tensors; " * (
                isinstance(parameter, tuple | dict)
            )
            raise ConfigError(f"{what}, found {describe(parameter)} among them; {hint}write {MODULE}")
    trainable = list({id(p): p for p in given if p.requires_grad}.values())
    if not trainable:
        raise ConfigError(f"no parameter is trainable; pass {MODULE} with requires_grad set")
    for parameter in trainable:
        if not parameter.is_leaf:
            raise ConfigError(
                f"{what}, found one of shape {tuple(parameter.shape)} that was computed from others and is given no "
                f"gradient; write {MODULE}"
            )
        if parameter.is_meta:
            raise ConfigError(
                f"{what}, found one of shape {tuple(parameter.shape)} on the device meta, which holds no numbers; move "
                "the model to a device first, with to_empty and its weights"
            )
    return trainable


def check_spread(module: object, across_ranks: str) -> None:
    """Refuse what is no model, and a way of joining the processes' losses that there is not.

    Raises:
        ConfigError: If one of them is.
    """
    if module is not None and not isinstance(module, nn.Module):
        raise ConfigError(f"module must be the model as you call it, found {describe(module)}; give the model")
    if across_ranks not in ("mean", "sum"):
        raise ConfigError(f"across_ranks must be mean or sum, found {across_ranks!r}")


def check_scaler(scaler: object) -> None:
    """Refuse what scales no gradients.

    Raises:
        ConfigError: If it is neither None nor a gradient scaler.
    """
    if scaler is not None and not (hasattr(scaler, "scale") and hasattr(scaler, "is_enabled")):
        raise ConfigError(f"scaler must be a torch.amp.GradScaler, found {describe(scaler)}; make one, or leave it out")
