"""Defects that the tests of decoding and scoring must notice: (file, old code, new code, test target)."""

EVALUATION = "src/catscale/evaluation"
DECODE = "tests/evaluation/test_decode.py"
DEGENERATE = "tests/evaluation/test_degenerate.py"
ENSEMBLE = "tests/evaluation/test_ensemble.py"
COMMAND = "tests/cli/test_decoding.py"
REFERENCES = "tests/cli/test_references.py"

MUTANTS = [
    (f"{EVALUATION}/decode_ctranslate2.py", "score * len(tokens) **", "score * len(ids) **", DECODE),
    (f"{EVALUATION}/decode_ctranslate2.py", "finished = tokens[-1] == end", "finished = True", DECODE),
    (f"{EVALUATION}/decode_huggingface.py", "settings.length_penalty > 0 or n_best > 1", "True", DECODE),
    (f"{EVALUATION}/decode_huggingface.py", "ends.int().argmax(1) + 1", "ends.int().argmax(1)", DECODE),
    (f"{EVALUATION}/ensemble.py", "(total / (1 + len(self._others)))", "total", ENSEMBLE),
    (f"{EVALUATION}/ensemble.py", "encoded.repeat_interleave(beam, 0)", "encoded.repeat(beam, 1, 1)", ENSEMBLE),
    (f"{EVALUATION}/degenerate.py", "if len(set(found)) > 1", "if len(found) > 1", DEGENERATE),
    (f"{EVALUATION}/degenerate.py", "row[0] != row[3]]", "True]", DEGENERATE),
    (f"{EVALUATION}/degenerate.py", "{TIMES - 1},", "{TIMES + 1},", DEGENERATE),
    (f"{EVALUATION}/scoring.py", "line if line.strip() else None", "line", REFERENCES),
    (f"{EVALUATION}/watch.py", "sum(self._done.values())", "done", "tests/evaluation/test_watch.py"),
    ("src/catscale/comparison/corpus_scores.py", "scores: Floats = 100 * np.where(length", "scores: Floats = np.where(length", "tests/comparison/test_segments.py"),
    ("src/catscale/data/stages.py", "if not is_empty(pair) and all(self.vocabulary.encode(list(pair))):", "if True:", REFERENCES),
    ("src/catscale/run/converted.py", "or {**found, MADE_HERE: None} != {**wanted, MADE_HERE: None}", "or False", COMMAND),
    ("src/catscale/run/converted.py", "if problem := find_damage(", "if problem := str() or False and find_damage(", COMMAND),
]  # fmt: skip
