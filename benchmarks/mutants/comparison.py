"""Defects that the tests of the comparison must notice: (file, old code, new code, test target)."""

COMPARISON = "src/catscale/comparison"
RESAMPLING = "tests/comparison/test_resampling.py"
SEGMENTS = "tests/comparison/test_segments.py"
TALLY = "tests/comparison/test_tally.py"
COMPARE = "tests/comparison/test_compare.py"
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
    (f"{COMPARISON}/resampling.py", "runs[:, members].mean(1)", "runs[:, members[0]]", RESAMPLING),
    (f"{COMPARISON}/correction.py", "(len(p_values) - rank)", "len(p_values)", "tests/comparison/test_correction.py"),
    (f"{COMPARISON}/tally.py", "sums.draws / sums.directions", "sums.draws", TALLY),
    (f"{COMPARISON}/tally.py", "_std(own - base)", "_std(own)", TALLY),
    (f"{COMPARISON}/tally.py", "[self._seed, *direction.encode()]", "[self._seed, len(self._rows)]", TALLY),
    (f"{COMPARISON}/tally.py", "noise, len(own), len(base)", "noise, len(own), len(own)", TALLY),
    (f"{COMPARISON}/tally.py", "difference.p_decisive for", "difference.p_two_sided for", TALLY),
    (f"{COMPARISON}/seeds.py", "(1 / runs + 1 / base_runs)", "(1 / runs)", SEEDS),
    (f"{COMPARISON}/seeds.py", "noise.freedom * total / of_seeds", "noise.freedom * (total / of_seeds) ** 2", SEEDS),
    (f"{COMPARISON}/seeds.py", "sentence_std**2 + of_seeds", "of_seeds", SEEDS),
    (f"{COMPARISON}/seeds.py", "len(of_method) - 1 for", "len(of_method) for", SEEDS),
    (
        "src/catscale/report/data_table.py",
        "parts[1:]), steps]",
        "parts[1:]), parts[-1][0]]",
        "tests/report/test_data_table.py",
    ),
    (f"{COMPARISON}/baseline.py", "(bleu, max,", "(bleu, min,", "tests/comparison/test_baseline.py"),
    (f"{COMPARISON}/baseline.py", "run.dev_scores[", "run.scores[", "tests/comparison/test_baseline.py"),
    (f"{COMPARISON}/compare.py", "if lines and not force:", "if False:", COMPARE),
    (f"{COMPARISON}/texts.py", "(*pair, seen[pair])", "(*pair, 0)", "tests/comparison/test_texts.py"),
    ("src/catscale/evaluation/nll.py", "nats[indices] =", "nats[np.sort(indices)] =", "tests/evaluation/test_nll.py"),
]
