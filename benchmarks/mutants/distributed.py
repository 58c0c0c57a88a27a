"""Planted defects of runs on many processes."""

TESTS = "tests/balancing/engine/test_distributed.py"
MUTANTS = [
    # the statistics of this process's own gradients in place of those of all
    (
        "src/catscale/balancing/engine/held_gradients.py",
        "            if self.are_summed:\n                row = self.taker.ranks.sum_gradients(self.tensors, row)\n",
        "",
        TESTS,
    ),
    # products with the gradient of this process alone
    (
        "src/catscale/balancing/engine/held_gradients.py",
        "        if not self.are_summed:\n            combined = ranks.sum_gradients(self.tensors, combined)\n",
        "",
        TESTS,
    ),
    # shards' products not added up
    (
        "src/catscale/balancing/engine/held_gradients.py",
        "return ranks.sum(values) if ranks.is_sharded else ranks.sum(values) / ranks.size",
        "return values",
        TESTS,
    ),
    # FSDP's average taken for a sum
    (
        "src/catscale/balancing/engine/ranks.py",
        "return float(self.size) if self.is_sharded else 1.0",
        "return 1.0",
        TESTS,
    ),
    # a mean over processes in place of one over tokens
    (
        "src/catscale/balancing/engine/sharing.py",
        "amounts[ids[name]] = by_parts if tokens is None else float(tokens[name])",
        "amounts[ids[name]] = by_parts",
        TESTS,
    ),
    # low memory: the second pass not added up over the processes
    (
        "src/catscale/balancing/engine/two_passes.py",
        "return self.taker.ranks.sum(together) / (units * self.scale**2)",
        "return together / (units * self.scale**2)",
        TESTS,
    ),
    # DistributedDataParallel averages behind our back
    (
        "src/catscale/balancing/engine/ddp.py",
        "        with module.no_sync():\n",
        "        if True:\n",
        TESTS,
    ),
]
