"""Defects that the tests of layers whose parameters are cast together must notice."""

CASTS, DESCENT = "src/catscale/model/layer_casts.py", "src/catscale/training/descent.py"
LOSSES, COMPILED = "src/catscale/training/step_losses.py", "src/catscale/model/compiled.py"
UNIT, STEP = "tests/model/test_layer_casts.py", "tests/training/test_casts_of_a_step.py"
WAITS = "tests/training/test_waits.py"

MUTANTS = [
    (CASTS, "if self._dtype is None or not torch.is_grad_enabled():", "if self._dtype is None:", UNIT),
    (CASTS, "if self._dtype is None or not torch.is_grad_enabled():", "if True:", UNIT),
    (CASTS, "        if self._casts is None:\n", "        if True:\n", UNIT),
    (CASTS, "            self._dtype = self._casts = None", "            self._dtype = None", UNIT),
    (CASTS, "            self._dtype = self._casts = None", "            self._casts = None", UNIT),
    (CASTS, "        try:\n            yield\n        finally:\n", "        if True:\n            yield\n", UNIT),
    (CASTS, "if type(linear) is Linear\n", "if isinstance(linear, Linear)\n", UNIT),
    (CASTS, "                if parameter.requires_grad\n", "", UNIT),
    (CASTS, "            if own:\n", "            if True:\n", UNIT),
    (CASTS, "        ctx.set_materialize_grads(False)\n", "", UNIT),
    (CASTS, "ctx.type = parameters[0].dtype", "ctx.type = dtype", UNIT),
    (CASTS, "torch._foreach_copy_(copies, list(tensors))", "copies = [each.to(dtype) for each in tensors]", UNIT),
    (CASTS, "            found |= dict(zip", "            found = dict(zip", UNIT),
    (
        LOSSES,
        'kept_casts=self._keep_casts) if request.kind == "nothing" else',
        "kept_casts=self._keep_casts) if True else",
        STEP,
    ),
    (LOSSES, "if is_plain else None", "if True else None", STEP),
    (LOSSES, " and not setup.config.gradient_checkpointing", "", STEP),
    (LOSSES, " and not is_compiled(self.objective.model)", "", STEP),
    (LOSSES, "losses, totals = self.casts(", "losses, totals = self.objective(", "tests/training/test_operations.py"),
    (LOSSES, "loss, total = self.casts(", "loss, total = self.objective(", STEP),
    (DESCENT, "keep_casts(self.device), self.prepared.kept_casts()", "keep_casts(self.device)", STEP),
    (DESCENT, "keep_casts(self.device), self.prepared.kept_casts()", "self.prepared.kept_casts()", WAITS),
    (DESCENT, "        if is_at_once or is_sharded", "        if is_sharded", WAITS),
    (DESCENT, 'is_at_once = self.balancer.request.kind == "nothing" and', "is_at_once =", WAITS),
    (COMPILED, 'isinstance(vars(layer).get("forward"), TrainingForward)', '"forward" in dir(layer)', STEP),
]
