"""Defects that the tests of the comparison must notice: (file, old code, new code, test target)."""

COMPARISON = "src/catscale/comparison"
RESAMPLING = "tests/comparison/test_resampling.py"
BLEU = "tests/evaluation/metrics/test_bleu.py"
CHRF = "tests/evaluation/metrics/test_chrf.py"
TER = "tests/evaluation/metrics/test_ter.py"
CHOSEN = "tests/comparison/test_measuring.py"
TALLY = "tests/comparison/test_rows.py"
COMPARE = "tests/comparison/test_compare.py"
VERDICT = "tests/comparison/test_verdict.py"
POWER_LAW = "tests/comparison/test_double_power_law.py"
BEST_TEMPERATURE = "tests/report/figures/test_best_temperature.py"
SAFE_TEXT = "tests/system/console/test_safe_text.py"
SEEDS = "tests/comparison/test_seeds.py"
FORGETTING = "tests/comparison/test_forgetting.py"
JUDGING = "tests/test_table_judging.py"

MUTANTS = [
    ("src/catscale/comparison/baseline.py", "metric or MAIN", "MAIN", "tests/comparison/test_baseline.py"),
    (
        "src/catscale/comparison/baseline.py",
        "max if metric.higher_is_better else min",
        "max",
        "tests/comparison/test_baseline.py",
    ),
    (
        "src/catscale/comparison/baseline.py",
        "metric.least is not None and max",
        "max",
        "tests/comparison/test_baseline.py",
    ),
    (
        "src/catscale/comparison/baseline.py",
        "max(known.values()) < metric.least",
        "max(known.values()) < 0",
        "tests/comparison/test_baseline.py",
    ),
    (
        "src/catscale/comparison/compare.py",
        "question.baseline, question.metric)",
        "question.baseline)",
        "tests/comparison/test_compare.py",
    ),
    (f"{COMPARISON}/double_power_law.py", "/ temperatures[:, None]", "* temperatures[:, None]", POWER_LAW),
    (f"{COMPARISON}/double_power_law.py", "shares**-alpha", "shares**alpha", POWER_LAW),
    (f"{COMPARISON}/double_power_law.py", "np.exp(gamma *", "np.exp(-gamma *", POWER_LAW),
    (f"{COMPARISON}/double_power_law.py", "scale * rng", "0 * rng", POWER_LAW),
    (f"{COMPARISON}/double_power_law.py", "return 6 + tasks", "return 5 + tasks", POWER_LAW),
    ("src/catscale/report/figures/best_temperature.py", "best = min(scored", "best = max(scored", BEST_TEMPERATURE),
    (
        "src/catscale/evaluation/metrics/ngrams.py",
        "left[starts] >= n",
        "left[starts] > n",
        "tests/evaluation/metrics/test_ngrams.py",
    ),
    ("src/catscale/evaluation/metrics/ngrams.py", "% sentences, sentences)", "% sentences, sentences) // 2", BLEU),
    ("src/catscale/evaluation/metrics/bleu.py", "0.5**halvings", "0.5", BLEU),
    ("src/catscale/evaluation/metrics/bleu.py", "1 - length / given_length", "1 - given_length / length", BLEU),
    ("src/catscale/evaluation/metrics/bleu.py", "language, self.tokenizer)", "language)", BLEU),
    ("src/catscale/evaluation/metrics/chrf.py", "BETA = 2", "BETA = 1", CHRF),
    ("src/catscale/evaluation/metrics/chrf.py", "np.where(theirs > 0, ours, 0)", "ours + 0 * theirs", CHRF),
    ("src/catscale/evaluation/metrics/chrf.py", "(scores > highest) &", "(scores >= 0) &", CHRF),
    ("src/catscale/evaluation/metrics/chrf.py", "words += [word[:-1], word[-1]]", "words.append(word)", CHRF),
    ("src/catscale/evaluation/metrics/nll.py", "nats / tokens", "nats", "tests/evaluation/metrics/test_nll.py"),
    ("src/catscale/evaluation/metrics/contract.py", "if rows is None else rows for", "for", TER),
    ("src/catscale/evaluation/metrics/sacrebleu_api.py", "if len(counts) == 1 else -1", "", BLEU),
    ("src/catscale/comparison/measuring.py", "if lines and not force:", "if False:", COMPARE),
    ("src/catscale/comparison/measuring.py", "len(lacking) < len(runs) or", "", CHOSEN),
    ("src/catscale/comparison/resampling.py", "np.abs(draws - draws.mean()) >=", "np.abs(draws) >=", RESAMPLING),
    ("src/catscale/comparison/resampling.py", "b.sum(0) + moved", "b.sum(0) - moved", RESAMPLING),
    ("src/catscale/comparison/resampling.py", "sizes - sizes.mean() >", "sizes >", RESAMPLING),
    ("src/catscale/comparison/resampling.py", "scores.mean(1) for", "scores[:, 0] for", RESAMPLING),
    (
        "src/catscale/comparison/correction.py",
        "(len(p_values) - rank)",
        "len(p_values)",
        "tests/comparison/test_correction.py",
    ),
    ("src/catscale/comparison/resampling.py", "max(1, scores.shape[1] - 1)", "scores.shape[1]", RESAMPLING),
    ("src/catscale/comparison/rows.py", "self.draws / count", "self.draws", TALLY),
    ("src/catscale/comparison/rows.py", "self.within / count**2", "self.within / count", TALLY),
    ("src/catscale/comparison/rows.py", "_std(own - base)", "_std(own)", TALLY),
    ("src/catscale/comparison/rows.py", "[self._seed, *direction.encode()]", "[self._seed, len(self._rows)]", TALLY),
    ("src/catscale/comparison/rows.py", "resampled.within[self._base]", "resampled.within[i]", TALLY),
    ("src/catscale/comparison/rows.py", "(over_seeds or is_given) and p_value", "p_value", TALLY),
    (
        "src/catscale/comparison/seeds.py",
        "shares = ours.variance / ours.runs, theirs",
        "shares = ours.variance, theirs",
        SEEDS,
    ),
    ("src/catscale/comparison/seeds.py", "sentence_std**2 - single", "sentence_std**2", SEEDS),
    ("src/catscale/comparison/seeds.py", "(freedom - 1) * ratio", "freedom * 2 * ratio", SEEDS),
    ("src/catscale/comparison/seeds.py", "(common + seeds) ** 0.5", "seeds**0.5", SEEDS),
    ("src/catscale/comparison/seeds.py", "if p_value < SIGNIFICANCE and", "if False and", SEEDS),
    ("src/catscale/comparison/seeds.py", "seeds * freedom / 2 /", "seeds * freedom /", SEEDS),
    ("src/catscale/comparison/seeds.py", "None if len(scores) < 2", "None if len(scores) < 1", SEEDS),
    (
        "src/catscale/comparison/copies.py",
        "if not all(np.array_equal",
        "if all(np.array_equal",
        "tests/comparison/test_copies.py",
    ),
    ("src/catscale/comparison/copies.py", "if all(", "if any(", "tests/comparison/test_copies.py"),
    (
        "src/catscale/report/data_table.py",
        "parts[1:]), steps]",
        "parts[1:]), parts[-1][0]]",
        "tests/report/test_data_table.py",
    ),
    (
        "src/catscale/comparison/baseline.py",
        "(scores, best, on_dev,",
        "(scores, min, on_dev,",
        "tests/comparison/test_baseline.py",
    ),
    ("src/catscale/comparison/baseline.py", "run.dev_scores[", "run.scores[", "tests/comparison/test_baseline.py"),
    (
        "src/catscale/comparison/threshold.py",
        "row.mean, baseline.mean) <",
        "row.mean) <",
        "tests/comparison/test_threshold.py",
    ),
    ("src/catscale/comparison/verdict.py", "if sign * difference.mean > 0", "if difference.mean > 0", VERDICT),
    ("src/catscale/comparison/verdict.py", "sign * clear[name].mean", "-sign * clear[name].mean", VERDICT),
    ("src/catscale/system/console/safe_text.py", '("Cc", "Cs", "Zl", "Zp")', '("Cc", "Cs")', SAFE_TEXT),
    ("src/catscale/system/console/safe_text.py", "return character in SEEN_FORMATS", "return True", SAFE_TEXT),
    ("src/catscale/system/console/safe_text.py", "(^|;)([", "(^)([", SAFE_TEXT),
    (
        "src/catscale/comparison/translations.py",
        "(*pair, seen[pair])",
        "(*pair, 0)",
        "tests/comparison/test_translations.py",
    ),
    (
        f"{COMPARISON}/forgetting.py",
        '"old" if direction in old else "new"',
        '"new" if direction in old else "old"',
        FORGETTING,
    ),
    (f"{COMPARISON}/forgetting.py", "if name not in old]", "]", FORGETTING),
    (f"{COMPARISON}/forgetting.py", "members = [[0], *", "members = [[1], *", FORGETTING),
    (f"{COMPARISON}/forgetting.py", "before.get(key) != after.get(key)", "False", FORGETTING),
    (f"{COMPARISON}/rows.py", "(over_seeds or is_given)", "over_seeds", FORGETTING),
    (f"{COMPARISON}/rows.py", '(group,) if self._is_given else ("all", group)', '("all", group)', FORGETTING),
    ("experiments/run.py", "metric=table.metric", "metric=None", JUDGING),
    ("experiments/run.py", "baseline=table.baseline)", "baseline=None)", JUDGING),
    ("experiments/run.py", "if table.baseline not in {None, *", "if False and table.baseline not in {None, *", JUDGING),
    ("experiments/run.py", "if other.method == row.method} == seeds", "}", JUDGING),
    ("experiments/tables.py", 'if given and "test" not in', 'if False and "test" not in', JUDGING),
    ("experiments/tables.py", "always | {metric.name", "{metric.name", JUDGING),
    ("experiments/tables.py", "not isinstance(given, str) or given not in known", "given not in METRICS", JUDGING),
    ("experiments/tables.py", ' or not named["why"].strip()', "", JUDGING),
    ("experiments/summary.py", "table.why or rename", "rename", JUDGING),
]
