"""Defects of products that come from one pass over all tasks: uses of parameters, owners of rows, the rule of counts."""

ENGINE = "src/catscale/balancing/engine"
PASS, USES, GRAPH, OWNED = (
    f"{ENGINE}/{name}.py" for name in ("one_pass", "parameter_uses", "graph_uses", "owned_batch")
)
TAKER, SHARING, STEP = (f"{ENGINE}/{name}.py" for name in ("step_taker", "sharing", "step_gradients"))
RULE, LOSSES = "src/catscale/training/one_pass_rule.py", "src/catscale/training/step_losses.py"
CHUNKED = "src/catscale/model/chunked_cross_entropy.py"
STEPS = "tests/balancing/engine/test_one_pass.py"
ROWS = "tests/balancing/engine/test_parameter_uses.py"
FOUND = "tests/balancing/engine/test_graph_uses.py"
OWNERS = "tests/balancing/engine/test_owned_batch.py"
RULES = "tests/training/test_one_pass_rule.py"
CHUNKS = "tests/model/test_chunked_cross_entropy.py"
TOGETHER = "tests/balancing/engine/test_mixed_passes.py"
SHARES = "tests/balancing/engine/test_sharing.py"

MUTANTS = [
    (USES, "part if self.is_turned else part.T", "part", ROWS),
    (USES, "_dot(self.given.to(back.dtype) @ matrix.T, back)", "_dot(back @ matrix, self.given) * 2", ROWS),
    (USES, "found.masked_fill(tokens == self.padding, 0.0)", "found", ROWS),
    (USES, "found if self.padding < 0 else", "found if self.padding <= 0 else", ROWS),
    (USES, "(self.given - self.mean) * self.rstd", "self.given * self.rstd", ROWS),
    (USES, "_times(back, vector.get(self.bias))]", "None]", ROWS),
    (USES, "return torch.stack(parts).sum(0) if parts else None", "return parts[0] if parts else None", ROWS),
    (GRAPH, "node._saved_alpha == node._saved_beta == 1 and", "True and", FOUND),
    (GRAPH, "if is_plain and 1 not in taken else None", "if is_plain else None", FOUND),
    (GRAPH, 'if node._saved_sparse or node._saved_scale_grad_by_freq or taken[0][1]:', "if False:", FOUND),
    (GRAPH, "len(node._saved_normalized_shape) != 1 or", "", FOUND),
    (GRAPH, "for end in range(len(sizes) - 1, 0, -1) if", "for end in range(1, len(sizes)) if", OWNERS),
    (GRAPH, "    if source is None:\n        return None\n    if source.name() not in VIEWS:", "    if source is None or source.name() not in VIEWS:", FOUND),
    (GRAPH, "if 0 in taken or any(", "if any(", FOUND),
    (GRAPH, "is_turned ^= name", "is_turned |= name", ROWS),
    (OWNED, "shape[0] == len(self.sentences) else None", "shape[0] % len(self.sentences) == 0 else None", OWNERS),
    (OWNED, "if count > 1 and wide == {(count, count)}:", "if False:", OWNERS),
    (OWNED, "            if self._owners(use.shape) is None:", "            if False:", OWNERS),
    (OWNED, "return [self.sentences] if self.tokens is None else [self.sentences, self.tokens]", "return [self.sentences]", OWNERS),
    (PASS, "bool((known != 0).all())", "True", STEPS),
    (f"{ENGINE}/mixed_passes.py", "        before.restore()\n", "", STEPS),
    (f"{ENGINE}/mixed_passes.py", "bool(work.mixed) or not any(work.parts)", "True", TOGETHER),
    (PASS, "found / (self.weights * self.scale**2)", "found / (self.weights * self.scale)", STEPS),
    (PASS, "found / (self.weights * self.scale**2)", "found / self.scale**2", STEPS),
    (PASS, "self._by_task(passes, None)", "self._by_task(passes, vector)", STEPS),
    (PASS, "        check_covered(work, losses)\n", "", STEPS),
    (PASS, "        taker.step.set_aside()\n", "", STEPS),
    (PASS, "in taker.parameters], self.scales)", "in taker.parameters], ())", STEPS),
    (TAKER, "Request() if isinstance(gradients, OnePass) else request", "request", STEPS),
    (STEP, "            self.add_before()\n", "", "tests/balancing/engine/test_step_gradients.py"),
    (SHARING, "is_mixed=passes > 0", "is_mixed=bool(mixed)", SHARES),
    (RULE, "together += cost * price", "together += cost", RULES),
    (RULE, "* (1 + self.low_memory)", "", RULES),
    (RULE, "            if targets > limit:\n                return False\n", "", RULES),
    (RULE, "            before.restore()\n", "", RULES),
    (RULE, "and not setup.config.gradient_checkpointing", "", RULES),
    (RULE, "(self.low_memory or not self.takes_norms)", "True", RULES),
    (LOSSES, "(own or self.together.get(task, {})).values()", "{**own, **self.together.get(task, {})}.values()", RULES),
    (LOSSES, "self._join(own, units, noted[1]", "self._join(own, units, noted[0]", RULES),
    (LOSSES, "not (self.is_sharded or is_measured)", "not self.is_sharded", RULES),
    (LOSSES, "StepPlan(amounts, {}, int(is_joined))", "StepPlan(amounts, {})", RULES),
    (CHUNKED, "ctx.smoothing, factors[part]).to(ctx.type)", "ctx.smoothing, factors[: len(scores)]).to(ctx.type)", CHUNKS),
]  # fmt: skip
