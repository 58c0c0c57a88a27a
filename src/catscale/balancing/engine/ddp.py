"""DistributedDataParallel, which is to leave the gradients of a balanced step alone."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch.nn import Module
from torch.nn.parallel import DistributedDataParallel


@contextmanager
def ddp_kept_still(module: Module | None) -> Iterator[None]:
    """Keep DistributedDataParallel from averaging gradients at every backward pass and broadcasting buffers at every
    forward pass, which unevenly spread tasks would break.

    Args:
        module: The model; nothing is done to one of another kind.
    """
    if not isinstance(module, DistributedDataParallel):
        yield
        return
    before = module.require_forward_param_sync
    module.require_forward_param_sync = False
    try:
        with module.no_sync():
            yield
    finally:
        module.require_forward_param_sync = before
