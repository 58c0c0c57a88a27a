"""Defects of extended and trimmed tokenizers, of the rows that they start from, and of drawing rows by task."""

EXTENSION = "src/catscale/vocabulary/extension"
TESTS = "tests/vocabulary/extension"
ROWS = "src/catscale/model/new_rows.py"
ROWS_TEST = "tests/model/test_new_rows.py"
MIXTURE = "src/catscale/integrations/mixture_sampler.py"
MIXTURE_TEST = "tests/integrations/test_mixture_sampler.py"
TASK_ROWS = "src/catscale/integrations/task_rows.py"
TASK_ROWS_TEST = "tests/integrations/test_task_rows.py"
REWARDS = "src/catscale/integrations/task_rewards.py"
TRAINER = "src/catscale/integrations/transformers.py"
LANGUAGES = "src/catscale/integrations/new_languages.py"
LANGUAGES_TEST = "tests/integrations/test_new_languages.py"

OWN_TEST = "tests/settings/test_own_class.py"

MUTANTS = [
    (
        f"{EXTENSION}/extend.py",
        "[*parts.merges, *merges], added)",
        "[*merges, *parts.merges], added)",
        f"{TESTS}/test_extend.py",
    ),
    (
        f"{EXTENSION}/extend.py",
        "learn_merges(cut, [*ids, *tags], pieces)",
        "learn_merges(cut, list(parts.ids), pieces)",
        f"{TESTS}/test_extend.py",
    ),
    (f"{EXTENSION}/extend.py", "(*bases[0], *bases[1])", "bases[0]", f"{TESTS}/test_extend.py"),
    (
        f"{EXTENSION}/extend.py",
        "mean if relative is None else (parts.ids[relative],)",
        "mean",
        f"{TESTS}/test_extend.py",
    ),
    (
        f"{EXTENSION}/extend.py",
        "for place, one in enumerate(tags)}",
        "for place, one in enumerate(tags, 1)}",
        f"{TESTS}/test_extend.py",
    ),
    (
        f"{EXTENSION}/learning.py",
        'if number < RAREST or "".join(pair) in taken:',
        "if number < RAREST:",
        f"{TESTS}/test_learning.py",
    ),
    (f"{EXTENSION}/learning.py", "        if number < -noted:", "        if False:", f"{TESTS}/test_learning.py"),
    (
        f"{EXTENSION}/learning.py",
        "number = self.words[index], sign * self.numbers[index]",
        "number = self.words[index], sign",
        f"{TESTS}/test_learning.py",
    ),
    (
        f"{EXTENSION}/learning.py",
        "-number, pair) for pair, number",
        "number, pair) for pair, number",
        f"{TESTS}/test_learning.py",
    ),
    (f"{EXTENSION}/learning.py", "order = sorted(words)", "order = list(words)[:-1]", f"{TESTS}/test_learning.py"),
    (f"{EXTENSION}/merging.py", "_, place = min(found)", "_, place = max(found)", f"{TESTS}/test_merging.py"),
    (f"{EXTENSION}/merging.py", "[piece], merge_pieces(piece, ranks)[1])", "[piece])", f"{TESTS}/test_trim.py"),
    (
        f"{EXTENSION}/trim.py",
        'if {*pair, "".join(pair)} <= kept]',
        'if "".join(pair) in pieces]',
        f"{TESTS}/test_trim.py",
    ),
    (f"{EXTENSION}/trim.py", '        token["id"] = ids[token["content"]]', "        pass", f"{TESTS}/test_trim.py"),
    (f"{EXTENSION}/missing.py", "hit + bool(absent)", "hit + len(absent)", f"{TESTS}/test_missing.py"),
    (f"{EXTENSION}/missing.py", ' - text.count("▁")', "", f"{TESTS}/test_missing.py"),
    (f"{EXTENSION}/words.py", "normalizer.normalize_str(text)", "text", f"{TESTS}/test_missing.py"),
    (
        f"{EXTENSION}/origins.py",
        "if common[tuple(sorted(bases[number]))] > 1]",
        "if common[bases[number]] > 1]",
        f"{TESTS}/test_origins.py",
    ),
    (f"{EXTENSION}/origins.py", "if old in self.noisy)", "if new in self.noisy)", f"{TESTS}/test_origins.py"),
    (
        f"{EXTENSION}/segmentation.py",
        "changed = sum(a != b",
        "changed = sum(len(a) < len(b)",
        f"{TESTS}/test_extend.py",
    ),
    (ROWS, "table[list(bases)].float().mean(0)", "table[list(bases)].float().sum(0)", ROWS_TEST),
    (ROWS, "table.float().mean(0) if not bases", "table[0].float() if not bases", ROWS_TEST),
    (ROWS, "scale = NOISE * float(table.float().std())", "scale = NOISE", ROWS_TEST),
    (ROWS, "if largest >= len(table):", "if largest > len(table):", ROWS_TEST),
    (
        ROWS,
        "found = {name: table if name in named else tensor",
        "found = {name: table.clone() if name in named else tensor",
        ROWS_TEST,
    ),
    (
        MIXTURE,
        "yield self.draw()[self.rank :: self.world_size]",
        "yield self.draw()[self.rank * self.batch_size :][: self.batch_size]",
        MIXTURE_TEST,
    ),
    (MIXTURE, "[self.seed, 1, task, epoch]", "[self.seed, 1, task, 0]", MIXTURE_TEST),
    (MIXTURE, "self._history = deque([position], maxlen=REMEMBERED)", "pass", MIXTURE_TEST),
    (MIXTURE, "self.length - self.step % self.length", "self.length", MIXTURE_TEST),
    (MIXTURE, "sum(numbers[1:]) != numbers[0] * self.step_size", "False", MIXTURE_TEST),
    (TASK_ROWS, "while self._mixture.step < start:", "while False:", TASK_ROWS_TEST),
    (TASK_ROWS, "if self._mixture.step > start:", "if False:", TASK_ROWS_TEST),
    (LANGUAGES, "if read.data_ptr() == written.data_ptr() else", "if True else", LANGUAGES_TEST),
    (LANGUAGES, "            table.weight.copy_(made)\n", "", LANGUAGES_TEST),
    (TASK_ROWS, "self._mixture.step + 1 - AHEAD, key", "self._mixture.step + 1, key", TASK_ROWS_TEST),
    (TASK_ROWS, '            self.learn(entry["after"], of)', "            pass", TASK_ROWS_TEST),
    (REWARDS, "shares = sampler.probabilities(step) * lengths", "shares = sampler.probabilities(step)", TASK_ROWS_TEST),
    (
        "src/catscale/training/gradient_rewards.py",
        "request.unit_length)",
        "not request.unit_length)",
        TASK_ROWS_TEST,
    ),
    (TRAINER, "None if rows is None or step == 0 else", "None if rows is None else", TASK_ROWS_TEST),
    ("src/catscale/settings/own_class.py", "if context is not OWN", "if False", OWN_TEST),
    ("src/catscale/settings/own_class.py", "issubclass(found, base)", "issubclass(found, object)", OWN_TEST),
    ("src/catscale/settings/own_class.py", "method=(literal[name], name)", "method=(str, found.__name__)", OWN_TEST),
    ("src/catscale/run/folder/run_folder.py", "overrides, is_record=True", "overrides, is_record=False", OWN_TEST),
    ("src/catscale/run/config.py", "LITERAL if is_of_run else OWN", "OWN", OWN_TEST),
    ("src/catscale/settings/choice.py", "Annotated[table, as_what_it_is(), Wrap", "Annotated[table, Wrap", OWN_TEST),
]
