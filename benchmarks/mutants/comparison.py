"""Defects that the tests of the comparison must notice: (file, old code, new code, test target)."""

COMPARISON = "src/catscale/comparison"
RESAMPLING = "tests/comparison/test_resampling.py"
SEGMENTS = "tests/comparison/test_segments.py"
TALLY = "tests/comparison/test_tally.py"
COMPARE = "tests/comparison/test_compare.py"

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
    (f"{COMPARISON}/resampling.py", "runs[:, members].mean(1)", "runs[:, members[0]]", RESAMPLING),
    (f"{COMPARISON}/correction.py", "(len(p_values) - rank)", "len(p_values)", "tests/comparison/test_correction.py"),
    (f"{COMPARISON}/tally.py", "sums.draws / sums.directions", "sums.draws", TALLY),
    (f"{COMPARISON}/tally.py", "_std(own - base)", "_std(own)", TALLY),
    (f"{COMPARISON}/tally.py", "[self._seed, *direction.encode()]", "[self._seed, len(self._rows)]", TALLY),
    (f"{COMPARISON}/baseline.py", "(bleu, max,", "(bleu, min,", "tests/comparison/test_baseline.py"),
    (f"{COMPARISON}/baseline.py", "run.dev_scores[", "run.scores[", "tests/comparison/test_baseline.py"),
    (f"{COMPARISON}/compare.py", "if lines and not force:", "if False:", COMPARE),
    (f"{COMPARISON}/texts.py", "(*pair, seen[pair])", "(*pair, 0)", "tests/comparison/test_texts.py"),
    ("src/catscale/evaluation/nll.py", "nats[indices] =", "nats[np.sort(indices)] =", "tests/evaluation/test_nll.py"),
]
