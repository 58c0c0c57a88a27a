"""The training loop.

Legend: N tasks, K tasks in the step, L_n loss and w_n weight of task n.
"""

import time
from collections.abc import Mapping

from catscale.balancing import BalancedStep
from catscale.balancing.engine.deferred_step import DeferredStep
from catscale.errors import DivergedError
from catscale.sampling.contract import Reward
from catscale.training.ahead import StepsAhead
from catscale.training.averaging.averages import Averages
from catscale.training.averaging.candidates import Candidates
from catscale.training.checkpointing.storage import RunStorage
from catscale.training.data_check import Confirmation
from catscale.training.deferred_reading import AnyStep, DeferredReading, UnreadStep
from catscale.training.descent import DeferredDescent, StepDescent
from catscale.training.dropout_bits import draw_masks_from_bits
from catscale.training.given_up import GivenUpWatch
from catscale.training.live_analysis import LiveAnalysis
from catscale.training.records.reporter import Reporter
from catscale.training.rewards import RewardMeter
from catscale.training.sampler_moves import SamplerMoves
from catscale.training.setup import TrainingSetup
from catscale.training.signals import InterruptFlag
from catscale.training.skipping import skip
from catscale.training.state import Progress
from catscale.training.statistics import StatisticsMeter
from catscale.training.step_losses import LossBuilder, StepLosses
from catscale.training.stopping import StopAgreement
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
        self.progress, self.latest_nll = Progress(), float("nan")
        self.stopping, self.deferring = StopAgreement(setup, self.storage), DeferredReading(setup, self.optimizer)
        self._unread: UnreadStep | None = None

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
            self.stopping.interrupt = interrupt
            self._measure_base()
            stop = False
            while not self._is_finished():
                if not self._budget_is_spent():
                    self.step()
                    self.confirmation.look()
                    self._leave_out(self.analysis.run(progress, reporter, interrupt))
                    stop = self._agree(interrupt)
                    reporter.tell_step(self.latest_nll)
                due = progress.step % self.config.validate_every == 0 or self._budget_is_spent()
                if due or stop:
                    self.settle()
                    self._started += self.confirmation.settle()
                if due:
                    self._validate()
                    self.stopping.note([])  # what was told before it is old
                    stop = self._agree(interrupt)
                if due or stop:
                    self._save()
                if stop and (self.stopping.moved is not None or not self._is_finished()):
                    self.processes.wait()  # the first may still be writing
                    raise self.stopping.why(progress.step)
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

        On a device other than a CPU, most steps are read when the next one is under way, or by `settle`.

        Raises:
            DivergedError: On a non-finite loss or gradient, before the update, unless it is skipped; of a step that is
                read later, here in the next one.
        """
        started = time.perf_counter()
        number, is_deferred = self.progress.update + 1, self.deferring.allows(self.progress, self.latest_nll)
        if self._unread is not None:
            self._unread.end()
        self.model.at_step(number, self.config.max_steps - self.progress.before)
        prepared = self.builder.build(self.batches.take(number), self.statistics.request, self._flags)
        self.stopping.note([])
        taken = self._take(prepared, number, is_deferred)
        self.settle()
        self.progress.step += 1
        if isinstance(taken, DeferredStep):
            self._unread = UnreadStep(taken, prepared, started)
        elif isinstance(taken, DivergedError):
            self._pass_over(taken)
        else:
            self._account(taken, prepared, time.perf_counter() - started)

    def _take(self, prepared: StepLosses, number: int, is_deferred: bool) -> AnyStep | DivergedError:
        """Move parameters and averages; returns what was seen, or what is not finite, after which all is as before."""
        state = self.balancer.state
        try:
            taken = self._descend(prepared, number, is_deferred)
        except DivergedError as error:
            self.optimizer.zero_grad(set_to_none=True)
            self.balancer.state = state
            return error
        if self.averages is not None:
            self.averages.update()
        return taken

    def _descend(self, prepared: StepLosses, number: int, is_deferred: bool) -> AnyStep:
        optimizer = self.setup.optimizer
        with draw_masks_from_bits(self.processes.device):
            if is_deferred:
                return optimizer.take(self.optimizer, DeferredDescent(self.setup, prepared, self.named), number)
            measured = self.statistics.measure(number)
            return optimizer.take(self.optimizer, StepDescent(self.setup, prepared, self.named, measured), number)

    def settle(self) -> None:
        """Read the step that was taken last, if it was not.

        Raises:
            DivergedError: If it was not finite.
        """
        unread, self._unread = self._unread, None
        if unread is None:
            return
        seconds = unread.end()
        try:
            seen = unread.seen.read()
        except DivergedError as error:
            self._pass_over(error)
        else:
            self._account(seen, unread.prepared, seconds)

    def _leave_out(self, seconds: float) -> None:
        """Leave a time out of the run's, and of the step's that was taken last and is not read."""
        self._started += seconds
        if self._unread is not None:
            self._unread.started += seconds

    def _pass_over(self, error: DivergedError) -> None:
        """Pass over the present step."""
        self.progress.seconds = time.perf_counter() - self._started
        self.progress.skips.steps += 1
        skip(self.config, self.reporter, error, self.progress.skips.steps)

    def _tell_move(self, rewards: Mapping[str, Reward] | None, failure: DivergedError | None) -> None:
        """Record a move of the sampler, or pass over it where its rewards are not finite."""
        skips = self.progress.skips
        if rewards is not None:
            self.reporter.tell_rewards(rewards)
            skips.rewards = 0
        if failure is not None:
            skips.rewards += 1
            skip(self.config, self.reporter, failure, skips.rewards)

    def _account(self, seen: BalancedStep, prepared: StepLosses, seconds: float) -> None:
        """Add the present step to the run's sums, and move the sampler."""
        progress, counts = self.progress, prepared.counts
        progress.skips.steps = 0
        nll = prepared.sum_nll(seen.report, self.processes)
        self.stopping.note(prepared.read_flags(seen.report))
        begun = time.perf_counter()
        move = self.sampler_moves.move(progress.update, nll, counts)
        loss = sum(seen.weights[task] * value for task, value in seen.losses.items())
        progress.seconds = time.perf_counter() - self._started
        progress.tokens += sum(counts.values())
        progress.window.add(loss, nll, counts, seconds + time.perf_counter() - begun)
        self.latest_nll = sum(nll.values()) / sum(counts.values())
        self.reporter.tell_balance(seen)
        self._tell_move(*move)

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
        """Return whether any process was asked to stop by now, by the first one's clock."""
        is_sent = self._unread is not None
        stop, self.progress.seconds = self.stopping.agree(interrupt, self.progress.seconds, is_sent)
        return stop

    def _flags(self) -> list[float]:
        """Return what the processes agree on with a step's losses."""
        return self.stopping.ask(time.perf_counter() - self._started)

    def _budget_is_spent(self) -> bool:
        config, progress = self.config, self.progress
        minutes = config.max_minutes
        return progress.step >= config.max_steps or (minutes is not None and progress.seconds >= 60 * minutes)

    def _is_stale(self) -> bool:
        patience = self.config.patience
        return patience is not None and self.progress.stale >= patience

    def _is_finished(self) -> bool:
        return (self._budget_is_spent() and self.progress.validated == self.progress.step) or self._is_stale()
