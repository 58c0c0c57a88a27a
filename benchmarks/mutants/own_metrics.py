"""Defects that the tests of metrics and methods of the user's own must notice."""

METRICS = "src/catscale/evaluation/metrics"
OWN = "tests/evaluation/metrics/test_own_metric.py"
TEXT = "tests/run/test_method_text.py"

MUTANTS = [
    (f"{METRICS}/sentence_metric.py", "self.bounds[0] + sums[..., 0]", "sums[..., 0]", OWN),
    (f"{METRICS}/sentence_metric.py", "np.stack([(scores - low) * weights", "np.stack([scores * weights", OWN),
    (f"{METRICS}/sentence_metric.py", "(found >= low) & (found <= high)", "(found >= low)", OWN),
    (f"{METRICS}/sentence_metric.py", "np.isfinite(found) & (found >= low)", "np.isfinite(found)", OWN),
    (f"{METRICS}/sentence_metric.py", "if found.shape != (", "if False and found.shape != (", OWN),
    (f"{METRICS}/sentence_metric.py", "if not bounds[0] < bounds[1]", "if not bounds[0] <= bounds[0]", OWN),
    (f"{METRICS}/sentence_metric.py", "*settings, f", "f", OWN),
    (f"{METRICS}/table.py", "if context is not OWN:", "if False:", OWN),
    (
        f"{METRICS}/table.py",
        'update={"label": name}) if facts.label in labels',
        "update={}) if facts.label in labels",
        OWN,
    ),
    (f"{METRICS}/table.py", "METRICS.items() if key != name]", "METRICS.items()]", OWN),
    (f"{METRICS}/recorded.py", "setattr(made, key, getattr(facts, key))", "pass", OWN),
    (f"{METRICS}/recorded.py", 'found._signed = signature or "unknown"', "pass", OWN),
    (f"{METRICS}/scoring.py", "metric.score(segments, counts.get(metric.name))", "metric.score(segments)", OWN),
    ("src/catscale/comparison/comparable.py", "_own_metric_differences(runs) + ", "", OWN),
    ("src/catscale/evaluation/translations.py", "remove_file(left)", "pass", OWN),
    (
        "src/catscale/evaluation/translations.py",
        '{self.direction}.{OWN_COUNTS}*"',
        '{self.direction}*.{OWN_COUNTS}*"',
        OWN,
    ),
    ("src/catscale/evaluation/scores_schema.py", "_check_own(content, OwnScore)", "pass", OWN),
    ("src/catscale/evaluation/scores_schema.py", "_check_own(content, MetricFacts)", "pass", OWN),
    (
        "src/catscale/evaluation/scores_schema.py",
        "for key, value in content.items()}, OwnMean)",
        "for key, value in ()}, OwnMean)",
        OWN,
    ),
    ("src/catscale/run/decoding.py", '== "evaluation.metrics" for text', '!= "" for text', OWN),
    ("src/catscale/run/folder/readback.py", 'learn_recorded(scores.get("evaluation") or {})', "pass", OWN),
    (
        "src/catscale/run/sweep_runs.py",
        "*splits, *_name_own_metrics(run.config.evaluation)]",
        "*splits]",
        "tests/run/test_sweep_runs.py",
    ),
    ("src/catscale/run/method_text.py", 'own["module"] not in _list_known()', "True", TEXT),
    (
        "src/catscale/run/method_text.py",
        '_parse_settings(own["rest"] or "", method)',
        '_parse_settings("", method)',
        TEXT,
    ),
    ("src/catscale/run/method_text.py", "return fitting[0], found", "return fitting[0], bases[fitting[0]]", TEXT),
    ("src/catscale/run/method_text.py", "return fitting[0], found", 'return "sampling", found', TEXT),
    (
        "src/catscale/settings/own_class.py",
        'if lacking := sorted(getattr(found, "__abstractmethods__", ())):',
        "if lacking := []:",
        OWN,
    ),
]
