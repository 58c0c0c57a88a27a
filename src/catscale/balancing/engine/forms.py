"""The forms in which losses are given, looked at in the first steps."""

from catscale.balancing.contract import Request
from catscale.balancing.engine.first_step import check_graphs, warn_of_same_functions
from catscale.balancing.engine.losses import Work
from catscale.balancing.engine.two_passes import require_functions


class FirstSteps:
    """Looks at the forms of losses until it has seen those that can be wrong.

    Args:
        measures: The measurements that some steps of the method take.
        low_memory: Whether no gradient of a single task is held.
    """

    def __init__(self, measures: Request, low_memory: bool) -> None:
        self.measures, self.low_memory = measures, low_memory
        self._has_seen_graphs = self._has_seen_functions = False

    def check(self, work: Work) -> None:
        """Refuse losses at once, in a form that a step that measures could not use.

        Raises:
            ConfigError: Saying which form it could.
        """
        if not self._has_seen_functions:
            warn_of_same_functions(work)
            self._has_seen_functions = len(work.names) > 1
        if self._has_seen_graphs or self.measures.kind == "nothing":
            return
        if self.low_memory:
            require_functions(work)
        check_graphs(work)
        self._has_seen_graphs = sum(len(parts) for parts in work.parts) > 1
