"""The training loop.

Legend: N tasks, K tasks in the step, L_n loss and w_n weight of task n.
"""

import time
from collections.abc import Mapping
from pathlib import Path

from catscale.balancing import BalancedStep
from catscale.errors import CatscaleError, DivergedError, Interrupted
from catscale.sampling.contract import Reward
from catscale.system.writing.places import find_moved
from catscale.training.ahead import StepsAhead
from catscale.training.averaging.averages import Averages
from catscale.training.averaging.candidates import Candidates
from catscale.training.checkpointing.storage import RunStorage
from catscale.training.data_check import Confirmation
from catscale.training.descent import StepDescent
from catscale.training.dropout_bits import draw_masks_from_bits
from catscale.training.given_up import GivenUpWatch
from catscale.training.live_analysis import LiveAnalysis
from catscale.training.records.reporter import Reporter
from catscale.training.rewards import RewardMeter
from catscale.training.sampler_moves import SamplerMoves
from catscale.training.setup import TrainingSetup
from catscale.training.signals import InterruptFlag
from catscale.training.state import Progress
from catscale.training.statistics import StatisticsMeter
from catscale.training.step_losses import LossBuilder
from catscale.training.validation import Validator


class Trainer:
    """Trains one run: its parts, its optimiser, and where it stands.

    Args:
        setup: The parts.

    Raises:
        ConfigError: If they do not go together.
    """

    def __init__(self, setup: TrainingSetup) -> None:
        setup.refuse_whole_gradients()
        setup.refuse_optimizer()
        config = setup.config
        self.setup, self.config, self.model, self.processes = setup, config, setup.model, setup.processes
        self.balancer, self.stream = setup.balancer, setup.stream
        self.named = setup.trainable_parameters()
        self.parameters, self.optimizer = list(self.named.values()), setup.optimizer.build(self.named)
        self.balancer.use_metric_of(self.optimizer)
        self.builder = LossBuilder(setup)
        self.batches = StepsAhead(self.stream, is_on=self.processes.device.type != "cpu")
        self.statistics = StatisticsMeter(setup, self.builder)
        self.validator, self.watch = Validator(setup), GivenUpWatch(setup)
        self.rewards = RewardMeter(setup, optimizer=self.optimizer)
        self.sampler_moves = SamplerMoves(self.stream, self.rewards, self.processes)
        self.analysis = LiveAnalysis(setup)
        self.averages = None if config.average is None else Averages(setup, config.average)
        self.storage = RunStorage(setup, self.optimizer, None if self.averages is None else self.averages.moving)
        self.candidates = self._make_candidates()
        self.confirmation = Confirmation(setup.confirm, self.processes)
        self.progress = Progress()
        self.moved: Path | None = None  # where the folder is, if it was renamed
        self.latest_nll = float("nan")
        self._interrupt: InterruptFlag | None = None
        self._told: list[float] = []  # whether to stop and the first one's clock, where the step has summed them

    def _make_candidates(self) -> Candidates | None:
        if self.averages is None:
            return None
        storage, keep = self.storage, self.config.keep
        return Candidates(self.averages, self.validator, self.processes, storage.write_model, keep, self.setup.say)

    def fit(self) -> Progress:
        """Restore and train: `start`, then `run`."""
        self.start()
        return self.run()

    def start(self) -> None:
        """Restore the newest checkpoint, if there is one, and get ready for `step`."""
        self.progress, metrics_size = self.storage.resume()
        if self.candidates is not None and self.progress.step:
            storage = self.storage
            self.candidates.settle(storage.folder, self.progress, storage.checkpoint_of(self.progress.step))
        self._started = time.perf_counter() - self.progress.seconds
        self.reporter = Reporter(self.setup, self.progress, metrics_size)
        self.model.train()

    def run(self) -> Progress:
        """Train until the budget is spent, validation stops improving, or a signal asks to stop.

        Returns:
            Where the run stands.

        Raises:
            DivergedError: On a non-finite loss or gradient, before the update, unless such steps are skipped, or a
                non-finite validation NLL.
            Interrupted: If SIGINT, SIGTERM or a similar signal arrives, after the state is saved.
            CatscaleError: If the run's folder was renamed, after the state is saved in it; if it was removed.
        """
        progress, reporter = self.progress, self.reporter
        with reporter.showing(), self.batches, InterruptFlag() as interrupt:
            self._interrupt = interrupt
            self._measure_base()
            stop = False
            while not self._is_finished():
                if not self._budget_is_spent():
                    self.step()
                    self.confirmation.look()
                    self._started += self.analysis.run(progress, reporter, interrupt)
                    stop = self._agree(interrupt)
                    reporter.tell_step(self.latest_nll)
                due = progress.step % self.config.validate_every == 0 or self._budget_is_spent()
                if due or stop:
                    self._started += self.confirmation.settle()
                if due:
                    self._validate()
                    stop = self._agree(interrupt)
                if due or stop:
                    self._save()
                if stop and (self.moved is not None or not self._is_finished()):
                    self.processes.wait()  # the first may still be writing
                    raise self._why_stopped()
            reporter.tell_outcome(self._is_stale())
        reporter.close()
        self.processes.wait()  # the first may still be writing
        return progress

    @property
    def will_step(self) -> bool:
        """Whether `run` has steps to take."""
        return not (self._budget_is_spent() or self._is_stale())

    def step(self) -> None:
        """Take one update of the parameters, or pass over it.

        Raises:
            DivergedError: On a non-finite loss or gradient, before the update, unless it is skipped.
        """
        started = time.perf_counter()
        number, before = self.progress.update + 1, self.progress.before
        self.model.at_step(number, self.config.max_steps - before)
        prepared = self.builder.build(self.batches.take(number), self.statistics.request, self._flags)
        self._told = []
        state, skips = self.balancer.state, self.progress.skips
        try:
            with draw_masks_from_bits(self.processes.device):
                descent = StepDescent(self.setup, prepared, self.named, self.statistics.measure(number))
                result = self.setup.optimizer.take(self.optimizer, descent, number)
        except DivergedError as error:
            self.optimizer.zero_grad(set_to_none=True)
            self.balancer.state = state
            self.progress.step, self.progress.seconds = before + number, time.perf_counter() - self._started
            skips.steps += 1
            self._skip(error, skips.steps)
            return
        skips.steps = 0
        if self.averages is not None:
            self.averages.update()
        totals, self._told = prepared.sum_nll(result.report, self.processes), prepared.read_flags(result.report)
        move = self.sampler_moves.move(number, totals, prepared.counts)
        self._account(result, totals, prepared.counts, time.perf_counter() - started)
        self._tell_move(*move)

    def _tell_move(self, rewards: Mapping[str, Reward] | None, failure: DivergedError | None) -> None:
        """Record a move of the sampler, or pass over it where its rewards are not finite."""
        skips = self.progress.skips
        if rewards is not None:
            self.reporter.tell_rewards(rewards)
            skips.rewards = 0
        if failure is not None:
            skips.rewards += 1
            self._skip(failure, skips.rewards)

    def _skip(self, error: DivergedError, in_a_row: int) -> None:
        """Pass over the present step, or its move of the sampler.

        Raises:
            DivergedError: If such a step is not to be skipped, or has occurred too often in a row.
        """
        skips, config = self.progress.skips, self.config
        skips.total += 1
        if config.on_nonfinite == "skip" and in_a_row <= config.max_skipped:
            self.reporter.tell_skip(error, in_a_row)
            return
        text = f"step {self.progress.step}: {error}"
        if config.on_nonfinite == "skip":
            text += f"; {in_a_row} in a row, {skips.total} in all, training.max_skipped is {config.max_skipped}"
        raise DivergedError(f"{text}; the last good checkpoint is kept", error.what, error.task) from error

    def _account(
        self, result: BalancedStep, nll: Mapping[str, float], counts: Mapping[str, int], seconds: float
    ) -> None:
        """Add a finished step to the run's sums."""
        loss = sum(result.weights[task] * value for task, value in result.losses.items())
        self.progress.step += 1
        self.progress.seconds = time.perf_counter() - self._started
        self.progress.tokens += sum(counts.values())
        self.progress.window.add(loss, nll, counts, seconds)
        self.latest_nll = sum(nll.values()) / sum(counts.values())
        self.reporter.tell_balance(result)

    def _measure_base(self) -> None:
        """Measure what the model can do before the first step, on all of dev, where it starts from another one."""
        if self.progress.step or not self.setup.has_base:
            return
        started = time.perf_counter()
        record = self.validator.measure_record(self.setup.validation)
        self.reporter.write("base", record)
        self.reporter.say(f"step 0, the model that training starts from: nll {record['mean']:.4f} on all of dev")
        self._started += time.perf_counter() - started

    def _validate(self) -> None:
        """Measure the validation NLL; the best model so far goes to `best`."""
        progress = self.progress
        if progress.validated == progress.step:
            return
        record = self.validator.measure(progress.step)
        record |= self.model.describe_use()
        if self.builder.dropout is not None:
            record |= {"dropout": self.builder.dropout.describe()}
        if self.setup.scores is not None:
            record |= self.setup.scores.measure(self.model)
        if self.candidates is not None:
            record |= self.candidates.judge(self.storage.folder, progress, record)
        if given_up := self.watch.look(progress, record["nll"]):
            record["given_up"] = [found.task for found in given_up]
        self.reporter.write("valid", {"tokens": progress.tokens, **record})
        if progress.judge(self.validator.score(record)) and self.candidates is None:
            self.storage.save_best(progress.step)
        self.reporter.tell_validation(record)
        if progress.step % self.config.validate_every == 0:  # not where a shorter budget ends: a longer one goes on
            self._tell_move(*self.sampler_moves.move_by_validation(record["nll"]))
        self.watch.tell(progress.step, given_up, self.reporter.say)

    def _save(self) -> None:
        """Save a checkpoint, and of averages and single models the best ones."""
        progress, storage = self.progress, self.storage
        storage.save(progress, self.reporter.metrics)
        if self.candidates is not None:
            self.candidates.keep_best(storage.folder, progress, storage.checkpoint_of(progress.step))

    def _agree(self, interrupt: InterruptFlag) -> bool:
        """Return whether any process was asked to stop by now, by the first one's clock.

        Every decision is taken from what is agreed here: a signal may come at any time, on any process. Of several
        processes the step has summed it with its losses; a signal that came afterwards waits for the next one.
        """
        told = self._told or self.processes.sum(self._ask(interrupt, self.progress.seconds))
        self._told = []
        flags, self.progress.seconds = told
        return flags > 0

    def _flags(self) -> list[float]:
        """Return what the processes agree on with a step's losses; nothing on one process, or outside of `run`."""
        if self.processes.size == 1 or self._interrupt is None:
            return []
        return self._ask(self._interrupt, time.perf_counter() - self._started)

    def _ask(self, interrupt: InterruptFlag, seconds: float) -> list[float]:
        """Return whether this process is to stop, and the time if it is the first one."""
        return [float(interrupt.is_set or self._is_moved()), seconds if self.processes.is_first else 0.0]

    def _is_moved(self) -> bool:
        """Return whether the run's folder was renamed; if so, save the rest to where it is now."""
        if self.processes.is_first and (place := find_moved(self.setup.folder)) is not None:
            self.storage.move_to(place)
            self.moved = place
        return self.moved is not None

    def _why_stopped(self) -> CatscaleError:
        """Return the error that ends a run before its budget is spent."""
        step = self.progress.step
        if self.moved is None:
            return Interrupted(f"interrupted at step {step}; the state is saved, the same command continues")
        return CatscaleError(
            f"{self.setup.folder} was renamed to {self.moved} while it trained, which ends at step {step}; the state "
            f"is saved there: give --out {self.moved} to go on, or rename it back"
        )

    def _budget_is_spent(self) -> bool:
        config, progress = self.config, self.progress
        minutes = config.max_minutes
        return progress.step >= config.max_steps or (minutes is not None and progress.seconds >= 60 * minutes)

    def _is_stale(self) -> bool:
        patience = self.config.patience
        return patience is not None and self.progress.stale >= patience

    def _is_finished(self) -> bool:
        return (self._budget_is_spent() and self.progress.validated == self.progress.step) or self._is_stale()
