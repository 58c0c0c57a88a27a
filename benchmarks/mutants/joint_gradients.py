"""Defects of the gradients of tasks that come from passes over several of them: rows, owners, what is left out, prices."""

ENGINE = "src/catscale/balancing/engine"
TASKS, USES, GRAPH, OWNED, JOINT = (
    f"{ENGINE}/{name}.py"
    for name in ("task_gradients", "parameter_uses", "graph_uses", "owned_batch", "joint_gradients")
)
GRAM, TAKER, MIXED = (f"{ENGINE}/{name}.py" for name in ("gramian", "step_taker", "mixed_passes"))
RULE, CHUNKED = "src/catscale/training/one_pass_rule.py", "src/catscale/model/chunked_cross_entropy.py"
BY_TASK = "tests/balancing/engine/test_task_gradients.py"
ROWS = "tests/balancing/engine/test_parameter_uses.py"
STEPS = "tests/balancing/engine/test_joint_gradients.py"
FOUND = "tests/balancing/engine/test_graph_uses.py"
GRAMS = "tests/balancing/engine/test_gramian.py"
RULES = "tests/training/test_one_pass_rule.py"
CHUNKS = "tests/model/test_chunked_cross_entropy.py"

WAITS = "tests/training/test_waits.py"

MUTANTS = [
    (TASKS, "self.order.to(device, non_blocking=True)", "self.order.to(device)", WAITS),
    (TASKS, "self.owners.to(device, non_blocking=True)", "self.owners.to(device)", WAITS),
    (TASKS, "        if device not in self._there:\n            order", "        if True:\n            order", BY_TASK),
    (OWNED, "owners.to(sums.device, non_blocking=True)", "owners.to(sums.device)", WAITS),
    (TASKS, "None if is_there else order", "None", BY_TASK),
    (TASKS, "None if is_there else order", "order", BY_TASK),
    (TASKS, "size * each for size", "size for size", BY_TASK),
    (TASKS, "wide = torch.promote_types(rows.dtype, torch.float32)", "wide = rows.dtype", BY_TASK),
    (TASKS, "            held.addmm_(left.T, right)", "            pass", BY_TASK),
    (TASKS, "            held += left.T @ right", "            pass", BY_TASK),
    (TASKS, "                held += each[task]", "                pass", BY_TASK),
    (TASKS, "(left.T @ right).to(dtype)", "left.T @ right", BY_TASK),
    (TASKS, "        if not parameter:\n            return\n", "", BY_TASK),
    (TASKS, "found, self._found = self._found, {}", "found = self._found", BY_TASK),
    (USES, "parts if self.is_turned else parts[::-1]", "parts", ROWS),
    (USES, "        found.add_vectors(self.bias, back, stretches)", "        pass", ROWS),
    (USES, "        if self.padding >= 0:\n", "        if False:\n", ROWS),
    (USES, "(back * self._normal()).reshape(-1, width), stretches)", "back.reshape(-1, width), stretches)", ROWS),
    (USES, "stretches.owners[part]", "stretches.owners[: part.stop - part.start]", CHUNKS),
    (USES, "if place and factors is not None]", "if factors is not None]", CHUNKS),
    (USES, "total[part] += ", "total[part] = ", CHUNKS),
    (GRAPH, "            raise UnknownUseError(\"a leaf is not compared\")", "            pass", STEPS),
    (GRAPH, "found._backward_hooks or found._post_accumulate_grad_hooks", "found._post_accumulate_grad_hooks", STEPS),
    (GRAPH, "found._backward_hooks or found._post_accumulate_grad_hooks", "found._backward_hooks", STEPS),
    (GRAPH, "parameter.is_complex()", "False", STEPS),
    (GRAPH, "                    use.context.is_factored = True", "                    pass", CHUNKS),
    (OWNED, "numbers[owners.cpu()]", "owners.cpu()", STEPS),
    (MIXED, "        before.restore()\n", "", STEPS),
    (JOINT, "        check_covered(work, losses)\n", "", "tests/balancing/engine/test_one_pass.py"),
    (JOINT, "        self.is_joined = True\n", "", STEPS),
    (JOINT, "        taker.step.set_aside()\n", "", STEPS),
    (JOINT, "taker.factors(work, self.units, 1.0)", "taker.factors(work, self.weights, 1.0)", STEPS),
    (JOINT, "not request.halves and", "", STEPS),
    (JOINT, "request.group is None and", "", STEPS),
    (JOINT, "torch.autocast(taker.parameters[0].device.type, enabled=False)", "torch.enable_grad()", STEPS),
    (TAKER, "            work = work.apart()\n", "", "tests/balancing/engine/test_one_pass.py"),
    (GRAM, "found.triu() + found.triu(1).T", "found", GRAMS),
    (GRAM, "rows[start:].permute", "rows.permute", GRAMS),
    (RULE, "PRODUCTS, HELD = 4 / 3, 1.1", "PRODUCTS, HELD = 4 / 3, 1.0", RULES),
    (RULE, "HELD_START = 0.25", "HELD_START = 1.0", RULES),
    (RULE, "self._pays(batches, HELD, math.inf)", "self._pays(batches, HELD, self.limit)", RULES),
    (RULE, "0.0, self.launch * self.apart_start", "0.0, self.launch", RULES),
    (CHUNKED, "[needed and not ctx.is_factored for needed", "[needed for needed", CHUNKS),
    (CHUNKED, "[(own, rows[part]) for own in each]", "[(own, rows[part]) for own in each[::-1]]", CHUNKS),
]  # fmt: skip
