"""Operations that a step launches, and the times that it waits for its device, counted on a processor.

Parameters, and what was moved to the model's device, count as held by a device, and so does all that is computed from
them. A host that reads such a number would wait until a real device has computed all that was launched before.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Self

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

READS = ("item", "tolist", "numpy", "__bool__", "__float__", "__int__", "__index__", "__contains__")
"""Members of a tensor that return its numbers."""
SIZED = ("nonzero", "masked_select", "unique", "unique_consecutive", "equal", "allclose", "argwhere")
"""Functions whose result has a size or a value that only the device knows."""
UNCOUNTED = ("detach", "lift_fresh", "empty", "empty_like", "new_empty", "empty_strided", "set_", "_local_scalar_dense")
"""Operations that start nothing on a device, or are counted as reads."""
_INSIDE: ContextVar[bool] = ContextVar("inside", default=False)


class StepCounts:
    """Counts inside its block.

    Args:
        held: Tensors that the device holds: the parameters and buffers of the model.

    Attributes:
        launches: Operations by name, without views and without reads.
        waits: Reads of what the device holds, and copies to it that the host waits for, by name.
    """

    def __init__(self, held: Iterable[Tensor]) -> None:
        self.launches: Counter[str] = Counter()
        self.waits: Counter[str] = Counter()
        self._held: dict[int, StorageWeakRef] = {}
        self._modes = (_Functions(self), _Operations(self))
        for tensor in held:
            self.hold(tensor)

    def __enter__(self) -> Self:
        for mode in self._modes:
            mode.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        for mode in reversed(self._modes):
            mode.__exit__(*error)

    @property
    def operations(self) -> int:
        """The number of operations launched."""
        return self.launches.total()

    @property
    def synchronisations(self) -> int:
        """The number of waits."""
        return self.waits.total()

    def hold(self, tensor: Tensor) -> None:
        """Note that the device holds a tensor."""
        if (storage := _storage_of(tensor)) is not None:
            self._held[storage._cdata] = StorageWeakRef(storage)

    def is_held(self, tensor: Any) -> bool:
        """Return whether the device holds it."""
        storage = _storage_of(tensor) if isinstance(tensor, Tensor) else None
        found = None if storage is None else self._held.get(storage._cdata)
        return found is not None and not found.expired()


class _Functions(TorchFunctionMode):
    """Counts reads, which a processor answers without any operation, and notes what is moved."""

    def __init__(self, counts: StepCounts) -> None:
        super().__init__()
        self.counts = counts

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        held = bool(args) and self.counts.is_held(args[0])
        if held and (name in (*READS, *SIZED) or _picks_by_bool(name, args)):
            self.counts.waits[name] += 1
            with _within():
                return func(*args, **given)
        if held and name == "new_tensor":
            self.counts.waits["to device"] += 1
        if name == "cpu" or (name == "to" and _names_host(args, given)):
            return self._fetch(func, args, given, held)
        found = func(*args, **given)
        if name == "to" and _names_device(args, given) and isinstance(found, Tensor):
            if not held and not given.get("non_blocking", False):
                self.counts.waits["to device"] += 1
            if not held and found is args[0]:  # what stays on the host is copied again the next time
                found = found.clone()
            self.counts.hold(found)
        elif given.get("device") is not None and isinstance(found, Tensor) and not _is_host(given["device"]):
            if name in ("tensor", "as_tensor"):
                self.counts.waits["to device"] += 1
            self.counts.hold(found)
        return found

    def _fetch(self, func: Any, args: tuple[Any, ...], given: dict[str, Any], held: bool) -> Any:
        """Return a copy on the host, for which it waits."""
        if not held:
            return func(*args, **given)
        self.counts.waits["cpu"] += not given.get("non_blocking", False)
        with _within():
            return args[0].detach().clone()


class _Operations(TorchDispatchMode):
    """Counts operations, and notes what comes from what the device holds."""

    def __init__(self, counts: StepCounts) -> None:
        super().__init__()
        self.counts = counts

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        if _INSIDE.get():
            return found
        inputs = tree_leaves((args, kwargs))
        if not any(self.counts.is_held(leaf) for leaf in inputs):
            return found
        name = func.overloadpacket.__name__
        if not func.is_view and name not in UNCOUNTED:
            self.counts.launches[name] += 1
        for leaf in tree_leaves(found):
            if isinstance(leaf, Tensor):
                self.counts.hold(leaf)
        return found


@contextmanager
def _within() -> Any:
    """Count nothing inside the block, whose wait is counted."""
    token = _INSIDE.set(True)
    try:
        yield
    finally:
        _INSIDE.reset(token)


def _storage_of(tensor: Tensor) -> Any:
    return None if tensor.is_sparse else tensor.untyped_storage()


def _picks_by_bool(name: str, args: tuple[Any, ...]) -> bool:
    """Return whether a tensor is indexed by one of truth values, whose number decides the size."""
    return name in ("__getitem__", "__setitem__") and any(
        isinstance(leaf, Tensor) and leaf.dtype in (torch.bool, torch.uint8) for leaf in tree_leaves(args[1])
    )


def _is_host(place: Any) -> bool:
    return bool(place == "cpu")


def _names_host(args: tuple[Any, ...], given: Mapping[str, Any]) -> bool:
    return _is_host(args[1] if len(args) > 1 else given.get("device"))


def _names_device(args: tuple[Any, ...], given: Mapping[str, Any]) -> bool:
    return isinstance(args[1] if len(args) > 1 else given.get("device"), torch.device)


def count_step(model: torch.nn.Module, step: Callable[[], object]) -> StepCounts:
    """Count one step of a model.

    Args:
        model: Its parameters and buffers are what the device holds.
        step: Takes the step.
    """
    with StepCounts([*model.parameters(), *model.buffers()]) as counts:
        step()
    return counts
