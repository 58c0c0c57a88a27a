"""Defects that the tests of the samplers must notice: (file, old code, new code, test target)."""

CONTRACT = "tests/sampling/test_contract.py"
MULTIDDS = "tests/sampling/test_multidds.py"
CATS = "tests/sampling/test_cats_sampling.py"
UNIMAX = "tests/sampling/test_unimax.py"
CHI = "tests/sampling/test_chi_square.py"
DEV = "tests/sampling/test_dev_loss.py"
ODM = "tests/sampling/test_odm.py"
ADO = "tests/sampling/test_ado.py"
LAW = "tests/sampling/test_scaling_law.py"
DOGE = "tests/sampling/test_doge.py"
ADAPTIVE = "tests/sampling/test_adaptive_scheduling.py"
SOFT = "tests/sampling/test_soft_unimax.py"
SCHEDULE = "tests/sampling/test_temperature_schedule.py"
MOVES = "tests/training/test_sampler_moves.py"
BASELINES = "tests/run/test_baselines.py"
FOLDER = "tests/run/folder/test_run_folder.py"
PLANNING = "tests/sampling/test_planning.py"
PIKE = "tests/sampling/test_pike.py"
LOSSES = "tests/sampling/test_running_losses.py"
TABLE = "tests/sampling/test_reward_table.py"
REPLAY = "tests/sampling/test_replay.py"
REWARDS = "tests/training/test_rewards.py"
MIXTURE = "tests/run/test_mixture.py"
OWN_GAP = "tests/sampling/test_own_gap.py"
METRIC = "tests/balancing/engine/test_adam_metric.py"
SAMPLING = "src/catscale/sampling"
TRAINING = "src/catscale/training"

