"""Defects that the tests of steps that are read later must notice."""

ENGINE, TRAINING = "src/catscale/balancing/engine", "src/catscale/training"
LATE, TAKER, READING = f"{ENGINE}/late_step.py", f"{ENGINE}/step_taker.py", f"{ENGINE}/reading.py"
RULE, TRAINER, STOPPING = f"{TRAINING}/late_reading.py", f"{TRAINING}/trainer.py", f"{TRAINING}/stopping.py"
CONTRACT, CHECKS = "src/catscale/optimisation/contract.py", "src/catscale/balancing/checks.py"
STEP, RUN = "tests/balancing/engine/test_late_step.py", "tests/training/test_late_reading.py"
SUMS, ADAM = "tests/training/test_sums_of_a_step.py", "tests/optimisation/test_adamw.py"

MUTANTS = [
    (LATE, 'method.request(state).kind == "nothing" and not reads_losses(method)', "not reads_losses(method)", STEP),
    (LATE, ' == "nothing" and not reads_losses(method)', ' == "nothing"', STEP),
    (LATE, "return is_blind and method.weights(state, task_ids) is not None", "return is_blind", STEP),
    (LATE, '        check_finite(self.names, numbers.values, "loss")\n', "", STEP),
    (LATE, "        if numbers.norms is None:\n", "        if False:\n", STEP),
    (LATE, "report=numbers.report, norms", "norms", STEP),
    (READING, "summed[: tasks + 1].isfinite()", "summed[:tasks].isfinite()", STEP),
    (READING, "summed[: tasks + 1].isfinite()", "summed.isfinite()", STEP),
    (READING, "self.spoilt = 1 - summed", "self.spoilt = summed", STEP),
    (READING, 'self._sent = summed.to("cpu", non_blocking=True)', 'self._sent = summed.to("cpu")', STEP),
    (READING, "            self._arrival.record()\n", "", STEP),
    (READING, "            self._arrival.synchronize()\n", "            pass\n", STEP),
    (TAKER, "or not can_be_late(method, state, work.task_ids)", "", STEP),
    (TAKER, "_, following = method.step(state, Signals(", "following = state\n        method.step(state, Signals(", STEP),
    (f"{ENGINE}/balancer.py", "        seen, self.state, self._latest = taken", "        seen, self.state, _ = taken", STEP),
    (f"{ENGINE}/balancer.py", "        if self._is_running:\n", "        if False:\n", STEP),
    (CONTRACT, '    optimizer.__dict__["found_inf"] = spoilt', '    optimizer.__dict__["found"] = spoilt', ADAM),
    (CONTRACT, '        del optimizer.__dict__["found_inf"]', "        pass", ADAM),
    (CONTRACT, 'skipping_where(optimizer, getattr(seen, "spoilt", None))', "skipping_where(optimizer, None)", RUN),
    (RULE, 'self.config.on_nonfinite == "stop"', "True", RUN),
    (RULE, "setup.optimizer.skips_on_device and ", "", RUN),
    (RULE, "not is_sharded(setup.model) and ", "", RUN),
    (RULE, ' and setup.processes.device.type != "cpu"', "", RUN),
    (RULE, " and self.balancer.may_be_late)", ")", RUN),
    (RULE, "self.sampler.due(progress.update + 1) is None and ", "", RUN),
    (RULE, "self.sampler.due(progress.update + 1)", "self.sampler.due(progress.update)", RUN),
    (RULE, '(request is None or request.against != "losses")', "True", RUN),
    (RULE, "step, config = progress.step + 1, self.config", "step, config = progress.step, self.config", RUN),
    (RULE, "step % config.log_every and ", "", RUN),
    (RULE, " and step % config.validate_every)", ")", RUN),
    (RULE, "is_last or not progress.window.steps or ", "not progress.window.steps or ", RUN),
    (RULE, "not progress.window.steps or ", "", RUN),
    (RULE, "self.seconds = self.seconds or time", "self.seconds = time", RUN),
    (TRAINER, "            self._unread.started += seconds\n", "            pass\n", RUN),
    (TRAINER, "            self._unread.end()\n", "            pass\n", RUN),
    (TRAINER, "                if due or stop:\n                    self.settle()\n", "                if due or stop:\n", RUN),
    (TRAINER, "        taken = self._take(prepared, number, is_late)\n        self.settle()\n",
     "        self.settle()\n        taken = self._take(prepared, number, is_late)\n", RUN),
    (TRAINER, "        unread, self._unread = self._unread, None\n", "        unread = self._unread\n", RUN),
    (STOPPING, "if is_sent and self.processes.size > 1 and not self._told:", "if False:", SUMS),
    (STOPPING, " and not self._told:", ":", SUMS),
    (STOPPING, "is_sent and self.processes.size > 1 and ", "is_sent and ", RUN),
    (CHECKS, "    check_unread_losses,\n", "", "tests/balancing/test_checks.py"),
    (CHECKS, '        if request.kind == "nothing":\n', "        if True:\n", "tests/balancing/test_checks.py"),
]  # fmt: skip
