"""Defects that the tests of the optimisers must notice: (file, old code, new code, test target)."""

SAM_TEST = "tests/optimisation/test_sam.py"
ASAM_TEST = "tests/optimisation/test_asam.py"
LOOKSAM_TEST = "tests/optimisation/test_looksam.py"
FLAT_TEST = "tests/optimisation/test_flat.py"
SAMO_TEST = "tests/optimisation/test_samo.py"
LAGRANGIAN_TEST = "tests/optimisation/test_lagrangian.py"
TASKS_TEST = "tests/training/test_task_descent.py"
STREAM_TEST = "tests/training/test_stream.py"
SCHEDULE_TEST = "tests/optimisation/test_schedule.py"
CONTRACT_TEST = "tests/optimisation/test_contract.py"
STATE_TEST = "tests/optimisation/test_state.py"
GRADIENT_TEST = "tests/optimisation/test_gradient.py"
CONFIG_TEST = "tests/run/test_optimizer_config.py"
MOVED_TEST = "tests/training/test_moved_settings.py"
DESCENT_TEST = "tests/training/test_descent.py"
MOVED_POINT = "src/catscale/optimisation/moved.py"
LATE = "src/catscale/optimisation/late.py"
ASAM = "src/catscale/optimisation/asam.py"
LOOKSAM = "src/catscale/optimisation/looksam.py"
SAM = "src/catscale/optimisation/sam.py"
FLAT = "src/catscale/optimisation/flat.py"
REPEATED = "src/catscale/optimisation/sam_repeated.py"
SAMO = "src/catscale/optimisation/samo.py"
LAGRANGIAN = "src/catscale/optimisation/lagrangian.py"
GIVEN = "src/catscale/balancing/engine/given.py"
TASKS = "src/catscale/training/task_descent.py"
CATS = "src/catscale/balancing/methods/cats.py"
STREAM = "src/catscale/training/stream.py"
SETUP = "src/catscale/training/setup.py"
SCHEDULE = "src/catscale/optimisation/schedule.py"
CONTRACT = "src/catscale/optimisation/contract.py"
STATE = "src/catscale/optimisation/state.py"
GRADIENT = "src/catscale/optimisation/gradient.py"
SECTION = "src/catscale/settings/section.py"
MOVED = "src/catscale/training/moved_settings.py"
DESCENT = "src/catscale/training/descent.py"

