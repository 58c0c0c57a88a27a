"""A step that holds the gradients of all tasks, found in one forward and one backward pass over all of them.

Legend: K tasks, g_n gradient of task n.

Autograd is asked for what comes back to each layer, and for no gradient of a parameter. Of the rows of one task, these
and what the layer took in give that task's g_n: the arithmetic of a plain step, whose rows are summed task by task in
place of all at once, where a pass for each task would start K times.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from catscale.balancing.contract import Request
from catscale.balancing.engine.backward import naming_used_graphs, weigh
from catscale.balancing.engine.generators import RandomState
from catscale.balancing.engine.held_gradients import HeldGradients, Measured
from catscale.balancing.engine.losses import check_covered
from catscale.balancing.engine.mixed_passes import MixedPass, join_lists, run_mixed
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

    def collect_jointly(self) -> Measured | None:
        """Run the passes, forward and backward, one after the other, and measure.

        Returns:
            None where a process does not know whose the rows of some layer are: gradients and random numbers are then
            as before, and `collect` finds what is asked for.
        """
        taker, work = self.taker, self.work
        before = RandomState.capture(taker.parameters[0].device)
        found = TaskGradients(self.tensors, len(work.names))
        losses = self._run(found)
        if taker.ranks.maximum(torch.tensor(float(losses is None))) or losses is None:
            before.restore()
            return None
        check_covered(work, losses)
        self.is_joined = True
        taker.step.set_aside()
        arriving = [self._begin_row(row) for row in found.rows(self.tensors)]
        self.rows = [row() for row in arriving]
        return self._measure(taker.sum_losses(work, losses))

    def _run(self, found: TaskGradients) -> list[list[Tensor]] | None:
        """Add the gradients of all passes, and return the K lists of their losses; None as `collect_jointly`."""
        work, factors = self.work, self.taker.factors(self.work, self.units, 1.0)
        losses: list[list[list[Tensor]]] = []
        for batch in work.mixed:
            seen = run_mixed(self.taker, work, batch, by_hooks=False)
            if seen is None:
                return None
            self._add(seen, factors, found)
            losses.append([[loss.detach() for loss in each] for each in seen.losses])
        return join_lists(losses, len(work.names)) if losses or not any(work.parts) else None

    def _add(self, each: MixedPass, factors: Sequence[float], found: TaskGradients) -> None:
        """Run the backward pass of one forward pass, and add the gradients of its tasks."""
        names, terms = self.work.names, weigh(each.losses, factors)
        places = [use.place for use in each.uses if use.place is not None]
        with naming_used_graphs(", ".join(names)):
            back = torch.autograd.grad(terms, places, allow_unused=True)
        with torch.no_grad(), torch.autocast(self.taker.parameters[0].device.type, enabled=False):
            each.batch.add(each.uses, back, names, found)
