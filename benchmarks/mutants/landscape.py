"""Defects of the analysis that its tests must notice: (file, old code, new code, test target)."""

HESSIAN = "tests/landscape/test_hessian.py"
EIGENVALUES = "tests/landscape/test_eigenvalues.py"
TRACE = "tests/landscape/test_trace.py"
FISHER = "tests/landscape/test_fisher.py"
SIMILARITY = "tests/landscape/test_similarity.py"
RECORD = "tests/analysis/test_analyzer.py"
COMMAND = "tests/cli/test_analyze.py"

MUTANTS = [
    ("src/catscale/landscape/hessian.py", "slot += product.reshape(-1)", "slot -= product.reshape(-1)", HESSIAN),
    (
        "src/catscale/landscape/hessian.py",
        "torch.zeros_like(vector, dtype=torch.float64)",
        "torch.zeros_like(vector, dtype=torch.float32)",
        HESSIAN,
    ),
    (
        "src/catscale/landscape/hessian.py",
        "torch.enable_grad(), sdpa_kernel(SDPBackend.MATH)",
        "torch.enable_grad()",
        HESSIAN,
    ),
    ("src/catscale/landscape/hessian.py", "if g is not None and g.requires_grad", "if g is not None", HESSIAN),
    ("src/catscale/landscape/hessian.py", "weight * loss()", "loss()", HESSIAN),
    ("src/catscale/landscape/hessian.py", "in tasks if weight for", "in tasks for", HESSIAN),
    ("src/catscale/landscape/eigenvalues.py", "value = torch.dot(vector, product).item()", "value = norm", EIGENVALUES),
    ("src/catscale/landscape/eigenvalues.py", "(product - value * vector)", "(product + value * vector)", EIGENVALUES),
    ("src/catscale/landscape/eigenvalues.py", "distance / abs(value) if", "distance if", EIGENVALUES),
    ("src/catscale/landscape/eigenvalues.py", "math.copysign(length, value)", "value", EIGENVALUES),
    ("src/catscale/landscape/eigenvalues.py", "max_iterations, False)", "max_iterations, True)", EIGENVALUES),
    ("src/catscale/landscape/eigenvalues.py", 'which="LM"', 'which="LA"', EIGENVALUES),
    ("src/catscale/landscape/eigenvalues.py", "np.argsort(-np.abs(values))", "np.argsort(-values)", EIGENVALUES),
    ("src/catscale/landscape/eigenvalues.py", "len(found) == top and", "", EIGENVALUES),
    (
        "src/catscale/landscape/eigenvalues.py",
        "residual <= tolerance, found",
        "residual <= 2 * tolerance, found",
        EIGENVALUES,
    ),
    ("src/catscale/landscape/trace.py", ".double() * 2 - 1", ".double()", TRACE),
    ("src/catscale/landscape/trace.py", "math.sqrt(size) if", "size if", TRACE),
    ("src/catscale/landscape/trace.py", "std(ddof=1)", "std(ddof=0)", TRACE),
    ("src/catscale/landscape/fisher.py", "squares / tokens_per_sentence", "squares", FISHER),
    ("src/catscale/landscape/fisher.py", ".square().sum().item()", ".sum().item() ** 2", FISHER),
    ("src/catscale/landscape/similarity.py", "gramians / (norms", "-gramians / (norms", SIMILARITY),
    ("src/catscale/landscape/similarity.py", "squares = norms**2", "squares = norms", SIMILARITY),
    (
        "src/catscale/landscape/similarity.py",
        "values[:, rows, columns].mean(1)",
        "values[:, rows, columns].ravel()",
        SIMILARITY,
    ),
    ("src/catscale/landscape/similarity.py", '"-".join(sorted(', '"-".join(list(', SIMILARITY),
    (
        "src/catscale/analysis/measurement.py",
        "self.squares[task] = scale_to_tokens(squares, sample.tokens / sample.size)",
        "self.squares[task] = scale_to_tokens(squares, sample.size / sample.tokens)",
        RECORD,
    ),
    ("src/catscale/analysis/measurement.py", "np.tensordot(alpha, ", "np.tensordot(alpha**2, ", RECORD),
    (
        "src/catscale/analysis/measurement.py",
        "gramian([rows[task], row])",
        "gramian([rows[self.tasks[0]], row])",
        RECORD,
    ),
    ("src/catscale/analysis/measurement.py", "list(crosses.values())", "list(crosses.values())[::-1]", RECORD),
    ("src/catscale/analysis/measurement.py", "sum(found.values(), others)", "sum(found.values())", RECORD),
    (
        "src/catscale/analysis/measurement.py",
        '"i,sij,j->s", alpha, gramians, alpha',
        '"i,sii,i->s", alpha, gramians, alpha',
        RECORD,
    ),
    ("src/catscale/analysis/sample.py", "_loss(model, part, self.tokens)", "_loss(model, part, part.tokens)", RECORD),
    (
        "src/catscale/analysis/sample.py",
        "np.searchsorted(reached, tokens)) + 1",
        "np.searchsorted(reached, tokens))",
        RECORD,
    ),
    ("src/catscale/analysis/analyzer.py", "in_mode(self.model, False)", "in_mode(self.model, True)", RECORD),
    ("src/catscale/model/mode.py", "        model.train(was_training)\n", "        pass\n", "tests/model/test_mode.py"),
    (
        "src/catscale/training/objective_weights.py",
        "weight * share",
        "weight",
        "tests/training/test_objective_weights.py",
    ),
    (
        "src/catscale/training/trainer.py",
        "self._leave_out(self.analysis.run(progress, reporter, interrupt))",
        "self.analysis.run(progress, reporter, interrupt)",
        COMMAND,
    ),
    ("src/catscale/training/live_analysis.py", "if interrupt.is_set:", "if False:", COMMAND),
    ("src/catscale/training/state.py", "not score < self.best", "score < self.best", "tests/training/test_trainer.py"),
    ("src/catscale/analysis/analysis_file.py", "records[-1], ", "records[0], ", COMMAND),
    ("src/catscale/run/commands/analyze.py", "merge(live, ", "merge(", COMMAND),
    (
        "src/catscale/run/commands/analyze.py",
        "assembly.config.model.hold_fixed(load_model(snapshot.folder).to(device))",
        "load_model(snapshot.folder).to(device)",
        COMMAND,
    ),
    (
        "src/catscale/model/m2m100_model.py",
        'isinstance(module, LayerNorm)],\n                "D',
        'False],\n                "D',
        "tests/model/test_m2m100.py",
    ),
    ("src/catscale/run/folder/run_folder.py", '"analysis": None,', "", COMMAND),
]
