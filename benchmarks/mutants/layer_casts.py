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
    (CASTS, "if type(each) is Linear", "if isinstance(each, Linear)", UNIT),
    (CASTS, "parameter is not None and parameter.requires_grad and", "parameter is not None and", UNIT),
    (CASTS, "if parameter is not None and parameter.requires_grad", "if parameter.requires_grad", UNIT),
    (CASTS, " and parameter.dtype == torch.float32", "", UNIT),
    (CASTS, "                node._set_sequence_nr(FIRST)", "                pass", UNIT),
    (CASTS, "    runs_no_backward = True\n", "", STEP),
    (CASTS, 'vars(type(model)).get("casts_layers", False)', "model.casts_layers", UNIT),
    (CASTS, "            if own:\n", "            if True:\n", UNIT),
    (CASTS, "        ctx.set_materialize_grads(False)\n", "", UNIT),
    (CASTS, "if each is not None], torch.float32)", "if each is not None], torch.float64)", UNIT),
    (CASTS, "torch._foreach_copy_(copies, list(tensors))", "copies = [each.to(dtype) for each in tensors]", UNIT),
    (CASTS, "                found |= dict(zip", "                found = dict(zip", UNIT),
    (
        LOSSES,
        'keep = self._keep_casts if request.kind == "nothing" else nullcontext',
        "keep = self._keep_casts",
        STEP,
    ),
    (LOSSES, "if is_plain else None", "if True else None", STEP),
    (LOSSES, " and not setup.config.gradient_checkpointing", "", STEP),
    (LOSSES, " and not is_compiled(self.objective.model)", "", STEP),
    (LOSSES, "losses, totals = self.casts(", "losses, totals = self.objective(", "tests/training/test_operations.py"),
    (LOSSES, "loss, total = self.casts(", "loss, total = self.objective(", STEP),
    (DESCENT, "keep_casts(self.device), self.prepared.kept_casts()", "keep_casts(self.device)", STEP),
    (DESCENT, "keep_casts(self.device), self.prepared.kept_casts()", "self.prepared.kept_casts()", WAITS),
    (DESCENT, "not (is_at_once or is_sharded(", "not (is_sharded(", WAITS),
    (DESCENT, 'is_at_once = self.balancer.request.kind == "nothing" and', "is_at_once =", WAITS),
    (LOSSES, "may_cast_layers(setup.model) and is_kept", "is_kept", STEP),
    ("src/catscale/model/checks.py", "is_same = one is other is None or ", "is_same = True or ", UNIT),
    (COMPILED, 'isinstance(vars(layer).get("forward"), TrainingForward)', '"forward" in dir(layer)', STEP),
]
