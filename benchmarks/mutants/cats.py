"""Defects of CATS, its implicit step, and the quadratic program; of fixed weights."""

CATS = "src/catscale/balancing/methods/cats.py"
IMPLICIT = "src/catscale/balancing/methods/cats_implicit.py"
SIMPLEX = "src/catscale/balancing/methods/simplex.py"
FIXED = "src/catscale/balancing/methods/fixed.py"
PAPER_TEST = "tests/balancing/methods/test_cats_paper.py"
STEP_TEST = "tests/balancing/methods/test_cats_implicit.py"
METRIC_TEST = "tests/balancing/engine/test_metric.py"
OPTIONS_TEST = "tests/balancing/methods/test_cats_options.py"
DOMAIN_TEST = "tests/balancing/methods/test_cats_domain.py"
SIMPLEX_TEST = "tests/balancing/methods/test_simplex.py"

MUTANTS = [
    # Algorithm 1
    (CATS, "(alpha - self.alpha_lr * gradient)", "(alpha + self.alpha_lr * gradient)", PAPER_TEST),
    (CATS, "(alpha - self.alpha_lr * gradient).clamp(min=0)", "(alpha - self.alpha_lr * gradient)", PAPER_TEST),
    (CATS, "+ 2 * state.curvature_multiplier * curvature.products", "+ state.curvature_multiplier * curvature.products", PAPER_TEST),
    (CATS, "+ 2 * state.simplex_multiplier * surplus", "- 2 * state.simplex_multiplier * surplus", PAPER_TEST),
    (CATS, "            - floor\n", "            + floor\n", PAPER_TEST),
    (CATS, "(floor + rate * (self.alpha_floor - alpha))", "(floor - rate * (self.alpha_floor - alpha))", PAPER_TEST),
    (CATS, "(self.alpha_floor - alpha)).clamp(min=0)", "(self.alpha_floor - alpha))", PAPER_TEST),
    (CATS, "rate * (kappa - self.curvature_budget)).clamp(min=0)", "rate * (kappa - self.curvature_budget))", PAPER_TEST),
    (CATS, "rate * surplus**2", "rate * surplus", PAPER_TEST),
    (CATS, "surplus = alpha @ curvature.products, alpha.sum() - 1", "surplus = alpha @ curvature.products, state.alpha.sum() - 1", PAPER_TEST),
    (CATS, "state.floor_multipliers.index_copy(0, tasks, floor)", "state.floor_multipliers.index_copy(0, tasks.sort()[0], floor)", PAPER_TEST),
    (CATS, "(state.steps + 1) % self.inner_steps", "state.steps % self.inner_steps", PAPER_TEST),
    (CATS, "if state.alpha.sum() <= 0:", "if state.alpha.sum() < 0:", PAPER_TEST),
    (CATS, '        if self._is_literal:\n            return alpha\n', "", PAPER_TEST),
    (CATS, "        self._check(following)\n", "", PAPER_TEST),
    (CATS, "alpha, floor, rate = state.alpha[tasks], state.floor_multipliers[tasks]", "alpha, floor, rate = state.alpha[: len(tasks)], state.floor_multipliers[tasks]", PAPER_TEST),
    # the implicit update
    (CATS, "self.multiplier_lr * surplus).clamp(min=0),\n            curvature=kappa,\n            statistics", "self.multiplier_lr * surplus),\n            curvature=kappa,\n            statistics", STEP_TEST),
    (CATS, "state.curvature_multiplier + self.multiplier_lr * surplus", "state.curvature_multiplier - self.multiplier_lr * surplus", STEP_TEST),
    (CATS, "min(self.alpha_floor / total.item(), 1 / len(alpha))", "min(self.alpha_floor, 1 / len(alpha))", STEP_TEST),
    (CATS, "(after * total)", "after", STEP_TEST),
    (CATS, "losses if self.loss_term else None", "losses", STEP_TEST),
    (CATS, "surplus = at @ products - bound", "surplus = before @ products - bound", STEP_TEST),
    (CATS, "(1 + self.budget_slack) *", "(1 - self.budget_slack) *", STEP_TEST),
    (CATS, "if self.budget_slack is not None:", "if False:", STEP_TEST),
    (CATS, "alpha=state.alpha.index_copy(0, tasks, moved)", "alpha=state.alpha.index_copy(0, torch.arange(len(tasks)), moved)", STEP_TEST),
    (CATS, "products=curvature.products / length", "products=curvature.products", OPTIONS_TEST),
    (CATS, "total.item() * len(state.alpha) / present", "total.item()", OPTIONS_TEST),
    (CATS, '(present if self.losses == "tokens" else 1)', "1", OPTIONS_TEST),
    (CATS, "shares = alpha / total if total > 0 else torch.full_like(alpha, 1 / len(alpha))", "shares = alpha / total", OPTIONS_TEST),
    (CATS, "if total <= 0:", "if total < 0:", OPTIONS_TEST),
    (CATS, "if self.normalise else curvature", "if not self.normalise else curvature", OPTIONS_TEST),
    (IMPLICIT, "smoothing * old + (1 - smoothing) * latest", "(1 - smoothing) * old + smoothing * latest", OPTIONS_TEST),
    (IMPLICIT, "torch.where(old.isnan(), latest,", "torch.where(old.isnan(), latest * (1 - smoothing),", OPTIONS_TEST),
    (IMPLICIT, "kept = statistics.index_put(block, mean)", "kept = statistics.index_put(block, latest)", OPTIONS_TEST),
    (IMPLICIT, "old = statistics[block]", "old = statistics[tuple(torch.arange(len(tasks)).view_as(b) for b in block)]", OPTIONS_TEST),
    (CATS, "(self.smoothing or self.unbiased):\n            gramian", "self.smoothing:\n            gramian", OPTIONS_TEST),
    (CATS, "halves=self.unbiased", "halves=False", OPTIONS_TEST),
    (CATS, "metric=self.metric", 'metric="euclidean"', METRIC_TEST),
    (CATS, "state.steps < self.start_step", "state.steps > self.start_step", OPTIONS_TEST),
    (CATS, "(0.0 if self._is_literal else 1.0)", "1.0", OPTIONS_TEST),
    (CATS, "torch.full((n_tasks,), first, dtype=torch.float64)", "torch.full((n_tasks,), first).double()", OPTIONS_TEST),
    (CATS, "self.unbiased or self.metric != \"euclidean\"):\n", "self.unbiased):\n", OPTIONS_TEST),
    (CATS, ".clamp(min=min(self.alpha_floor, alpha.min().item()))", "", DOMAIN_TEST),
    (CATS, "if n_tasks > 1 and self.alpha_floor * n_tasks >= 1:", "if False:", PAPER_TEST),
    # the step of α
    (IMPLICIT, "pull = 2 * rate *", "pull = rate *", STEP_TEST),
    (IMPLICIT, "right = before - pull * tangent", "right = before + pull * tangent", STEP_TEST),
    (IMPLICIT, "right = right - rate * losses", "right = right + rate * losses", STEP_TEST),
    (IMPLICIT, "torch.eye(len(before), dtype=before.dtype) + pull * bend", "pull * bend", STEP_TEST),
    (IMPLICIT, "curvature.gramian, torch.zeros_like(before), curvature", "curvature.gramian.diagonal().diag(), torch.zeros_like(before), curvature", STEP_TEST),
    (IMPLICIT, "curvature.products.abs().maximum(kappa)", "curvature.products.abs()", STEP_TEST),
    (IMPLICIT, "sizes / before.clamp(min=LIGHTEST)", "sizes", STEP_TEST),
    (IMPLICIT, "before.clamp(min=LIGHTEST)", "before.clamp(min=TINY)", DOMAIN_TEST),
    (IMPLICIT, "curvature.products - diagonal * before, sizes.sum()", "curvature.products - diagonal * before, diagonal.sum()", STEP_TEST),
    (IMPLICIT, "multiplier.clamp(max=STIFFEST / (2 * max(rate, TINY)) / most.clamp(min=TINY))", "multiplier", DOMAIN_TEST),
    (IMPLICIT, "self.products if self.gramian is None else self.gramian @ weights", "self.products", STEP_TEST),
    (IMPLICIT, "self.products.abs().sum()", "self.products.sum()", OPTIONS_TEST),
    (IMPLICIT, "self.gramian.diagonal().mean()", "self.gramian.diagonal().sum()", OPTIONS_TEST),
    (IMPLICIT, "if unit > 0 else self", "", DOMAIN_TEST),
    (IMPLICIT, "values.clamp(min=0)", "values.abs()", OPTIONS_TEST),
    (IMPLICIT, "(matrix + matrix.T) / 2", "matrix.diagonal().diag()", OPTIONS_TEST),
    (IMPLICIT, "(1 - floor * len(products)) * products.min()", "(1 - floor) * products.min()", STEP_TEST),
    (IMPLICIT, "least.clamp(min=0).square()", "least.square()", STEP_TEST),
    # the quadratic program
    (SIMPLEX, "held[pull.argmin()] = False", "held[pull.argmax()] = False", SIMPLEX_TEST),
    (SIMPLEX, "matrix @ x - right - level, torch.inf", "right - matrix @ x + level, torch.inf", SIMPLEX_TEST),
    (SIMPLEX, "if pull.min() >= -tolerance:", "if True:", SIMPLEX_TEST),
    (SIMPLEX, "held[step.argmin()] = True", "held[step.argmax()] = True", SIMPLEX_TEST),
    (SIMPLEX, "floor * int(held.sum())", "floor * held.sum()", SIMPLEX_TEST),
    (SIMPLEX, "right[free] - matrix[free][:, held].sum(1) * floor", "right[free]", SIMPLEX_TEST),
    (SIMPLEX, "if spare <= RELEASE * total:", "if False:", SIMPLEX_TEST),
    (SIMPLEX, "    return floor + above * (spare / above.sum())\n", "    return x\n", SIMPLEX_TEST),
    (SIMPLEX, "    return floor + above * (spare / above.sum())\n", "    return x * (total / x.sum())\n", SIMPLEX_TEST),
    (SIMPLEX, "total, x = start.sum(), start.clone()", "total, x = torch.ones_like(start[0]), start.clone()", SIMPLEX_TEST),
    # fixed weights
    (FIXED, "return state.values[task_ids]", "return state.values[: len(task_ids)]", "tests/balancing/methods/test_fixed.py"),
    (FIXED, "given.get(task, 1.0)", "given.get(task, 0.0)", "tests/balancing/methods/test_fixed.py"),
    (FIXED, "if not any(values):", "if not all(values):", "tests/balancing/methods/test_fixed.py"),
    (FIXED, "for task in tasks]", "for task in sorted(given)]", "tests/balancing/methods/test_fixed.py"),
]  # fmt: skip
