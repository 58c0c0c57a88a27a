"""Defects of the engine: products, held gradients, the second pass, halves, groups, losses."""

FOLDER = "src/catscale/balancing/engine"
BALANCER, GRADIENTS, GRAMIAN = (f"{FOLDER}/{name}.py" for name in ("balancer", "backward", "gramian"))
HELD, TWICE, HALVES = (f"{FOLDER}/{name}.py" for name in ("held_gradients", "two_passes", "unbiased"))
GROUPS, LOSSES, RANDOM = (f"{FOLDER}/{name}.py" for name in ("groups", "losses", "generators"))
REPORT = "tests/balancing/engine/test_balanced_step.py"
KINDS = "tests/balancing/engine/test_engine_kinds.py"
LOW = "tests/balancing/engine/test_engine_low_memory.py"
PRECISION = "tests/balancing/engine/test_engine_precision.py"
ERRORS = "tests/balancing/engine/test_engine_errors.py"
PLAIN = "tests/balancing/engine/test_balancer.py"
HALVES_TEST = "tests/balancing/engine/test_unbiased.py"
GROUPS_TEST = "tests/balancing/engine/test_groups.py"
REPEAT = "tests/balancing/engine/test_repetition.py"
FIRST_TEST = "tests/balancing/engine/test_first_step.py"
GRAMIAN_TEST = "tests/balancing/engine/test_gramian.py"
COUNTS = "tests/balancing/engine/test_operation_counts.py"
FULL, FULL_TEST = f"{FOLDER}/full_float32.py", "tests/balancing/engine/test_full_float32.py"
AHEAD = "tests/training/test_ahead.py"
STATISTICS, STATISTICS_TEST = "src/catscale/training/statistics.py", "tests/training/test_statistics.py"
OWN = f"{FOLDER}/step_gradients.py"
STEP, MEASURE = f"{FOLDER}/step_taker.py", "tests/balancing/engine/test_measure.py"
METRIC, METRIC_TEST = f"{FOLDER}/metric.py", "tests/balancing/engine/test_metric.py"
READING = "tests/balancing/engine/test_reading.py"

