"""Defects of a first configuration, of a dry run, of back-translation, of jobs on a cluster, and of the watch for directions given up."""

GIVEN_UP, GIVEN_UP_TEST = "src/catscale/training/given_up.py", "tests/training/test_given_up.py"
TRAINING_TABLE, TRAINING_TABLE_TEST = "src/catscale/report/training_table.py", "tests/report/test_training_table.py"
STATISTICS = "src/catscale/corpus_statistics"
STARTING = "src/catscale/run/starting"
BACK = "src/catscale/run/commands/backtranslate.py"
SYNTHETIC = "src/catscale/run/back_translation/synthetic_corpus.py"
TRIAL = "src/catscale/run/trial_steps.py"
CODES = "src/catscale/data/languages/codes.py"
DEGENERATE = "src/catscale/evaluation/degenerate.py"
NAMES = "tests/corpus_statistics/test_name_patterns.py"
PARTS = "tests/corpus_statistics/test_parts.py"
VOLUME = "tests/corpus_statistics/test_volume.py"
SETTINGS = "tests/run/starting/test_first_settings.py"
CONTENT = "tests/run/starting/test_folder_content.py"
DOCUMENT = "tests/run/starting/test_document.py"
TAGS = "tests/run/starting/test_language_tags.py"
BACK_TEST = "tests/run/commands/test_backtranslate.py"
CLUSTER, CLUSTER_TEST = "src/catscale/run/cluster.py", "tests/run/test_cluster.py"
IN_A_JOB, IN_A_JOB_TEST = "src/catscale/run/cluster_work.py", "tests/run/test_cluster_work.py"
SYNTHETIC_TEST = "tests/run/back_translation/test_synthetic_corpus.py"
TRIAL_TEST = "tests/run/test_trial_steps.py"
DRAWN = "tests/evaluation/decoding/test_decoder.py"

MUTANTS = [
    (GIVEN_UP, "shares[task] < FALL * self.first[task]", "shares[task] < FALL", GIVEN_UP_TEST),
    (GIVEN_UP, "value > lowest.get(task, value) + RISE", "value > lowest.get(task, value) + 9", GIVEN_UP_TEST),
    (GIVEN_UP, "        progress.note_lowest(nll)\n", "", GIVEN_UP_TEST),
    (GIVEN_UP, "if not self.may_go_on:", "if self.may_go_on:", GIVEN_UP_TEST),
    (TRAINING_TABLE, "first.setdefault(task, step)", "first[task] = step", TRAINING_TABLE_TEST),
    (TRAINING_TABLE, 'has_given_up = any(', 'has_given_up = all(', TRAINING_TABLE_TEST),
    (f"{STATISTICS}/name_patterns.py", 'if WORDS[word] != "train" else []', "", NAMES),
    (f"{STATISTICS}/name_patterns.py", "if p in divided or not divided]", "]", NAMES),
    (f"{STATISTICS}/parts.py", "usable = [file for file in found if not find_held_out(file.name)]", "usable = found", PARTS),
    (f"{STATISTICS}/volume.py", "characters += len(pair[1])", "characters += len(pair[0])", VOLUME),
    (f"{STARTING}/first_settings.py", "max(volume.pairs.values()) / min(", "sum(volume.pairs.values()) / min(", SETTINGS),
    (f"{STARTING}/first_settings.py", "/ CHARACTERS + volume.total", "/ CHARACTERS", SETTINGS),
    (f"{STARTING}/first_settings.py", "volume.alphabet + volume.words // 2", "volume.alphabet + volume.words", SETTINGS),
    (f"{STARTING}/folder_content.py", "most = max(counts.values())", "most = min(counts.values())", CONTENT),
    (f"{STARTING}/document.py", 'f"./{path}" if str(path)', 'f"{path}" if str(path)', DOCUMENT),
    (f"{STARTING}/document.py", "wrap(for_terminal(text),", "wrap(text,", DOCUMENT),
    (f"{STARTING}/language_tags.py", "if tag not in known.values()]", "]", TAGS),
    (BACK, "digest.hexdigest() != known", "False", BACK_TEST),
    (BACK, "done, rest = list(chunk[:left]), list(chunk[left:])", "done, rest = list(chunk[:left]), list(chunk)", BACK_TEST),
    (BACK, "state.lines += len(lines)", "state.lines += len(pairs)", BACK_TEST),
    (SYNTHETIC, "append_to(path, size)", "append_to(path)", SYNTHETIC_TEST),
    (SYNTHETIC, "sizes.append(size + len(content))", "sizes.append(len(content))", SYNTHETIC_TEST),
    (SYNTHETIC, "    if made != wanted:\n", "    if False:\n", SYNTHETIC_TEST),
    (SYNTHETIC, "{**settings, **kept}", "settings", BACK_TEST),
    (SYNTHETIC, "BackTranslationState(wanted,", "BackTranslationState(dict(maker),", BACK_TEST),
    (BACK, "settle_decoding(best, config, asked.device)", "config.evaluation", BACK_TEST),
    ("src/catscale/evaluation/config.py", " if getattr(self, key) == value", "", BACK_TEST),
    (BACK, "[*asked.overrides, settled]", "asked.overrides", BACK_TEST),
    (TRIAL, "mean(times[WARM_UP:])", "mean(times)", TRIAL_TEST),
    (TRIAL, "steps * found.seconds + number * share", "steps * found.seconds", TRIAL_TEST),
    (DEGENERATE, "if is_loop(output) and not is_loop(source):\n        return", "if is_loop(output):\n        return",
     "tests/evaluation/test_degenerate.py"),
    ("src/catscale/evaluation/decoding/huggingface.py", '"num_beams": 1, **drawn', '"num_beams": 1', DRAWN),
    ("src/catscale/evaluation/decoding/huggingface.py", "with torch.random.fork_rng(devices):", "if devices is not None:", DRAWN),
    ("src/catscale/evaluation/decoding/ctranslate2.py", '"sampling_topk": 0, ', "", DRAWN),
    (CLUSTER, "        if read_status(ended) is not None:\n", "        if False:\n", CLUSTER_TEST),
    (CLUSTER, "            remove_file(ended)\n", "", CLUSTER_TEST),
    (CLUSTER, "return job if state in ACTIVE else None", "return job", CLUSTER_TEST),
    (CLUSTER, "        if state == UNKNOWN:\n", "        if False:\n", CLUSTER_TEST),
    (CLUSTER, "not in ACTIVE | {UNKNOWN}", "not in ACTIVE", CLUSTER_TEST),
    (CLUSTER, '.partition(" ")[0] or UNKNOWN', " or UNKNOWN", CLUSTER_TEST),
    (IN_A_JOB, "None if number else 0", "None", IN_A_JOB_TEST),
    (IN_A_JOB, "return status or (Interrupted.exit_status if self._is_asked else 0)", "return status", IN_A_JOB_TEST),
    (IN_A_JOB, "            if status:\n                break\n", "", IN_A_JOB_TEST),
    (IN_A_JOB, "process, self._untold = self._untold, None", "process = self._untold", IN_A_JOB_TEST),
]  # fmt: skip
