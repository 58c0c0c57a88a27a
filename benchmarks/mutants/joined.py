"""Defects that the tests of passes over several tasks, and of the batches they are made of, must notice."""

ENGINE = "src/catscale/balancing/engine"
DATA = "src/catscale/data"
LOSSES, DEALT = "src/catscale/training/step_losses.py", "src/catscale/training/dealt_batches.py"
SUMS = "tests/training/test_sums_of_a_step.py"
MIXED = "tests/balancing/engine/test_mixed_batch.py"
JOINING = "tests/data/test_joining.py"
STEPS = "tests/training/test_joined_steps.py"
BATCHING = "tests/data/test_batching.py"
TOKENS = "tests/data/store/test_token_files.py"
CHUNKED, CHUNKS = "src/catscale/model/chunked_cross_entropy.py", "tests/model/test_chunked_cross_entropy.py"
LIKELIHOOD = "tests/model/test_likelihood.py"
TRIAL = "src/catscale/training/pass_trial.py"
PRECISION, PRECISIONS = "src/catscale/training/precision.py", "tests/training/test_precision.py"

MUTANTS = [
    (f"{ENGINE}/backward.py", "self._run_mixed(work, factors) if work.mixed else", "", MIXED),
    (f"{ENGINE}/backward.py", "mixed = [self.evaluate_mixed(work, part) for part in work.mixed]", "mixed = []", MIXED),
    (f"{ENGINE}/losses.py", "        if count and not found:\n", "        if False:\n", MIXED),
    (f"{ENGINE}/backward.py", " or not set(found) <= set(work.names)", "", MIXED),
    (f"{ENGINE}/reading.py", "get_total_norm(parts, math.inf)", "get_total_norm(parts)", "tests/balancing/engine/test_engine_errors.py"),
    (f"{ENGINE}/balancer.py", "batch if latest.is_joined else None, plan=plan)", "batch, plan=plan)", MIXED),
    (f"{ENGINE}/losses.py", "mixed += (lambda", "mixed = (lambda", MIXED),
    (f"{DATA}/joining.py", "rows * target > limit", "rows * source > limit", JOINING),
    (f"{DATA}/joining.py", "costs[start] + launch + rows", "costs[start] + rows", JOINING),
    (f"{DATA}/joining.py", "rows * (source + target)", "rows * target", JOINING),
    (f"{DATA}/joining.py", "or part.input_ids.shape[1] < source for", "for", JOINING),
    (f"{DATA}/joining.py", "_widen(_mask_of(part), source, 0)", "_widen(_mask_of(part), source, 1)", JOINING),
    (f"{DATA}/joining.py", "_widen(part.labels, target, IGNORED)", "_widen(part.labels, target, pad)", JOINING),
    (LOSSES, "losses[place] / self._unit(counts, task)", "losses[place]", STEPS),
    (LOSSES, "nll[task].setdefault(id(compute), totals[place])", "nll[task][place] = totals[0]", STEPS),
    (LOSSES, ' if is_joined else None', "", STEPS),
    (LOSSES, "{task: self._join_parts(parts) for task, parts in mine.items()}", "mine", STEPS),
    (LOSSES, "        if len(plan) == len(parts):\n            return parts\n", "        return parts[:1]\n", STEPS),
    (LOSSES, '        if request.kind == "nothing":\n            return mine\n', "", STEPS),
    (LOSSES, "join = None if is_joined or request.halves else", "join = None if request.halves else", SUMS),
    (LOSSES, "join = None if is_joined or request.halves else", "join = None if is_joined else", SUMS),
    (LOSSES, "join = None if is_joined or request.halves else self._plan_joins", "join = None", SUMS),
    (DEALT, "len(found if join is None else join(found))", "len(found)", SUMS),
    (DEALT, "append((part.end - part.start, source, target))", "append(batch.shape)", SUMS),
    ("src/catscale/training/descent.py", "self.balancer.repeat(step.losses, tokens=step.tokens, batch=step.batch, plan=step.plan)",
     "self.balancer.repeat(step.losses, tokens=step.tokens, plan=step.plan)", STEPS),
    ("src/catscale/training/config.py", "min(POSITIONS, KEPT // kept)", "KEPT // kept", STEPS),
    ("src/catscale/training/config.py", "min(POSITIONS, KEPT // kept)", "POSITIONS", STEPS),
    ("src/catscale/training/config.py", "if kept is None else min", "if kept else min", STEPS),
    ("src/catscale/model/pass_size.py", "module.in_features + module.out_features", "module.out_features", STEPS),
    ("src/catscale/model/pass_size.py", "if not plain or not all(", "if not plain or all(", STEPS),
    ("src/catscale/training/config.py", "self.joint_tokens or self.sub_batch_tokens or", "self.joint_tokens or", STEPS),
    ("src/catscale/model/likelihood.py", "sums.index_add(0, joined.owners, smoothed)", "sums.index_add(0, joined.owners, nll)", STEPS),
    ("src/catscale/model/cross_entropy.py", "grad *= factors[:, None]", "grad *= factors[0]", STEPS),
    (CHUNKED, "of_states[part] += own @ table", "of_states[part] = own @ table", CHUNKS),
    (CHUNKED, "total += own.T @ rows[part]", "total += own.T @ rows[: len(own)]", CHUNKS),
    (CHUNKED, "labels, cast, gradients[0])", "labels, cast, gradients[0].flip(0))", CHUNKS),
    (CHUNKED, "torch.zeros_like(t) if needed else None", "torch.zeros_like(t)", CHUNKS),
    (CHUNKED, "most // sum(map(len, tables))", "most", CHUNKS),
    (CHUNKED, "torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else states.dtype", "states.dtype", CHUNKS),
    ("src/catscale/model/output_layer.py", "if layer._forward_hooks or layer._forward_pre_hooks:", "if False:", CHUNKS),
    ("src/catscale/model/output_layer.py", "is Linear and layer.bias is None", "is Linear", CHUNKS),
    ("src/catscale/model/likelihood.py", "sum(map(len, said.tables)) <= SCORES_AT_ONCE:", "0 <= 1:", CHUNKS),
    (f"{DATA}/batching.py", "rectangle[rows + lengths] = end", "rectangle[rows + lengths - 1] = end", BATCHING),
    (f"{DATA}/batching.py", "predicted = self.predicted[inside] - start * width", "predicted = self.predicted[inside]", BATCHING),
    (f"{DATA}/store/sentences.py", "starts - (ends - lengths)", "starts - ends", TOKENS),
    (f"{DATA}/store/token_files.py", "                self[int(sentence)]  # which names it\n", "                pass\n", TOKENS),
    (f"{DATA}/store/tagged_pairs.py", "return sources.behind(self._tag), targets", "return sources, targets", "tests/data/store/test_tagged_pairs.py"),
    (PRECISION, "(rows * (source + target))", "rows", PRECISIONS),
    (PRECISION, "torch.bfloat16 if half else None, clock", "torch.bfloat16, clock", PRECISIONS),
    (PRECISION, "        for half in (False, True):\n            spent", "        for half in (True, False):\n            spent", PRECISIONS),
    (TRIAL, "torch.random.fork_rng([device] if device.type == \"cuda\" else []),", "", PRECISIONS),
    (TRIAL, "in_mode(self.model, True)", "in_mode(self.model, False)", PRECISIONS),
    (PRECISION, "max(LEAST_TOKENS, PRODUCTS // parameters)", "PRODUCTS // parameters", PRECISIONS),
    ("src/catscale/run/precision.py", 'if device.type != "cpu"', 'if device.type == "cpu"', "tests/run/test_precision.py"),
]  # fmt: skip