MUTANTS = [
    # products
    (GRAMIAN, "like.new_zeros(like.numel()) if part is None", "like.reshape(-1) if part is None", GRAMIAN_TEST),
    (GRAMIAN, "buffer.new_zeros(width - filled)", "buffer.new_ones(width - filled)", GRAMIAN_TEST),
    (GRAMIAN, "part[start : start + taken]", "part[:taken]", GRAMIAN_TEST),
    (GRAMIAN, "    if buffer is not None and filled:\n        yield _close(buffer, pieces, filled)\n", "", GRAMIAN_TEST),
    (GRAMIAN, "        row.clear()\n", "        pass\n", GRAMIAN_TEST),
    (GRAMIAN, "BUFFER if device.type ==", "LARGE_BUFFER if device.type !=", COUNTS),
    (FULL, 'products.fp32_precision = "ieee"', "pass", FULL_TEST),
    (FULL, "products.fp32_precision = before", "pass", FULL_TEST),
    (GRAMIAN, "return torch.bmm(left, right).sum(0, dtype=torch.float64)", "return torch.bmm(left, right).bfloat16().sum(0, dtype=torch.float64)", GRAMIAN_TEST),
    (FULL, "with torch.autocast(device.type, enabled=False):", "if True:", GRAMIAN_TEST),
    (GRAMIAN, "torch.promote_types(like.dtype, torch.float32)", "torch.promote_types(torch.float32, torch.float32)", GRAMIAN_TEST),
    (GRAMIAN, "CHUNK = 256", "CHUNK = 2**20", PRECISION),
    (GRAMIAN, "norms.double().square().sum(1)", "norms.double().sum(1)", KINDS),
    (GRAMIAN, "rows, last = block[:-1], block[-1]", "rows, last = block[:-1], block[0]", KINDS),
    # held gradients
    (HELD, "self.units = scale * self.weights.where(self.weights != 0, 1.0)", "self.units = scale * self.weights", KINDS),
    (HELD, "self.units = scale * self.weights.where(self.weights != 0, 1.0)", "self.units = self.weights.where(self.weights != 0, 1.0)", PRECISION),
    (HELD, "/ torch.outer(units, units)", "/ units", KINDS),
    (HELD, "self._over_shards(found) / units**2", "self._over_shards(found) / units", KINDS),
    (HELD, "found = found / (units * self.scale)", "found = found / units", PRECISION),
    (HELD, "found = found / (units * self.scale)", "found = found / self.scale", KINDS),
    (HELD, "known_squares = squares / units**2", "known_squares = squares", KINDS),
    (HELD, "squared_norms(_pick(rows, self.groups[0]), self", "squared_norms(rows, self", KINDS),
    (HELD, "is_alone = self.apart or not self.weights[index]", "is_alone = False", KINDS),
    (HELD, "        put_gradients(self.loose, kept)\n", "", KINDS),
    (HELD, "keep = index + 1 < len(self.work.parts)", "keep = False", KINDS),
    (HELD, "self.held = measured if self.known else list(range(len(taker.parameters)))", "self.held = measured", KINDS),
    (HELD, "zip([first, *self.groups[1:]], table, strict=True)", "zip([first, *self.groups[1:]], [table[0]] * len(table), strict=True)", KINDS),
    (HELD, "for _, gradient in known], alpha=factor)", "for _, gradient in known])", KINDS),
    (HELD, "    elif new and factor != 1.0:", "    elif False:", KINDS),
    (HELD, "torch._foreach_mul(list(new.values()), factor)", "list(new.values())", COUNTS),
    (HELD, "(weights.double() * self.scale / self.units)", "(weights.double() * self.scale)", KINDS),
    (HELD, "        self.taker.step.set_aside()\n        factors", "        factors", KINDS),
    (HELD, "find_overflow(squares, found), (self.weights @ found).item()", "find_overflow(squares, found), found.sum().item()", KINDS),
    (HELD, "found if squares.isfinite().all() else squares", "found", ERRORS),
    (HELD, "if self.known and self.request.group is None:", "if self.known:", KINDS),
    (HELD, "gramians if self.request.group is None else None", "gramians", KINDS),
    (HELD, "gramian=shown if self.request.per_group else shown[0]", "gramian=shown[0]", KINDS),
    (HELD, "[gramian(_pick(rows, group), self._pick_scales(group)) for group in self.groups]", "[gramian(rows) for group in self.groups]", KINDS),
    # halves
    (HALVES, "(cross - first) / share", "cross / share", HALVES_TEST),
    (HALVES, "share = first_share * (1 - first_share)", "share = first_share**2", HALVES_TEST),
    (HALVES, ".where(share > 0, both)", "", HALVES_TEST),
    (HALVES, "return n_parts // 2", "return (n_parts + 1) // 2", HALVES_TEST),
    (HELD, "self._over_shards(self._firsts[:2]) / self.units**2", "self._over_shards(self._firsts[:2])", HALVES_TEST),
    (HELD, "None if t.grad is None else t.grad.clone()", "t.grad", HALVES_TEST),
    (HELD, "found + self.weights * (shown - known_squares)", "found + (shown - known_squares)", HALVES_TEST),
    (HELD, "shown.diagonal(dim1=1, dim2=2).mul_(shown_squares", "shown.mul_(shown_squares", HALVES_TEST),
    (HELD, "norms=shown.clamp(min=0).sqrt()", "norms=squares.sqrt()", HALVES_TEST),
    (HELD, "            found += run(name, parts[half:], factors[index], keep)", "            found += run(name, parts, factors[index], keep)", HALVES_TEST),
    # the second pass
    (TWICE, "                random.restore()\n", "", LOW),
    (TWICE, "        afterwards.restore()\n", "", LOW),
    (TWICE, "        put_gradients(taker.parameters, combined)\n", "", LOW),
    (TWICE, "/ (units * self.scale**2)", "/ (units * self.scale)", LOW),
    (TWICE, "factors = self._factors(units)", "factors = self._factors(torch.ones_like(units))", LOW),
    (TWICE, "        parameter.grad = None\n", "", LOW),
    (TWICE, "        self._multiply()\n\n    def total", "\n    def total", LOW),
    (TWICE, "torch.stack(self._sums).sum(0) if", "self._sums[0] if", COUNTS),
    (TWICE, "            self._waiting = ([], [])\n", "            pass\n", COUNTS),
    (TWICE, "overflow=find_overflow(squares, found)", "overflow=found", LOW),
    (TWICE, "        taker.step.set_aside()\n", "", LOW),
    (TWICE, "self.taker.backward_silently(name, [part], factor, keep_graph=False)\n            found", "self.taker.backward_parts(name, [part], factor, keep_graph=False)\n            found", LOW),
    (TWICE, "if not work.are_all_functions:", "if False:", LOW),
    (RANDOM, "torch.set_rng_state(self.cpu)", "pass", LOW),
    (GRADIENTS, "        put_gradients(self.others, kept)\n", "", LOW),
    (GRADIENTS, "inputs=self.parameters", "inputs=self.parameters[:1]", LOW),
    (OWN, "old.add_(tensor.grad)", "tensor.grad", PLAIN),
    (OWN, "tensor.grad = old if tensor.grad is None", "tensor.grad = None if tensor.grad is None", KINDS),
    (GRADIENTS, "shared.append(loss * factor)", "shared.append(loss)", PLAIN),
    (GRADIENTS, "run_backward(name, loss * factor)", "run_backward(name, loss)", PLAIN),
    ("src/catscale/balancing/engine/run_backward.py", "return [loss * factor for", "return [loss for", KINDS),
    (GRADIENTS, "return [weight * share * each", "return [weight * share", PRECISION),
    (OWN, "        take_gradients(self.parameters)\n        take_gradients(self.others)\n        self._before = self._summing", "        self._before = self._summing", ERRORS),
    # groups
    (GROUPS, "if id(p) in places})", "if id(p) in places} | {0})", GROUPS_TEST),
    (GROUPS, "if index not in taken]", "if index in taken]", GROUPS_TEST),
    (GROUPS, "self._members[list(self._members)[-1]]", "self._members[list(self._members)[0]]", GROUPS_TEST),
    (GROUPS, "if sum(len(part) for part in parts) != self._count:", "if False:", GROUPS_TEST),
    (GROUPS, 'name in (REST, "last")', "name == REST", GROUPS_TEST),
    # losses
    (LOSSES, "or not loss.requires_grad or", "or False or", ERRORS),
    (LOSSES, "or loss.numel() != 1", "", ERRORS),
    (LOSSES, "return list(loss) if isinstance(loss, Sequence) else [loss]", "return [loss] if isinstance(loss, Tensor) or callable(loss) else list(loss)", ERRORS),
    (LOSSES, "not isinstance(count, Real) or", "False or", ERRORS),
    (LOSSES, "torch.stack([v.detach().double() for v in found]).sum()", "found[0].detach().double()", PLAIN),
    (LOSSES, 'value in (float("inf"), float("-inf"))', "False", ERRORS),
    # the balancer
    ("src/catscale/balancing/engine/sharing.py", "if numbers[name] > 0}", "}", KINDS),
    ("src/catscale/balancing/engine/sharing.py", "parts = {name: found for name, found in parts.items() if found}", "parts = dict(parts)", KINDS),
    (STEP, 'check_finite(work.names, measured.finite_by_task(), "gradient")\n        weights', "weights", ERRORS),
    (STEP, 'check_finite(work.names, losses, "loss")\n        if may', "if may", ERRORS),
    (BALANCER, "            self._taker.step.drop()\n", "", ERRORS),
    (STEP, "table_of(work.names, weights), skipped=True", "table_of(work.names, weights), skipped=False", PRECISION),
    (STEP, "return TakenStep(replace(result, skipped=True))", "return TakenStep(result)", ERRORS),
    (BALANCER, "            self.method, self.state, self._latest = method, state, latest\n", "            pass\n", REPEAT),
    (BALANCER, "if self._latest is None:", "if False:", REPEAT),
    ("src/catscale/balancing/engine/repetition.py", "self.found if self.is_known else None", "self.found", REPEAT),
    ("src/catscale/balancing/engine/repetition.py", "if not task_ids.equal(self.task_ids):", "if False:", REPEAT),
    (STEP, "        if not may_overflow:\n            self.taker.blame(work)\n", "", ERRORS),
    (STEP, "if numbers.norms is not None or self.taker.are_finite():", "if True:", ERRORS),
    (STEP, "gradients.combine(weights)\n            return TakenStep", "return TakenStep", PRECISION),
    ("src/catscale/balancing/engine/requests.py", '(request.kind != "products" or request.halves)', 'request.kind != "products"', LOW),
    # numbers that are read together
    ("src/catscale/balancing/engine/reading.py", "norms if math.isfinite(read[tasks]) else None", "norms", READING),
    ("src/catscale/balancing/engine/reading.py", "read[:tasks], read[tasks + 1 :]", "read[:tasks], read[tasks:]", READING),
    ("src/catscale/balancing/engine/reading.py", "or any(id(tensor) not in self._each for tensor in there)", "", READING),
    ("src/catscale/training/descent.py", "return None if known is None else known.over(parameters)", "return None", "tests/training/test_waits.py"),
    ("src/catscale/training/descent.py", "is_at_once or is_sharded", "is_sharded", "tests/training/test_waits.py"),
    # steps that are made ahead
    ("src/catscale/training/ahead.py", "(stream.choose_tasks(step) == self._chosen).all()", "True", AHEAD),
    ("src/catscale/training/ahead.py", "step == self._step and stream.state_dict() == self._before", "step == self._step", AHEAD),
    ("src/catscale/training/ahead.py", "            self._stream.go_with(ahead.branch)\n", "", AHEAD),
    ("src/catscale/training/ahead.py", "stream.branch()", "stream", AHEAD),
    ("src/catscale/training/ahead.py", "        if self._error is not None:\n", "        if False:\n", AHEAD),
    ("src/catscale/balancing/engine/balanced_step.py", "weights.mean(0) if weights.ndim == 2", "weights.sum(0) if weights.ndim == 2", KINDS),
    ("src/catscale/balancing/engine/balanced_step.py", "mean_cosine(measured.gramians.sum(0))", "mean_cosine(measured.gramians[0])", REPORT),
    ("src/catscale/balancing/engine/balanced_step.py", "moving = lengths > 0", "moving = lengths >= 0", REPORT),
    ("src/catscale/balancing/engine/balanced_step.py", "triu(diagonal=1)", "triu(diagonal=0)", REPORT),
    ("src/catscale/balancing/engine/balanced_step.py", "torch.outer(lengths, lengths)", "gramian.diagonal()", REPORT),
    ("src/catscale/balancing/engine/balanced_step.py", '"pi,pij,pj->", rows', '"pi,pij,pi->", rows', KINDS),
    ("src/catscale/balancing/engine/gramian.py", "part is None or not part.is_complex()", "True", GRAMIAN_TEST),
    ("src/catscale/balancing/engine/gramian.py", "torch.view_as_real(part.detach().resolve_conj())", "part.abs()", GRAMIAN_TEST),
    ("src/catscale/balancing/engine/backward.py", "if self._marks() != before:", "if False:", FIRST_TEST),
    ("src/catscale/balancing/engine/backward.py", "check_reach(name, loss, self.parameters)", "pass", FIRST_TEST),
    ("src/catscale/balancing/engine/first_step.py", "found.is_parameter or found.is_opaque", "found.is_parameter", FIRST_TEST),
    ("src/catscale/balancing/engine/first_step.py", "if len(tensors) < 2 or", "if len(tensors) < 9 or", FIRST_TEST),
    (STEP, "            self._check_dense()\n", "", FIRST_TEST),
    ("src/catscale/balancing/engine/forms.py", "            require_functions(work)\n", "            pass\n", FIRST_TEST),
    ("src/catscale/balancing/engine/balancer.py", "if self._is_running:", "if False:", FIRST_TEST),
    ("src/catscale/balancing/engine/losses.py", "if id(part) in owners:", "if False:", "tests/balancing/engine/test_losses.py"),
    ("src/catscale/balancing/engine/losses.py", "isinstance(count, bool)", "False", "tests/balancing/engine/test_losses.py"),
    ("src/catscale/balancing/engine/method_state.py", "if not is_valid_state(method, state) or not", "if not", "tests/balancing/engine/test_method_state.py"),
    ("src/catscale/system/reading/saved_state.py", "(value.isnan() & may_be_nan)", "value.isnan()", "tests/balancing/engine/test_method_state.py"),
    ("src/catscale/balancing/engine/arguments.py", "if not parameter.is_leaf:", "if False:", "tests/balancing/engine/test_arguments.py"),
    ("src/catscale/balancing/engine/first_step.py", "if owners.setdefault(key, name) != name:", "if False:", FIRST_TEST),
    ("src/catscale/balancing/engine/first_step.py", "*(part.__defaults__ or ())", "", FIRST_TEST),
    # Adam's metric
    (GRAMIAN, "yield block[:-1].mul_(block[-1])", "yield block[:-1]", GRAMIAN_TEST),
    (HELD, "gramian(parts, self.scales)", "gramian(parts)", METRIC_TEST),
    (HELD, "for gradient in combined], self.scales)", "for gradient in combined])", METRIC_TEST),
    (HELD, "[self.scales[place] for place in places] if", "[self.scales[place - places[0]] for place in places] if", METRIC_TEST),
    (HELD, "[scales[index] for index in self.held]", "list(scales)", METRIC_TEST),
    ("src/catscale/balancing/engine/metric.py", "part * scale.square()", "part * scale", METRIC_TEST),
    (METRIC, 'if request.metric == "euclidean" else make', 'if request.metric == "adam" else make', METRIC_TEST),
    (METRIC, "for state in states if state)", "for state in states if not state)", METRIC_TEST),
    (STEP, 'self.measures if request.kind == "nothing" else request)', "request)", METRIC_TEST),
    (STEP, "        self.metric.check(method.name, request)\n", "", METRIC_TEST),
    # measured apart
    (STEP, "self.taker.step.put_back()", "pass", MEASURE),
    (STEP, 'check_finite(work.names, measured.finite_by_task(), "gradient")\n        return', "return", MEASURE),
    (STEP, "known = _pick(found, signals.task_ids, work) if known is None else known", "known = found", MEASURE),
    (STEP, "            if apart is None:\n", "            if True:\n", MEASURE),
    (STEP, 'if request.kind == "nothing" or request.per_group:', 'if request.kind == "nothing":', MEASURE),
    (HELD, "request.halves or apart", "request.halves", MEASURE),
    (HELD, "expected if self.request.halves else squares", "expected", MEASURE),
    (HALVES, "expected / noise", "noise / expected", MEASURE),
    (STATISTICS, "self.model, self.wanted.is_training", "self.model, True", STATISTICS_TEST),
    (STATISTICS, "self.balancer.request if self.wanted is None else Request()", "self.balancer.request", STATISTICS_TEST),
    (STATISTICS, 'self.validation if wanted.split == "dev" else {}', "self.validation", STATISTICS_TEST),
    (STATISTICS, "direction.random_key, step, 2", "direction.random_key, 2", STATISTICS_TEST),
]  # fmt: skip
