"""Defects that the tests of the samplers must notice: (file, old code, new code, test target)."""

CONTRACT = "tests/sampling/test_contract.py"
MULTIDDS = "tests/sampling/test_multidds.py"
REWARDS = "tests/training/test_rewards.py"
MIXTURE = "tests/run/test_mixture.py"
SAMPLING = "src/catscale/sampling"
TRAINING = "src/catscale/training"

MUTANTS = [
    (f"{SAMPLING}/temperature.py", "/ temperature\n", "* temperature\n", "tests/sampling/test_temperature.py"),
    (f"{SAMPLING}/temperature.py", "weights / weights.sum()", "weights", "tests/sampling/test_temperature.py"),
    (f"{SAMPLING}/temperature.py", "logits - logits.max()", "logits", "tests/sampling/test_temperature.py"),
    (f"{SAMPLING}/temperature.py", "state.shares.numpy().copy()", "state.shares.numpy()", CONTRACT),
    (
        f"{SAMPLING}/schedule.py",
        "float(1 / np.interp(step, steps, 1 / np.asarray(temperatures, dtype=np.float64)))",
        "float(np.interp(step, steps, np.asarray(temperatures, dtype=np.float64)))",
        "tests/sampling/test_schedule.py",
    ),
    (f"{SAMPLING}/schedule.py", "if after <= before", "if after < before", "tests/sampling/test_schedule.py"),
    (f"{SAMPLING}/pretraining.py", "step <= self.steps", "step < self.steps", "tests/sampling/test_pretraining.py"),
    (f"{SAMPLING}/pretraining.py", "size >= least", "size > least", "tests/sampling/test_pretraining.py"),
    (f"{SAMPLING}/pretraining.py", "/ len(sizes) if", "if", "tests/sampling/test_pretraining.py"),
    (f"{SAMPLING}/pretraining.py", "first[is_high] =", "first[: len(chosen)] =", "tests/sampling/test_pretraining.py"),
    (f"{SAMPLING}/multidds.py", "state.logits + self.learning_rate", "state.logits - self.learning_rate", MULTIDDS),
    (f"{SAMPLING}/multidds.py", "rewards - p * rewards.sum()", "rewards", MULTIDDS),
    (f"{SAMPLING}/multidds.py", "rewards - p * rewards.sum()", "rewards - rewards.mean()", MULTIDDS),
    (f"{SAMPLING}/multidds.py", "(rewards - p @ rewards)", "rewards", MULTIDDS),
    (f"{SAMPLING}/multidds.py", "p * (rewards - p @ rewards)", "(rewards - p @ rewards)", MULTIDDS),
    (f"{SAMPLING}/multidds.py", ".log() / self.temperature", ".log()", MULTIDDS),
    (f"{SAMPLING}/multidds.py", '"each" if self.stabilised else "mean"', '"each"', MULTIDDS),
    (f"{SAMPLING}/draws.py", "np.minimum(places, last)", "np.minimum(places, len(order) - 1)", "tests/sampling"),
    (f"{SAMPLING}/sampler.py", "[rewards[task] for task in self.tasks]", "list(rewards.values())", "tests/sampling"),
    (f"{SAMPLING}/sampler.py", "not math.isfinite(rewards[task])", "math.isnan(rewards[task])", CONTRACT),
    (f"{SAMPLING}/sampler.py", "step % request.interval == 0", "step % request.interval == 1", CONTRACT),
    (
        f"{SAMPLING}/sampler.py",
        "value.clone() if isinstance(value, Tensor) else value for name, value in values",
        "value for name, value in values",
        "tests/sampling/test_sampler.py",
    ),
    ("src/catscale/balancing/cosines.py", "float(ab) / norms", "float(ab)", "tests/balancing/test_cosines.py"),
    (
        "src/catscale/balancing/cosines.py",
        "** 0.5 * float(bb)",
        "** 0.5 + float(bb)",
        "tests/balancing/test_cosines.py",
    ),
    ("src/catscale/balancing/cosines.py", " if norms != 0 else 0.0", "", "tests/balancing/test_cosines.py"),
    (f"{TRAINING}/rewards.py", "for other in held) / len(held)", "for other in held)", REWARDS),
    (f"{TRAINING}/rewards.py", 'request.against == "mean"', 'request.against == "each"', REWARDS),
    (f"{TRAINING}/rewards.py", "if right is None else left + right", "if right is None else left", REWARDS),
    (f"{TRAINING}/rewards.py", "self.model.eval()", "pass", REWARDS),
    (f"{TRAINING}/rewards.py", "self.model.train(was_training)", "pass", REWARDS),
    (f"{TRAINING}/rewards.py", "*key])", "])", REWARDS),
    (f"{TRAINING}/rewards.py", "[self.config.seed, zlib", "[zlib", REWARDS),
    (f"{TRAINING}/rewards.py", "return loss / batch.tokens", "return loss", REWARDS),
    (f"{TRAINING}/rewards.py", "self.config.label_smoothing)", "0.0)", REWARDS),
    (f"{TRAINING}/stream.py", "self.token_shares(step), self.sub", "self.token_shares(1), self.sub", MIXTURE),
    (
        f"{TRAINING}/stream.py",
        "self.sampler.probabilities(step) * self.mean_lengths",
        "self.sampler.probabilities(step)",
        MIXTURE,
    ),
    (f"{TRAINING}/records.py", "sampler.probabilities(step + 1)", "sampler.probabilities(step + 1)[::-1]", REWARDS),
    (
        f"{TRAINING}/storage.py",
        'self.stream.sampler.load_state_dict(content["sampler"])',
        "pass",
        "tests/cli/test_sampling.py",
    ),
    (f"{TRAINING}/trainer.py", "        self.stream.sampler.update(rewards)\n", "", REWARDS),
    ("src/catscale/run/train.py", "range(1, steps + 1, ", "range(1, 2, ", MIXTURE),
    ("src/catscale/run/train.py", "stream.sampler.probabilities(steps)", "stream.sampler.probabilities(1)", MIXTURE),
    (
        "src/catscale/run/config.py",
        'if groups == ["sampling"] and content else None',
        "if False else None",
        "tests/run/test_sampling_config.py",
    ),
    (f"{SAMPLING}/methods.py", '{"method": DEFAULT.method, **content}', "content", "tests/run/test_sampling_config.py"),
]
