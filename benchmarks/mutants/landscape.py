"""Defects of the analysis that its tests must notice: (file, old code, new code, test target)."""

LANDSCAPE, TRAINING, RUN = (f"src/catscale/{name}" for name in ("landscape", "training", "run"))
HESSIAN = "tests/landscape/test_hessian.py"
EIGENVALUES = "tests/landscape/test_eigenvalues.py"
TRACE = "tests/landscape/test_trace.py"
FISHER = "tests/landscape/test_fisher.py"
SIMILARITY = "tests/landscape/test_similarity.py"
RECORD = "tests/training/test_analysis.py"
COMMAND = "tests/cli/test_analyze.py"

MUTANTS = [
    (f"{LANDSCAPE}/hessian.py", "slot += product.reshape(-1)", "slot -= product.reshape(-1)", HESSIAN),
    (
        f"{LANDSCAPE}/hessian.py",
        "torch.zeros_like(vector, dtype=torch.float64)",
        "torch.zeros_like(vector, dtype=torch.float32)",
        HESSIAN,
    ),
    (f"{LANDSCAPE}/hessian.py", "torch.enable_grad(), sdpa_kernel(SDPBackend.MATH)", "torch.enable_grad()", HESSIAN),
    (f"{LANDSCAPE}/hessian.py", "if g is not None and g.requires_grad", "if g is not None", HESSIAN),
    (f"{LANDSCAPE}/hessian.py", "weight * loss()", "loss()", HESSIAN),
    (f"{LANDSCAPE}/hessian.py", "in tasks if weight for", "in tasks for", HESSIAN),
    (f"{LANDSCAPE}/eigenvalues.py", "value = torch.dot(vector, product).item()", "value = norm", EIGENVALUES),
    (f"{LANDSCAPE}/eigenvalues.py", "(product - value * vector)", "(product + value * vector)", EIGENVALUES),
    (f"{LANDSCAPE}/eigenvalues.py", "distance / abs(value) if", "distance if", EIGENVALUES),
    (f"{LANDSCAPE}/eigenvalues.py", "math.copysign(length, value)", "value", EIGENVALUES),
    (f"{LANDSCAPE}/eigenvalues.py", "max_iterations, False)", "max_iterations, True)", EIGENVALUES),
    (f"{LANDSCAPE}/eigenvalues.py", 'which="LM"', 'which="LA"', EIGENVALUES),
    (f"{LANDSCAPE}/eigenvalues.py", "np.argsort(-np.abs(values))", "np.argsort(-values)", EIGENVALUES),
    (f"{LANDSCAPE}/eigenvalues.py", "len(found) == top and", "", EIGENVALUES),
    (f"{LANDSCAPE}/eigenvalues.py", "residual <= tolerance, found", "residual <= 2 * tolerance, found", EIGENVALUES),
    (f"{LANDSCAPE}/trace.py", ".double() * 2 - 1", ".double()", TRACE),
    (f"{LANDSCAPE}/trace.py", "math.sqrt(size) if", "size if", TRACE),
    (f"{LANDSCAPE}/trace.py", "std(ddof=1)", "std(ddof=0)", TRACE),
    (f"{LANDSCAPE}/fisher.py", "squares / tokens_per_sentence", "squares", FISHER),
    (f"{LANDSCAPE}/fisher.py", ".square().sum().item()", ".sum().item() ** 2", FISHER),
    (f"{LANDSCAPE}/similarity.py", "gramians / (norms", "-gramians / (norms", SIMILARITY),
    (f"{LANDSCAPE}/similarity.py", "squares = norms**2", "squares = norms", SIMILARITY),
    (f"{LANDSCAPE}/similarity.py", "values[:, rows, columns].mean(1)", "values[:, rows, columns].ravel()", SIMILARITY),
    (f"{LANDSCAPE}/similarity.py", '"-".join(sorted(', '"-".join(list(', SIMILARITY),
    (
        f"{TRAINING}/analysis_measurement.py",
        "self.squares[task] = scale_to_tokens(squares, sample.tokens / sample.size)",
        "self.squares[task] = scale_to_tokens(squares, sample.size / sample.tokens)",
        RECORD,
    ),
    (f"{TRAINING}/analysis_measurement.py", "np.tensordot(alpha, ", "np.tensordot(alpha**2, ", RECORD),
    (f"{TRAINING}/analysis_measurement.py", "sum(found.values(), others)", "sum(found.values())", RECORD),
    (
        f"{TRAINING}/analysis_measurement.py",
        '"i,sij,j->s", alpha, gramians, alpha',
        '"i,sii,i->s", alpha, gramians, alpha',
        RECORD,
    ),
    (f"{TRAINING}/analysis_sample.py", "_loss(model, part, self.tokens)", "_loss(model, part, part.tokens)", RECORD),
    (
        f"{TRAINING}/analysis_sample.py",
        "np.searchsorted(reached, tokens)) + 1",
        "np.searchsorted(reached, tokens))",
        RECORD,
    ),
    (f"{TRAINING}/analysis.py", "self.model.eval()", "self.model.train()", RECORD),
    (f"{TRAINING}/analysis.py", "self.model.train(was_training)", "pass", RECORD),
    (f"{TRAINING}/objective_weights.py", "weight * share", "weight", "tests/training/test_objective_weights.py"),
    (f"{TRAINING}/trainer.py", "self._started += self.analysis.run(", "self.analysis.run(", COMMAND),
    (f"{TRAINING}/live_analysis.py", "if interrupt.is_set:", "if False:", COMMAND),
    (f"{TRAINING}/state.py", "not score < self.best", "score < self.best", "tests/training/test_trainer.py"),
    (f"{RUN}/analysis_file.py", "records[-1], ", "records[0], ", COMMAND),
    (f"{RUN}/analyze.py", "merge(live_records(folder, config.analysis.split), ", "merge(", COMMAND),
    (f"{RUN}/analyze.py", "freeze_layer_norms(model)\n    tasks", "pass\n    tasks", COMMAND),
    (
        "src/catscale/model/groups.py",
        'isinstance(module, LayerNorm)],\n            "D',
        'False],\n            "D',
        "tests/model/test_groups.py",
    ),
    ("src/catscale/run/folder.py", '"evaluation": None, "analysis": None', '"evaluation": None', COMMAND),
]
