"""Defects that the tests of decoding and scoring must notice: (file, old code, new code, test target)."""

EVALUATION = "src/catscale/evaluation"
DECODE = "tests/evaluation/decoding/test_decoder.py"
DEGENERATE = "tests/evaluation/test_degenerate.py"
ENSEMBLE = "tests/evaluation/decoding/test_ensemble.py"
COMMAND = "tests/cli/test_decoding.py"
COMET = "tests/evaluation/metrics/test_comet.py"
EXPORT, EQUALITY = "tests/cli/test_export.py", "tests/run/exporting/test_equality.py"
REFERENCES = "tests/cli/test_references.py"

CHOICE = "tests/evaluation/decoding/test_choice.py"

MUTANTS = [
    ("src/catscale/evaluation/decoding/choice.py", "if name in allowed)", "if name)", CHOICE),
    (
        "src/catscale/evaluation/decoding/choice.py",
        "(GPU_BATCH if _is_gpu(device) else CPU_BATCH)",
        "CPU_BATCH",
        CHOICE,
    ),
    ("src/catscale/evaluation/decoding/choice.py", "and asked not in allowed", "and not allowed", CHOICE),
    ("src/catscale/evaluation/decoding/loading.py", "to(device, getattr(torch, precision))", "to(device)", CHOICE),
    (
        "src/catscale/evaluation/nll.py",
        "nats[np.concatenate(planned)]",
        "nats[np.sort(np.concatenate(planned))]",
        "tests/evaluation/test_nll.py",
    ),
    ("src/catscale/run/sweep_plan.py", "| is_open == settings", "== settings", "tests/run/test_sweep_plan.py"),
    ("src/catscale/evaluation/decoding/ctranslate2.py", "score * len(tokens) **", "score * len(ids) **", DECODE),
    (
        "src/catscale/evaluation/decoding/ctranslate2.py",
        "finished = tokens[-1] == self._end",
        "finished = True",
        DECODE,
    ),
    ("src/catscale/evaluation/decoding/huggingface.py", "settings.length_penalty > 0 or n_best > 1", "True", DECODE),
    ("src/catscale/evaluation/decoding/huggingface.py", "ends.int().argmax(1) + 1", "ends.int().argmax(1)", DECODE),
    ("src/catscale/evaluation/decoding/ensemble.py", "(total / (1 + len(self._others)))", "total", ENSEMBLE),
    (
        "src/catscale/evaluation/decoding/ensemble.py",
        "encoded.repeat_interleave(beam, 0)",
        "encoded.repeat(beam, 1, 1)",
        ENSEMBLE,
    ),
    ("src/catscale/evaluation/degenerate.py", "if len(set(found)) > 1", "if len(found) > 1", DEGENERATE),
    ("src/catscale/evaluation/degenerate.py", "row[0] != row[3]]", "True]", DEGENERATE),
    ("src/catscale/evaluation/degenerate.py", "{TIMES - 1},", "{TIMES + 1},", DEGENERATE),
    ("src/catscale/evaluation/metrics/sacrebleu_api.py", "line if line.strip() else None", "line", REFERENCES),
    ("src/catscale/evaluation/meter.py", "sum(self._done.values())", "done", "tests/evaluation/test_meter.py"),
    (
        "src/catscale/evaluation/metrics/ter.py",
        "scores: Floats = 100 * np.where(length",
        "scores: Floats = np.where(length",
        "tests/evaluation/metrics/test_ter.py",
    ),
    (
        "src/catscale/data/preparation/tasks.py",
        "if not is_empty(pair) and all(self.vocabulary.encode(list(pair))):",
        "if True:",
        REFERENCES,
    ),
    (
        "src/catscale/run/folder/converted.py",
        "or {**found, MADE_HERE: None} != {**wanted, MADE_HERE: None}",
        "or False",
        COMMAND,
    ),
    (
        "src/catscale/run/folder/converted.py",
        "if problem := find_damage(",
        "if problem := str() or False and find_damage(",
        COMMAND,
    ),
    (
        "src/catscale/run/exporting/equality.py",
        "if len(self.differing) > TOLERATED",
        "if False and len(self.differing) > TOLERATED",
        EQUALITY,
    ),
    ("src/catscale/run/exporting/equality.py", "if not form.is_exact or not", "if form.is_exact or not", EQUALITY),
    ("src/catscale/run/exporting/serving.py", "target_prefix=[[tags[1]]]", "target_prefix=[[tags[0]]]", EXPORT),
    (
        "src/catscale/run/exporting/plain_models.py",
        "if plain is None:",
        "if False:",
        "tests/run/exporting/test_plain_models.py",
    ),
    ("src/catscale/run/exporting/card_facts.py", "scored in (None, step)", "True", "tests/run/exporting/test_card.py"),
    (
        "src/catscale/evaluation/metrics/comet.py",
        "np.maximum(sums[..., 1], 1) - SHIFT",
        "np.maximum(sums[..., 1], 1)",
        COMET,
    ),
    ("src/catscale/evaluation/metrics/comet_process.py", "and len(scores) == len(sentences)", "", COMET),
    ("src/catscale/evaluation/metrics/comet_process.py", "os.environ | OFFLINE", "os.environ", COMET),
]