MUTANTS = [
    (f"{SAMPLING}/own_gap.py", "own / dev", "dev / own", OWN_GAP),
    (f"{SAMPLING}/own_gap.py", "dev > 0", "dev >= -2", OWN_GAP),
    (f"{SAMPLING}/own_gap.py", "clamp(self.least, 1)", "clamp(self.least)", OWN_GAP),
    (f"{SAMPLING}/own_gap.py", "self.strength * self", "self", OWN_GAP),
    (f"{SAMPLING}/own_gap.py", "lerp(rewards, state.products,", "lerp(state.products, rewards,", OWN_GAP),
    (f"{TRAINING}/gradient_rewards.py", "float(products[1, 2])", "float(products[1, 1])", REWARDS),
    (f"{TRAINING}/gradient_rewards.py", "float(products[0, 1] + products[0, 2]) / 2", "float(products[0, 1])", REWARDS),
    (f"{TRAINING}/sampler_moves.py", "in self.rewards.list_tasks(request)", "in measured", MOVES),
    ("src/catscale/balancing/engine/adam_metric.py", "pow(-0.25)", "pow(-0.5)", METRIC),
    ("src/catscale/balancing/engine/adam_metric.py", "(1 - decay**updates)", "(1 - 0.5**updates)", METRIC),
    ("src/catscale/balancing/engine/adam_metric.py", "mean.expand_as(parameter))", "0 * parameter)", METRIC),
    ("src/catscale/balancing/engine/adam_metric.py", "DAMPING**2 * mean", "0 * mean", METRIC),
    (
        "src/catscale/sampling/temperature.py",
        "/ temperature\n",
        "* temperature\n",
        "tests/sampling/test_temperature.py",
    ),
    (
        "src/catscale/sampling/temperature.py",
        "weights / weights.sum()",
        "weights",
        "tests/sampling/test_temperature.py",
    ),
    ("src/catscale/sampling/temperature.py", "logits - logits.max()", "logits", "tests/sampling/test_temperature.py"),
    ("src/catscale/sampling/contract.py", "state.shares.numpy().copy()", "state.shares.numpy()", CONTRACT),
    (
        "src/catscale/sampling/temperature_schedule.py",
        "float(1 / np.interp(step, steps, 1 / np.asarray(temperatures, dtype=np.float64)))",
        "float(np.interp(step, steps, np.asarray(temperatures, dtype=np.float64)))",
        "tests/sampling/test_temperature_schedule.py",
    ),
    (
        "src/catscale/sampling/temperature_schedule.py",
        "if after <= before",
        "if after < before",
        "tests/sampling/test_temperature_schedule.py",
    ),
    ("src/catscale/sampling/replay.py", "(1 - replay) * shares / new", "shares", REPLAY),
    ("src/catscale/sampling/replay.py", "replay * shares / old", "replay * shares", REPLAY),
    ("src/catscale/sampling/replay.py", "if old <= 0 or new <= 0", "if old < 0", REPLAY),
    ("src/catscale/sampling/sampler.py", "0 < len(self.old) < len(self.tasks)", "0 < len(self.old)", REPLAY),
    ("src/catscale/data/direction.py", "if added and not", "if not", REPLAY),
    ("src/catscale/sampling/unimax.py", "(len(sizes) - rank)", "len(sizes)", UNIMAX),
    ("src/catscale/sampling/unimax.py", "left -= budgets[task]", "pass", UNIMAX),
    ("src/catscale/sampling/unimax.py", "np.argsort(sizes, kind", "np.argsort([-s for s in sizes], kind", UNIMAX),
    ("src/catscale/sampling/unimax.py", " / np.array([lengths[task] for task in sizes])", "", UNIMAX),
    ("src/catscale/sampling/unimax.py", "size * lengths[task]", "size", UNIMAX),
    ("src/catscale/sampling/unimax.py", "max(1.0, TIMES_MEAN", "min(1.0, TIMES_MEAN", UNIMAX),
    (
        "src/catscale/sampling/pretraining.py",
        "step <= self.steps",
        "step < self.steps",
        "tests/sampling/test_pretraining.py",
    ),
    ("src/catscale/sampling/pretraining.py", "size >= least", "size > least", "tests/sampling/test_pretraining.py"),
    ("src/catscale/sampling/pretraining.py", "/ len(sizes) if", "if", "tests/sampling/test_pretraining.py"),
    (
        "src/catscale/sampling/pretraining.py",
        "first[is_high] =",
        "first[: len(chosen)] =",
        "tests/sampling/test_pretraining.py",
    ),
    ("src/catscale/sampling/cats_sampling.py", "state.logits - (rate", "state.logits + (rate", CATS),
    ("src/catscale/sampling/cats_sampling.py", "(rewards - mean)", "rewards", CATS),
    ("src/catscale/sampling/cats_sampling.py", ".clamp(-LONGEST, LONGEST)", "", CATS),
    ("src/catscale/sampling/planning.py", "(1 - len(shares) * floor) * shares", "shares", PLANNING),
    ("src/catscale/sampling/planning.py", "chosen if count > 1 else 0.0", "0.0", PLANNING),
    ("src/catscale/sampling/pike.py", "self.gain * squares", "-self.gain * squares", PIKE),
    ("src/catscale/sampling/pike.py", "self.noise / 2 * variances", "self.noise * variances", PIKE),
    ("src/catscale/sampling/pike.py", "squares.clamp(min=0)", "squares", PIKE),
    ("src/catscale/sampling/pike.py", "values / mean if", "values if", PIKE),
    (f"{SAMPLING}/chi_square.py", "is_far else (low, middle)", "is_far else (middle, high)", CHI),
    (f"{SAMPLING}/chi_square.py", "data @ ratio > 1", "data @ ratio < 1", CHI),
    (f"{SAMPLING}/chi_square.py", "** 2) / 2 > radius", "** 2) > radius", CHI),
    (f"{SAMPLING}/chi_square.py", "state.losses - state.baselines", "state.losses", CHI),
    (f"{SAMPLING}/chi_square.py", "moves >= 2 * interval", "moves >= interval", CHI),
    (f"{SAMPLING}/chi_square.py", "found = np.maximum(found, float(state.data.min()))", "pass", CHI),
    (f"{SAMPLING}/chi_square.py", "torch.lerp(state.losses, rewards", "torch.lerp(rewards, state.losses", CHI),
    (f"{SAMPLING}/chi_square.py", "(excess[seen] < 0).all()", "False", CHI),
    (f"{SAMPLING}/chi_square.py", "excess.where(seen, excess[seen].mean())", "excess.nan_to_num(0.0)", CHI),
    (f"{SAMPLING}/dev_loss.py", "(state.losses - losses)", "(losses - state.losses)", DEV),
    (f"{SAMPLING}/dev_loss.py", "(falls / unit)", "falls", DEV),
    (f"{SAMPLING}/dev_loss.py", ".clamp(-1, 1) if", " if", DEV),
    (f"{SAMPLING}/dev_loss.py", ".clamp(-limit, limit)", "", DEV),
    (f"{SAMPLING}/dev_loss.py", "torch.lerp(rewards, state.losses", "torch.lerp(state.losses, rewards", DEV),
    (f"{SAMPLING}/odm.py", "/ SCALE / state.shares", "/ SCALE", ODM),
    (f"{SAMPLING}/odm.py", "steps <= require_planned", "steps < require_planned", ODM),
    (f"{SAMPLING}/odm.py", "(state.explored * sums)", "(explored * sums)", ODM),
    (f"{SAMPLING}/odm.py", ".softmax(0) + explored", ".softmax(0)", ODM),
    (f"{SAMPLING}/ado.py", "state.prior * state.drawn.sqrt()", "state.prior * state.drawn", ADO),
    (f"{SAMPLING}/ado.py", "c.clamp(min=LEAST_EXPONENT) *", "c *", ADO),
    (f"{SAMPLING}/ado.py", "(1 - LATEST) * mean", "mean", ADO),
    (f"{SAMPLING}/ado.py", "losses[:, ::2], torch.full", "losses[:, : KEPT // 2], torch.full", ADO),
    (f"{SAMPLING}/scaling_law.py", "slopes * (1 - share)", "slopes * share", LAW),
    (f"{SAMPLING}/scaling_law.py", "found.fun < least", "found.fun > least", LAW),
    (f"{SAMPLING}/doge.py", "rewards.clamp(0, MOST)", "rewards", DOGE),
    (f"{SAMPLING}/doge.py", " - state.mean) / updates", " - state.mean)", DOGE),
    (
        f"{SAMPLING}/adaptive_scheduling.py",
        "(state.losses - state.baselines).clamp(min=0)",
        "(state.losses - state.baselines)",
        ADAPTIVE,
    ),
    (f"{SAMPLING}/adaptive_scheduling.py", ".clamp(max=math.log(self.most))", "", ADAPTIVE),
    (f"{SAMPLING}/adaptive_scheduling.py", '"baselines": dict(dev)', '"baselines": dict(train)', ADAPTIVE),
    (f"{SAMPLING}/soft_unimax.py", "np.log(worth) - beyond", "np.log(worth)", SOFT),
    (f"{SAMPLING}/soft_unimax.py", "last = last + missing", "last = last - missing", SOFT),
    (f"{SAMPLING}/soft_unimax.py", ".softmax(0) / state.lengths", ".softmax(0)", SOFT),
    (f"{SAMPLING}/temperature_schedule.py", "round(COOLS_AFTER * steps)", "steps", SCHEDULE),
    (f"{TRAINING}/gradient_rewards.py", "(products.sum(1) - squares)", "products.sum(1)", REWARDS),
    (
        "src/catscale/model/likelihood.py",
        "return -float((scores.exp() * scores)",
        "return float((scores.exp() * scores)",
        REWARDS,
    ),
    (f"{TRAINING}/sampler_moves.py", "        sampler.note(nats, tokens)", "        pass", MOVES),
    (
        f"{TRAINING}/trainer.py",
        "        if progress.step % self.config.validate_every == 0:  #",
        "        if True:  #",
        MOVES,
    ),
    ("src/catscale/run/baselines.py", "[-LATEST:]", "", BASELINES),
    ("src/catscale/run/config.py", "    if not is_of_run:\n        config", "    if True:\n        config", BASELINES),
    (
        "src/catscale/run/folder/run_folder.py",
        '{"replay": REPLAY, **defaults, **content}',
        '{"replay": REPLAY, **content}',
        FOLDER,
    ),
    ("src/catscale/sampling/planning.py", ".log() / temperature", ".log()", PIKE),
    (
        "src/catscale/sampling/running_losses.py",
        "        self._clear()\n        return found",
        "        return found",
        LOSSES,
    ),
    ("src/catscale/sampling/running_losses.py", "self.nats[place] += value", "self.nats[place] = value", LOSSES),
    ("src/catscale/sampling/reward_table.py", "names <= set(tasks) if may_lack", "True if may_lack", TABLE),
    ("src/catscale/training/gradient_rewards.py", "float(aa + bb - 2 * ab) / 2", "float(aa + bb) / 2", REWARDS),
    ("src/catscale/training/gradient_rewards.py", "float(ab), float(aa", "float(aa), float(aa", REWARDS),
    ("src/catscale/training/rewards.py", "chosen[:middle], chosen[middle:]", "chosen, chosen", REWARDS),
    (
        "src/catscale/sampling/planning.py",
        "min(LARGEST_FLOOR, PART_OF_SMALLEST * float(shares.min()))",
        "LARGEST_FLOOR",
        PLANNING,
    ),
    ("src/catscale/sampling/planning.py", "steps // UPDATES", "steps", PLANNING),
    ("src/catscale/sampling/cats_sampling.py", "DISTANCE * interval", "DISTANCE", CATS),
    ("src/catscale/sampling/cats_sampling.py", "log() / self.temperature", "log()", CATS),
    ("src/catscale/training/gradient_rewards.py", ".maximum(weights.square() @ products.diagonal())", "", REWARDS),
    ("src/catscale/training/gradient_rewards.py", "products / norms / norms[:, None]", "products / norms", REWARDS),
    ("src/catscale/training/gradient_rewards.py", "valid.get(task, loss)", "loss", REWARDS),
    (
        "src/catscale/training/rewards.py",
        "self.stream.token_shares(step).tolist()",
        "self.stream.sampler.probabilities(step).tolist()",
        REWARDS,
    ),
    (
        "src/catscale/sampling/multidds.py",
        "state.logits + self.learning_rate",
        "state.logits - self.learning_rate",
        MULTIDDS,
    ),
    ("src/catscale/sampling/multidds.py", "rewards - p * rewards.sum()", "rewards", MULTIDDS),
    ("src/catscale/sampling/multidds.py", "rewards - p * rewards.sum()", "rewards - rewards.mean()", MULTIDDS),
    ("src/catscale/sampling/multidds.py", "(rewards - p @ rewards)", "rewards", MULTIDDS),
    ("src/catscale/sampling/multidds.py", "p * (rewards - p @ rewards)", "(rewards - p @ rewards)", MULTIDDS),
    ("src/catscale/sampling/multidds.py", ".log() / self.temperature", ".log()", MULTIDDS),
    ("src/catscale/sampling/multidds.py", '"each" if self.stabilised else "mean"', '"each"', MULTIDDS),
    (
        "src/catscale/sampling/draws.py",
        "np.minimum(places, last)",
        "np.minimum(places, len(order) - 1)",
        "tests/sampling",
    ),
    (
        "src/catscale/sampling/reward_table.py",
        "_read_reward(task, rewards[task], is_pair)",
        "_read_reward(task, list(rewards.values())[tasks.index(task)], is_pair)",
        "tests/sampling",
    ),
    ("src/catscale/sampling/reward_table.py", "not math.isfinite(value)", "math.isnan(value)", CONTRACT),
    ("src/catscale/sampling/sampler.py", "step % request.interval == 0", "step % request.interval == 1", CONTRACT),
    (
        "src/catscale/system/reading/saved_state.py",
        "value.clone() if isinstance(value, Tensor) else value for name, value in values",
        "value for name, value in values",
        "tests/sampling/test_sampler.py",
    ),
    (
        "src/catscale/balancing/engine/cosines.py",
        "float(ab) / norms",
        "float(ab)",
        "tests/balancing/engine/test_cosines.py",
    ),
    (
        "src/catscale/balancing/engine/cosines.py",
        "** 0.5 * float(bb)",
        "** 0.5 + float(bb)",
        "tests/balancing/engine/test_cosines.py",
    ),
    (
        "src/catscale/balancing/engine/cosines.py",
        " if norms != 0 else 0.0",
        "",
        "tests/balancing/engine/test_cosines.py",
    ),
    ("src/catscale/training/gradient_rewards.py", "for other in held) / len(held)", "for other in held)", REWARDS),
    ("src/catscale/training/gradient_rewards.py", 'request.against == "mean"', 'request.against == "each"', REWARDS),
    (
        "src/catscale/training/gradient_rewards.py",
        "if right is None else left + right",
        "if right is None else left",
        REWARDS,
    ),
    ("src/catscale/training/rewards.py", "in_mode(self.model, False)", "in_mode(self.model, True)", REWARDS),
    ("src/catscale/training/rewards.py", "direction.random_key, *key])", "direction.random_key])", REWARDS),
    ("src/catscale/training/rewards.py", "[self.config.seed, direction", "[direction", REWARDS),
    ("src/catscale/training/rewards.py", "return loss / batch.tokens", "return loss", REWARDS),
    ("src/catscale/training/rewards.py", "self.config.label_smoothing)", "0.0)", REWARDS),
    ("src/catscale/training/stream.py", "self.token_shares(step), self.sub", "self.token_shares(1), self.sub", MIXTURE),
    (
        "src/catscale/training/stream.py",
        "self.sampler.probabilities(step) * self.mean_lengths",
        "self.sampler.probabilities(step)",
        MIXTURE,
    ),
    (
        "src/catscale/training/records/content.py",
        "sampler.probabilities(step + 1)",
        "sampler.probabilities(step + 1)[::-1]",
        REWARDS,
    ),
    (
        "src/catscale/training/checkpointing/storage.py",
        'self.stream.sampler.load_state_dict(content["sampler"])',
        "pass",
        "tests/cli/test_sampling.py",
    ),
    ("src/catscale/training/sampler_moves.py", "self.stream.sampler.update(rewards)", "pass", REWARDS),
    ("src/catscale/run/mixture.py", "range(1, steps + 1, ", "range(1, 2, ", MIXTURE),
    ("src/catscale/run/mixture.py", "stream.sampler.probabilities(steps)", "stream.sampler.probabilities(1)", MIXTURE),
    (
        "src/catscale/run/overrides.py",
        "section.default if content else None",
        "None",
        "tests/run/test_sampling_config.py",
    ),
    (
        "src/catscale/sampling/table.py",
        'choice_of(SAMPLERS, "method", DEFAULT.method, own',
        'choice_of(SAMPLERS, "method", own',
        "tests/run/test_sampling_config.py",
    ),
]
