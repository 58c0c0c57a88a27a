"""Defects that the tests of the comparison must notice: (file, old code, new code, test target)."""

COMPARISON = "src/catscale/comparison"
RESAMPLING = "tests/comparison/test_resampling.py"
SEGMENTS = "tests/comparison/test_segments.py"
TALLY = "tests/comparison/test_tally.py"
COMPARE = "tests/comparison/test_compare.py"
VERDICT = "tests/comparison/test_verdict.py"
SAFE_TEXT = "tests/system/test_safe_text.py"
SEEDS = "tests/comparison/test_seeds.py"

MUTANTS = [
    (f"{COMPARISON}/ngrams.py", "left[starts] >= n", "left[starts] > n", "tests/comparison/test_ngrams.py"),
    (f"{COMPARISON}/ngrams.py", "% sentences, sentences)", "% sentences, sentences) // 2", SEGMENTS),
    (f"{COMPARISON}/corpus_scores.py", "0.5**halvings", "0.5", SEGMENTS),
    (f"{COMPARISON}/corpus_scores.py", "1 - length / given_length", "1 - given_length / length", SEGMENTS),
    (f"{COMPARISON}/corpus_scores.py", "BETA = 2", "BETA = 1", SEGMENTS),
    (f"{COMPARISON}/segments.py", "np.where(theirs > 0, ours, 0)", "ours + 0 * theirs", SEGMENTS),
    (f"{COMPARISON}/resampling.py", "np.abs(draws - draws.mean()) >=", "np.abs(draws) >=", RESAMPLING),
    (f"{COMPARISON}/resampling.py", "b.sum(0) + moved", "b.sum(0) - moved", RESAMPLING),
    (f"{COMPARISON}/resampling.py", "sizes - sizes.mean() >", "sizes >", RESAMPLING),
    (f"{COMPARISON}/resampling.py", "scores.mean(1) for", "scores[:, 0] for", RESAMPLING),
    (f"{COMPARISON}/correction.py", "(len(p_values) - rank)", "len(p_values)", "tests/comparison/test_correction.py"),
    (f"{COMPARISON}/resampling.py", "max(1, scores.shape[1] - 1)", "scores.shape[1]", RESAMPLING),
    (f"{COMPARISON}/tally.py", "self.draws / count", "self.draws", TALLY),
    (f"{COMPARISON}/tally.py", "self.within / count**2", "self.within / count", TALLY),
    (f"{COMPARISON}/tally.py", "_std(own - base)", "_std(own)", TALLY),
    (f"{COMPARISON}/tally.py", "[self._seed, *direction.encode()]", "[self._seed, len(self._rows)]", TALLY),
    (f"{COMPARISON}/tally.py", "resampled.within[self._base]", "resampled.within[i]", TALLY),
    (f"{COMPARISON}/tally.py", "over_seeds and p_value < LEVEL", "p_value < LEVEL", TALLY),
    (f"{COMPARISON}/seeds.py", "shares = ours.variance / ours.runs, theirs", "shares = ours.variance, theirs", SEEDS),
    (f"{COMPARISON}/seeds.py", "sentence_std**2 - single", "sentence_std**2", SEEDS),
    (f"{COMPARISON}/seeds.py", "(freedom - 1) * ratio", "freedom * 2 * ratio", SEEDS),
    (f"{COMPARISON}/seeds.py", "(common + seeds) ** 0.5", "seeds**0.5", SEEDS),
    (f"{COMPARISON}/seeds.py", "if p_value < LEVEL and", "if False and", SEEDS),
    (f"{COMPARISON}/seeds.py", "seeds * freedom / 2 /", "seeds * freedom /", SEEDS),
    (f"{COMPARISON}/seeds.py", "None if len(scores) < 2", "None if len(scores) < 1", SEEDS),
    (f"{COMPARISON}/copies.py", "not np.array_equal", "np.array_equal", "tests/comparison/test_copies.py"),
    (f"{COMPARISON}/copies.py", "if all(", "if any(", "tests/comparison/test_copies.py"),
    (
        "src/catscale/report/data_table.py",
        "parts[1:]), steps]",
        "parts[1:]), parts[-1][0]]",
        "tests/report/test_data_table.py",
    ),
    (f"{COMPARISON}/baseline.py", "(bleu, max,", "(bleu, min,", "tests/comparison/test_baseline.py"),
    (f"{COMPARISON}/baseline.py", "run.dev_scores[", "run.scores[", "tests/comparison/test_baseline.py"),
    (f"{COMPARISON}/compare.py", "if lines and not force:", "if False:", COMPARE),
    (f"{COMPARISON}/threshold.py", "row.mean, baseline.mean) <", "row.mean) <", "tests/comparison/test_threshold.py"),
    (f"{COMPARISON}/verdict.py", "if sign * difference.mean > 0", "if difference.mean > 0", VERDICT),
    (f"{COMPARISON}/verdict.py", "sign * clear[name].mean", "-sign * clear[name].mean", VERDICT),
    ("src/catscale/system/safe_text.py", '("Cc", "Cs", "Zl", "Zp")', '("Cc", "Cs")', SAFE_TEXT),
    ("src/catscale/system/safe_text.py", "return character in SEEN_FORMATS", "return True", SAFE_TEXT),
    ("src/catscale/system/safe_text.py", "(^|;)([", "(^)([", SAFE_TEXT),
    (f"{COMPARISON}/texts.py", "(*pair, seen[pair])", "(*pair, 0)", "tests/comparison/test_texts.py"),
    ("src/catscale/evaluation/nll.py", "nats[indices] =", "nats[np.sort(indices)] =", "tests/evaluation/test_nll.py"),
]
