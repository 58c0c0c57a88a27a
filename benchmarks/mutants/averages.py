"""Defects that the tests of averages must notice: (file, old code, new code, test target)."""

AVERAGING = "src/catscale/training/averaging"
MOVING = "tests/training/averaging/test_moving_average.py"
CANDIDATES = "tests/training/averaging/test_candidates.py"

MUTANTS = [
    (f"{AVERAGING}/moving_average.py", "(1 - self.decay**self.updates)", "1", MOVING),
    (f"{AVERAGING}/moving_average.py", "(1 - self.decay) /", "self.decay /", MOVING),
    (f"{AVERAGING}/moving_average.py", "self.updates = updates", "pass", MOVING),
    (f"{AVERAGING}/recent.py", "/ (len(files) + 1)", "/ len(files)", CANDIDATES),
    (f"{AVERAGING}/recent.py", "step_of(path) < step]", "step_of(path) <= step]", CANDIDATES),
    (f"{AVERAGING}/recent.py", "step_of(path) > step or", "", CANDIDATES),
    (f"{AVERAGING}/config.py", "else self.last - 1", "else self.last", CANDIDATES),
    (f"{AVERAGING}/averages.py", "own_part(parameter).copy_(value)", "pass", CANDIDATES),
    (f"{AVERAGING}/candidates.py", "if best.step == progress.step:", "if True:", CANDIDATES),
    (f"{AVERAGING}/candidates.py", "if winner.step == progress.step:", "if False:", CANDIDATES),
    ("src/catscale/training/state.py", "score < self.candidates[kind].score", "True", CANDIDATES),
    ("src/catscale/training/state.py", "math.isfinite(score) and", "", CANDIDATES),
]
