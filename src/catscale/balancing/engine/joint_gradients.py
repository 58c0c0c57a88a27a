"""A step that holds the gradients of all tasks, found in one forward and one backward pass over all of them.

Legend: K tasks, g_n gradient of task n.

Autograd is asked for what comes back to each layer, and for no gradient of a parameter. Of the rows of one task, these
and what the layer took in give that task's g_n: the arithmetic of a plain step, whose rows are summed task by task in
place of all at once, where a pass for each task would start K times.
"""

from functools import partial

import torch
from torch import Tensor

from catscale.balancing.contract import Request
from catscale.balancing.engine.held_gradients import HeldGradients, Measured
from catscale.balancing.engine.losses import MixedLoss, check_covered
from catscale.balancing.engine.mixed_passes import join_lists, run_mixed, try_together
from catscale.balancing.engine.run_backward import naming_used_graphs, weigh
from catscale.balancing.engine.task_gradients import TaskGradients


def may_join(request: Request, low_memory: bool) -> bool:
    """Return whether a step asks for gradients of whole tasks over all parameters.

    Args:
        request: The measurements to make.
        low_memory: Whether no gradient of a single task is held.
    """
    return request.kind != "nothing" and not request.halves and request.group is None and not low_memory


class JointGradients(HeldGradients):
    """The K gradients of one step, in passes over several tasks each; arguments as of `HeldGradients`."""

    def collect(self) -> Measured:
        """Run the passes, forward and backward, one after the other, and measure.

        Where a process does not know whose the rows of some layer are, all of them take a pass for each task.
        """
        taker, work = self.taker, self.work
        found = TaskGradients(self.tensors, len(work.names))
        each = try_together(taker, work, partial(self._run, found))
        if each is None:
            return super().collect()
        losses = join_lists(each, len(work.names))
        check_covered(work, losses)
        self.is_joined = True
        taker.step.set_aside()
        arriving = [self._begin_row(row) for row in found.rows(self.tensors)]
        self.rows = [row() for row in arriving]
        return self._measure(taker.sum_losses(work, losses))

    def _run(self, found: TaskGradients, batch: MixedLoss) -> list[list[Tensor]] | None:
        """Add the gradients of one batch's tasks, and return the K lists of its losses; None where its uses of the
        parameters are not known."""
        taker, work = self.taker, self.work
        seen = run_mixed(taker, work, batch, by_hooks=False)
        if seen is None:
            return None
        terms = weigh(seen.losses, taker.factors(work, self.units, 1.0))
        places = [use.place for use in seen.uses if use.place is not None]
        with naming_used_graphs(", ".join(work.names)):
            back = torch.autograd.grad(terms, places, allow_unused=True)
        with torch.no_grad(), torch.autocast(taker.parameters[0].device.type, enabled=False):
            seen.batch.add(seen.uses, back, work.names, found)
        return [[loss.detach() for loss in losses] for losses in seen.losses]
