"""Defects that the tests of the optimisers must notice: (file, old code, new code, test target)."""

SAM_TEST = "tests/optimisation/test_sam.py"
ASAM_TEST = "tests/optimisation/test_asam.py"
LOOKSAM_TEST = "tests/optimisation/test_looksam.py"
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
SCHEDULE = "src/catscale/optimisation/schedule.py"
CONTRACT = "src/catscale/optimisation/contract.py"
STATE = "src/catscale/optimisation/state.py"
GRADIENT = "src/catscale/optimisation/gradient.py"
SECTION = "src/catscale/settings/section.py"
MOVED = "src/catscale/training/moved_settings.py"
DESCENT = "src/catscale/training/descent.py"

MUTANTS = [
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
    (CONTRACT, "        clip_gradient(parameters_of(optimizer), self.clip_norm)\n", "", CONTRACT_TEST),
    (CONTRACT, "        optimizer.zero_grad(set_to_none=True)\n", "", CONTRACT_TEST),
    (CONTRACT, "self.total_steps is not None or not self.needs_length", "not self.needs_length", SCHEDULE_TEST),
    (GRADIENT, "math.inf if bound is None else bound", "math.inf", GRADIENT_TEST),
    (GRADIENT, "if not math.isfinite(value):", "if False:", GRADIENT_TEST),
    # state by name
    (STATE, "return {names[int(key)]", "return {names[-1 - int(key)]", STATE_TEST),
    (STATE, "content.keys() <= named.keys()", "False", STATE_TEST),
    (STATE, "places[id(named[name])]", "list(named).index(name)", STATE_TEST),
    (STATE, "value.shape not in (named[name].shape, torch.Size([]))", "False", STATE_TEST),
    # settings
    (SECTION, "if not self.is_shared or", "if", "tests/run/test_sampling_config.py"),
    (SECTION, "if key in known}", "}", CONFIG_TEST),
    ("src/catscale/run/sections.py", ", is_shared=True", "", CONFIG_TEST),
    (MOVED, "if both := [key for key in found if MOVED[key] in after]:", "if both := []:", MOVED_TEST),
    (MOVED, "section == SECTION and name in MOVED", "False", MOVED_TEST),
    # two descents of a training step
    (DESCENT, "            self._before.restore()\n", "            pass\n", DESCENT_TEST),
    (DESCENT, "            after.restore()\n", "            pass\n", DESCENT_TEST),
    (DESCENT, "self.balancer.repeat(", "self.balancer.backward(", DESCENT_TEST),
]