MUTANTS = [
    (
        "src/catscale/training/repetition.py",
        "epochs - self.after_epochs",
        "epochs",
        "tests/training/test_repeated_dropout.py",
    ),
    (
        "src/catscale/training/repetition.py",
        "math.exp(-beyond",
        "math.exp(-2 * beyond",
        "tests/training/test_repeated_dropout.py",
    ),
    (
        "src/catscale/training/repeated_dropout.py",
        "place.dropout = self.first",
        "place.dropout = share",
        "tests/training/test_repeated_dropout.py",
    ),
    (
        "src/catscale/training/repeated_dropout.py",
        ' or hasattr(module, "layers")',
        "",
        "tests/training/test_repeated_dropout.py",
    ),
    ("src/catscale/training/step_losses.py", " and repeated is None", "", "tests/training/test_repeated_dropout.py"),
    (
        "src/catscale/training/step_losses.py",
        "dropout.at(dropped)",
        "dropout.at(dropout.first)",
        "tests/training/test_repeated_dropout.py",
    ),
    # sam
    (MOVED_POINT, "parameter.add_(step, alpha=scale)", "parameter.add_(step, alpha=-scale)", SAM_TEST),
    (MOVED_POINT, "                parameter.copy_(value)\n", "                pass\n", SAM_TEST),
    (MOVED_POINT, "parameter.detach().clone() for", "parameter.detach() for", SAM_TEST),
    (SAM, "self.rho / (norm_of(gradients) + SMALLEST)", "self.rho", SAM_TEST),
    (SAM, "            optimizer.zero_grad(set_to_none=True)\n", "", SAM_TEST),
    (SAM, "            descent.repeat()\n", "            descent()\n", DESCENT_TEST),
    (LATE, "step > self.plain_steps()", "step >= self.plain_steps()", SAM_TEST),
    (LATE, "round(self.start * self.planned_steps(), 6)", "self.start * self.planned_steps()", SAM_TEST),
    (LATE, "0 if self.start == 0 else ", "", SAM_TEST),
    (LATE, "self.start > 0 or super().needs_length", "self.start > 0", SAM_TEST),
    (LATE, ".bits < 32", ".bits < 16", SAM_TEST),
    (LATE, 'return {"from" if key == "start" else key', "return {key", SAM_TEST),
    # asam
    (ASAM, "parameter.detach().abs() + self.eta", "parameter.detach().abs()", ASAM_TEST),
    (ASAM, "parameter.detach().abs() + self.eta", "parameter.detach() + self.eta", ASAM_TEST),
    (ASAM, "parameter.dim() > 1", "parameter.dim() > 0", ASAM_TEST),
    (ASAM, "None if step is None else step * scale", "None if step is None else step", ASAM_TEST),
    (ASAM, "norm_of(scaled) + SMALLEST", "norm_of(gradients_of(parameters)) + SMALLEST", ASAM_TEST),
    # looksam
    (LOOKSAM, "self.plain_steps() - 1) % self.every == 0", "self.plain_steps()) % self.every == 0", LOOKSAM_TEST),
    (LOOKSAM, "found - share * one", "found", LOOKSAM_TEST),
    (LOOKSAM, "/ length**2 if length else 0.0", "/ length if length else 0.0", LOOKSAM_TEST),
    (LOOKSAM, "/ length**2 if length else 0.0", "/ length**2", LOOKSAM_TEST),
    (LOOKSAM, "self.alpha * norm_of(gradients_of(parameters))", "norm_of(gradients_of(parameters))", LOOKSAM_TEST),
    (LOOKSAM, "self.alpha * norm_of(gradients_of(parameters)) /", "self.alpha /", LOOKSAM_TEST),
    (
        LOOKSAM,
        "torch.zeros_like(parameter) if part is None",
        "torch.ones_like(parameter) if part is None",
        LOOKSAM_TEST,
    ),
    (LOOKSAM, "            descent.repeat()\n", "            pass\n", LOOKSAM_TEST),
    # tasks one by one
    (FLAT, "super().is_sharp(step) and self.rho > 0", "super().is_sharp(step)", FLAT_TEST),
    (FLAT, "super().is_sharp(step) and self.rho > 0", "self.rho > 0", FLAT_TEST),
    (FLAT, "radius / (norm_of(plain) + SMALLEST)", "self.rho / (norm_of(plain) + SMALLEST)", FLAT_TEST),
    (FLAT, "radius / (norm_of(plain) + SMALLEST)", "radius", FLAT_TEST),
    (FLAT, "        if radius == 0:\n            return plain\n", "", "tests/optimisation/test_sam_repeated.py"),
    (FLAT, "found if before is None else -before if", "None if before is None else -before if", FLAT_TEST),
    (FLAT, "-before if found is None", "before if found is None", FLAT_TEST),
    (FLAT, "else found - before", "else found", FLAT_TEST),
    (FLAT, "tasks.combine_more(flat, self.with_same_weights)", "tasks.combine_more(flat, False)", FLAT_TEST),
    (FLAT, "        tasks.combine_more(flat, self.with_same_weights)\n", "", FLAT_TEST),
    (FLAT, "        self.update(optimizer, step)\n", "", FLAT_TEST),
    (REPEATED, "epochs - 1) / self", "epochs) / self", FLAT_TEST),
    (REPEATED, "math.sqrt(min(", "float(min(", FLAT_TEST),
    (REPEATED, "min(1.0, ", "min(2.0, ", FLAT_TEST),
    (SAMO, "partial(self._above, tasks, task, mean, step)", "partial(self._above, tasks, task, mean, 1)", SAMO_TEST),
    (SAMO, "higher -= tasks.loss(task)", "higher += tasks.loss(task)", SAMO_TEST),
    (SAMO, "moved(parameters, z, -self.mu)", "moved(parameters, z, self.mu)", SAMO_TEST),
    (SAMO, "(1 - self.beta) * part +", "part +", SAMO_TEST),
    (SAMO, "self.beta * part.norm() * side", "self.beta * side", SAMO_TEST),
    (SAMO, "* one / one.norm()", "* one", SAMO_TEST),
    (SAMO, "(higher > 0) - (higher < 0)", "(higher < 0) - (higher > 0)", SAMO_TEST),
    (SAMO, "step) if self.beta else mean", "step)", SAMO_TEST),
    (SAMO, "self.rho / (norm_of(direction) + SMALLEST)", "self.rho", SAMO_TEST),
    (SAMO, "found.add_(part, alpha=1 / len(tasks.tasks))", "found.add_(part)", SAMO_TEST),
    (SAMO, 'f"{step} {task} {name}"', 'f"{step} {name}"', SAMO_TEST),
    (SAMO, 'f"{step} {task} {name}"', 'f"{task} {name}"', SAMO_TEST),
    (LAGRANGIAN, "factor = 2 * price", "factor = price", LAGRANGIAN_TEST),
    (LAGRANGIAN, "price * length / self.radius", "price / self.radius", LAGRANGIAN_TEST),
    (LAGRANGIAN, "alpha=1 - factor", "alpha=1 + factor", LAGRANGIAN_TEST),
    (LAGRANGIAN, "            optimizer.zero_grad(set_to_none=True)\n", "", LAGRANGIAN_TEST),
    (LAGRANGIAN, "if self.is_sharp(step):", "if True:", LAGRANGIAN_TEST),
    (LAGRANGIAN, "            if price:\n", "            if price is not None:\n", LAGRANGIAN_TEST),
    (GIVEN, "gradient * factor for", "gradient for", "tests/balancing/engine/test_given.py"),
    (TASKS, 'balancer.request.kind == "nothing" and ', "", TASKS_TEST),
    (TASKS, "a if b is None else b if a is None else a + b", "a if b is None else b", TASKS_TEST),
    (
        TASKS,
        "self.balancer.state = self.balancer.state, self._state",
        "self.balancer.state = (self.balancer.state,) * 2",
        TASKS_TEST,
    ),
    (TASKS, "            self.balancer.state = following\n", "            pass\n", TASKS_TEST),
    (TASKS, "        if with_same_weights:\n", "        if False:\n", TASKS_TEST),
    (TASKS, "        self.model.eval()\n", "", TASKS_TEST),
    (TASKS, "                module.training = True\n", "                pass\n", TASKS_TEST),
    (TASKS, "        first.restore()\n", "", TASKS_TEST),
    (TASKS, "            after.restore()\n", "            pass\n", TASKS_TEST),
    (TASKS, '        check_finite([task], norm.reshape(1), "gradient")\n', "", TASKS_TEST),
    (TASKS, "self._losses.setdefault(task, value.item())", "self._losses[task] = value.item()", TASKS_TEST),
    (
        DESCENT,
        "read_price(self.balancer.method, self._state,",
        "read_price(self.balancer.method, self.balancer.state,",
        DESCENT_TEST,
    ),
    (CATS, "length * (sum(squares)", "(sum(squares)", DESCENT_TEST),
    (CATS, "1.0 if self._is_literal else length", "length", DESCENT_TEST),
    (STREAM, "position.epoch + (position.block + part) / self._blocks", "position.epoch + part", STREAM_TEST),
    (SETUP, "optimizer.takes_apart and any(reasons.values())", "False", "tests/training/test_trainer.py"),
    (SETUP, "optimizer.needs_price and not has_price(method)", "False", "tests/training/test_trainer.py"),
    (GRADIENT, "for a, b in zip(one, two, strict=True)", "for a, b in zip(one, one, strict=True)", GRADIENT_TEST),
    # schedules
    (SCHEDULE, "math.sqrt(warmup / step)", "warmup / step", SCHEDULE_TEST),
    (SCHEDULE, "max(0, total + 1 - step)", "max(0, total - step)", SCHEDULE_TEST),
    (SCHEDULE, "max(1, total + 1 - warmup)", "max(1, total - warmup)", SCHEDULE_TEST),
    (SCHEDULE, "max(0, total + 1 - step)", "(total + 1 - step)", SCHEDULE_TEST),
    (SCHEDULE, "(1 + math.cos(", "(1 - math.cos(", SCHEDULE_TEST),
    (SCHEDULE, "math.cos(math.pi * (1 - _left", "math.cos(math.pi * (_left", SCHEDULE_TEST),
    (SCHEDULE, "step / peak if", "1.0 if", SCHEDULE_TEST),
    (SCHEDULE, "peak = max(1, warmup)", "peak = max(2, warmup)", SCHEDULE_TEST),
    # the contract
    (CONTRACT, 'group["initial_lr"] * factor', "self.learning_rate * factor", STATE_TEST),
    (GRADIENT, "    if norm is None:\n", "    if True:\n", GRADIENT_TEST),
    (CONTRACT, "        clip_gradient(parameters_of(optimizer), self.clip_norm, norm)\n", "", CONTRACT_TEST),
    (CONTRACT, "        optimizer.zero_grad(set_to_none=True)\n", "", CONTRACT_TEST),
    (CONTRACT, "self.total_steps is not None or not self.needs_length", "not self.needs_length", SCHEDULE_TEST),
    (GRADIENT, "    if bound is not None:\n", "    if False:\n", GRADIENT_TEST),
    (GRADIENT, "if not math.isfinite(value):", "if False:", GRADIENT_TEST),
    # state by name
    (STATE, "return {names[int(key)]", "return {names[-1 - int(key)]", STATE_TEST),
    (STATE, "content.keys() <= named.keys()", "False", STATE_TEST),
    (STATE, "places[id(named[name])]", "list(named).index(name)", STATE_TEST),
    (STATE, "value.shape not in (named[name].shape, torch.Size([]))", "False", STATE_TEST),
    # settings
    (SECTION, "if not self.is_shared:", "if False:", "tests/run/test_sampling_config.py"),
    (SECTION, "if key in known}", "}", CONFIG_TEST),
    ("src/catscale/run/sections.py", ", is_shared=True", "", CONFIG_TEST),
    (MOVED, "        if name in after:", "        if False:", MOVED_TEST),
    (MOVED, "MOVED.get(key, key)", "key", MOVED_TEST),
    # two descents of a training step
    (DESCENT, "            self._before.restore()\n", "            pass\n", DESCENT_TEST),
    (DESCENT, "            after.restore()\n", "            pass\n", DESCENT_TEST),
    (DESCENT, "self.balancer.repeat(", "self.balancer.backward(", DESCENT_TEST),
]
