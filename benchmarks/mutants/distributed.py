"""Planted defects of runs on many processes."""

TESTS = "tests/balancing/engine/test_distributed.py"
MUTANTS = [
    # the statistics of this process's own gradients in place of those of all
    (
        "src/catscale/balancing/engine/held_gradients.py",
        "return self.taker.ranks.begin_sum(self.tensors, row) if self.are_summed else lambda: row",
        "return lambda: row",
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
        "if tokens is not None:\n        amounts",
        "if False:\n        amounts",
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
    # buckets that go before their gradients are there
    (
        "src/catscale/balancing/engine/buckets.py",
        "while self._begun < len(self.buckets) and not self.buckets[self._begun].missing:",
        "while self._begun < len(self.buckets):",
        "tests/balancing/engine/test_buckets.py",
    ),
    # a gradient that no process has
    (
        "src/catscale/balancing/engine/buckets.py",
        "(owners.real > 0).tolist()",
        "(owners.real >= 0).tolist()",
        "tests/balancing/engine/test_buckets.py",
    ),
    # a pass that makes up the number counts
    (
        "src/catscale/balancing/engine/losses.py",
        "return torch.nan_to_num(loss, 0.0, 0.0, 0.0) * 0",
        "return loss",
        "tests/balancing/engine/test_mixed_batch.py",
    ),
    # a plan that is not looked at
    (
        "src/catscale/balancing/engine/sharing.py",
        "if lacking or not set(plan.amounts) <= set(tasks):",
        "if not set(plan.amounts) <= set(tasks):",
        "tests/balancing/engine/test_sharing.py",
    ),
    # sums that begin although a function may run a pass of its own
    (
        "src/catscale/balancing/engine/step_gradients.py",
        'or look(losses, set(), until="opaque").is_opaque:',
        "or False:",
        "tests/balancing/engine/test_step_gradients.py",
    ),
    # a function that says that it runs none is not believed
    (
        "src/catscale/balancing/engine/first_step.py",
        'return not getattr(getattr(node, "_forward_cls", None), "runs_no_backward", False)',
        "return True",
        "tests/balancing/engine/test_step_gradients.py",
    ),
    # what pads a sharded step taken for a user's function
    (
        "src/catscale/balancing/engine/first_step.py",
        "for part in parts[:count]:",
        "for part in parts:",
        "tests/balancing/engine/test_first_step.py",
    ),
    # sharded gradients summed in the type that parameters are gathered in
    (
        "src/catscale/distributed/sharding.py",
        "reduce_dtype=torch.float32, ",
        "",
        "tests/distributed/test_sharding.py",
    ),
    # layers gathered twice in any case
    (
        "src/catscale/distributed/sharding.py",
        "mp_policy=policy, reshard_after_forward=reshard_after_forward)",
        "mp_policy=policy)",
        "tests/distributed/test_sharding.py",
    ),
    # dealt without a look at what a row costs
    (
        "src/catscale/distributed/dealing.py",
        "return source + TARGET * target +",
        "return 1.0 + 0 *",
        "tests/distributed/test_dealing.py",
    ),
]
