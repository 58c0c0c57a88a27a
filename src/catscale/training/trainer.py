"""The training loop.

Legend: N tasks, K tasks in the step, L_n loss and w_n weight of task n.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from catscale.analysis.analyzer import Analyzer
from catscale.balancing import BalancedStep, TaskBalancer
from catscale.data.direction import Direction
from catscale.data.store.sampled_pairs import take_part
from catscale.data.store.store import Pairs
from catscale.distributed.agreement import settings_of
from catscale.distributed.processes import Processes
from catscale.distributed.sharding import is_sharded, whole
from catscale.errors import CatscaleError, ConfigError, DivergedError, Interrupted
from catscale.model.contract import TranslationModel
from catscale.model.likelihood import Objective
from catscale.system.console.messages import say as say_on_stderr
from catscale.system.console.progress import ProgressView
from catscale.system.reading.yaml_file import read_yaml
from catscale.system.writing.places import find_moved
from catscale.training.checkpointing.storage import RunStorage
from catscale.training.config import TrainingConfig, learning_rate
from catscale.training.data_check import Confirmation
from catscale.training.dev_scores import DevScores
from catscale.training.live_analysis import LiveAnalysis
from catscale.training.precision import Precision, choose_precision
from catscale.training.records.content import balance_record, bleu_in_words, sample_record, skip_record, train_record
from catscale.training.records.run_log import RunLog
from catscale.training.records.trackers import Trackers
from catscale.training.rewards import RewardMeter
from catscale.training.signals import InterruptFlag
from catscale.training.state import Progress, Window
from catscale.training.step_losses import LossBuilder, StepLosses
from catscale.training.stream import MixtureStream
from catscale.training.validation import Validator
from catscale.vocabulary.contract import Vocabulary


class Trainer:
    """One run: model, optimiser, balancer, stream and where they stand.

    Args:
        config: Settings of the loop.
        model: On its device.
        balancer: Over `stream`'s tasks and the model's parameters.
        stream: Sub-batches of every step, and the sampler that they are drawn by.
        validation: Held-out pairs a direction.
        vocabulary: Saved with the model.
        folder: The run's folder, which exists.
        warn: Receives warnings, such as of a damaged checkpoint.
        processes: Those that train together; the balancer must add up losses over them (`across_ranks="sum"`).
        objective: Gives the losses of a batch; None for the model's own, which a sharded model cannot give.
        analyzer: Measures curvature and similarity where it is due; None for never.
        precision: What to compute in; None to decide here.
        scores: Translates at each validation; None for never.

    Attributes:
        confirmation: Asked whether the data are whole, after each step and before a model is written.
    """

    def __init__(
        self,
        config: TrainingConfig,
        model: TranslationModel,
        balancer: TaskBalancer,
        stream: MixtureStream,
        validation: Mapping[Direction, Pairs],
        vocabulary: Vocabulary,
        folder: Path,
        warn: Callable[[str], None] = say_on_stderr,
        processes: Processes | None = None,
        objective: Objective | None = None,
        analyzer: Analyzer | None = None,
        precision: Precision | None = None,
        scores: DevScores | None = None,
    ) -> None:
        self.config, self.model, self.balancer, self.stream = config, model, balancer, stream
        self.folder, self.processes = folder, processes or Processes(device=model.device)
        self.warn = warn
        objective = objective or Objective(model)
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.parameters,
            lr=config.learning_rate,
            betas=config.betas,
            eps=config.adam_epsilon,
            weight_decay=config.weight_decay,
            fused=True,
        )
        autocast = (precision or choose_precision(config, model.device)).dtype
        if is_sharded(model):
            refuse_whole_gradients(stream, analyzer)
        self.builder = LossBuilder(objective, balancer, self.processes, config.label_smoothing, autocast)
        self.validator = Validator(
            config, objective, take_part(validation, config.validate_sentences), vocabulary, autocast, self.processes
        )
        self.rewards = RewardMeter(config, model, self.parameters, stream, validation, autocast)
        self.scores = scores
        self.analysis = LiveAnalysis(analyzer, balancer, stream, self.processes)
        self.storage = RunStorage(
            folder, config, model, vocabulary, self.optimizer, balancer, stream, self.processes, warn
        )
        self.confirmation = Confirmation(None, self.processes)
        self.progress = Progress()
        self.moved: Path | None = None  # where the folder is, if it was renamed
        self.latest_nll = float("nan")
        self.news: list[str] = []  # what the latest step has to say

    def fit(self) -> Progress:
        """`start`, then `run`."""
        self.start()
        return self.run()

    def run(self) -> Progress:
        """Train until the budget is spent, validation stops improving, or a signal asks to stop.

        Returns:
            Where the run stands.

        Raises:
            DivergedError: On a non-finite loss or gradient, before the update, unless such steps are skipped, or a
                non-finite validation NLL.
            Interrupted: On SIGINT, SIGTERM and the like, after the state is saved.
            CatscaleError: If the run's folder was renamed, after the state is saved in it; if it was removed.
        """
        try:
            return self._train()
        except BaseException as error:
            self.log.break_off(error)
            raise

    def _train(self) -> Progress:
        """The loop."""
        config, progress = self.config, self.progress
        silent = not self.processes.is_first
        with ProgressView(config.max_steps, progress.step, silent=silent) as view, InterruptFlag() as interrupt:
            if progress.step:
                view.say(f"continuing at step {progress.step}")
            stop = False
            while not self._is_finished():
                if not self._budget_is_spent():
                    self.step()
                    self.confirmation.look()
                    self._tell(view)
                    self._started += self.analysis.run(progress, self.log, view, interrupt)
                    stop = self._agree(interrupt)
                    if not view.advance(progress.step, f"nll {self.latest_nll:.3f}"):
                        self._say_first(view)
                    if progress.step % config.log_every == 0:
                        self._log(view)
                due = progress.step % config.validate_every == 0 or self._budget_is_spent()
                if due or stop:
                    self._started += self.confirmation.settle()
                if due:
                    self._validate(view)
                    stop = self._agree(interrupt)
                if due or stop:
                    self.storage.save(progress, self.log.metrics)
                if stop and (self.moved is not None or not self._is_finished()):
                    self.processes.wait()  # the first may still be writing
                    raise self._why_stopped()
            view.say(self._outcome())
        self.log.close()
        self.processes.wait()  # the first may still be writing
        return progress

    def start(self) -> None:
        """Restore the newest checkpoint, if there is one, and get ready for `step`."""
        self.progress, metrics_size = self.storage.resume()
        self._started = time.perf_counter() - self.progress.seconds
        folder = self.folder if self.processes.is_first else None
        self.log = RunLog(folder, metrics_size, self.progress.step, self.config.tensorboard, self._trackers())
        self.model.train()

    def _trackers(self) -> Trackers | None:
        """Those that the settings name, on the first process."""
        config = self.config
        if not self.processes.is_first or (config.wandb is None and config.mlflow is None):
            return None
        path = self.folder / "config.yaml"
        settings = settings_of(read_yaml(path)) if path.exists() else config.model_dump(mode="json")
        return Trackers(config.wandb, config.mlflow, self.folder, settings, self.warn)

    @property
    def will_step(self) -> bool:
        """Whether `run` has steps to take."""
        return not (self._budget_is_spent() or self._is_stale())

    def step(self) -> None:
        """One update of the parameters, or a step passed over.

        Raises:
            DivergedError: On a non-finite loss or gradient, before the update, unless it is skipped.
        """
        started = time.perf_counter()
        number = self.progress.step + 1
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.config, number)
        self.model.at_step(number, self.config.max_steps)
        prepared = self.builder.build(self.stream.take(number))
        state, skips = self.balancer.state, self.progress.skips
        try:
            result = self._descend(prepared)
        except DivergedError as error:
            self.optimizer.zero_grad(set_to_none=True)
            self.balancer.state = state
            self.progress.step, self.progress.seconds = number, time.perf_counter() - self._started
            skips.steps += 1
            self._skip(error, skips.steps)
            return
        skips.steps = 0
        rewards, failure = self._reward_sampler(number)
        totals = prepared.sum_nll(self.processes)
        self._account(result, totals, prepared.counts, time.perf_counter() - started)
        if rewards is not None:
            self._write("sample", sample_record(self.stream.sampler, number, rewards))
            skips.rewards = 0
        if failure is not None:
            skips.rewards += 1
            self._skip(failure, skips.rewards)

    def _skip(self, error: DivergedError, in_a_row: int) -> None:
        """Put on record that the present step, or its move of the sampler, was passed over.

        Raises:
            DivergedError: Where such is not to be passed over, or has been too often in a row.
        """
        skips, config = self.progress.skips, self.config
        skips.total += 1
        text = f"step {self.progress.step}: {error}"
        if config.on_nonfinite == "skip" and in_a_row <= config.max_skipped:
            self._write("skip", skip_record(error, skips))
            self.news.append(f"{text}; skipped, {in_a_row} in a row, {skips.total} in all")
            return
        if config.on_nonfinite == "skip":
            text += f"; {in_a_row} in a row, {skips.total} in all, training.max_skipped is {config.max_skipped}"
        raise DivergedError(f"{text}; the last good checkpoint is kept", error.what, error.task) from error

    def _descend(self, prepared: StepLosses) -> BalancedStep:
        """Gradients, their combination, the update.

        Raises:
            DivergedError: On a non-finite loss or gradient, before the update.
        """
        result = self.balancer.backward(prepared.losses, tokens=prepared.tokens)
        clip = self.config.clip_norm or float("inf")
        norm = whole(torch.nn.utils.clip_grad_norm_(self.parameters, clip))
        if not norm.isfinite():
            raise DivergedError(f"the combined gradient has norm {norm.item()}; lower training.learning_rate")
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return result

    def _reward_sampler(self, step: int) -> tuple[dict[str, float] | None, DivergedError | None]:
        """Where the sampler is due, move it by the rewards of all tasks.

        Returns:
            The rewards, None where none were due or they are not finite on some process; and the error in that case.
        """
        request = self.stream.sampler.due(step)
        if request is None:
            return None, None
        measured, failure = dict.fromkeys(self.stream.sampler.tasks, 0.0), None
        try:
            measured = self.rewards.measure(request, step)
        except DivergedError as error:
            failure = error
        size = self.processes.size
        table = {task: value / size for task, value in measured.items()} | {"failed": float(failure is not None)}
        rewards = self.processes.sum_table(table)
        if rewards.pop("failed"):
            return None, failure or DivergedError("the sampler's rewards must be finite, another process found others")
        try:
            self.stream.sampler.update(rewards)
        except DivergedError as error:
            return None, error
        return rewards, None

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
        if result.gradient_norms is not None or result.curvature is not None:
            self._write("balance", balance_record(self.balancer, result))

    def _say_first(self, view: ProgressView) -> None:
        """In a log, that training is under way: the first record may be minutes off."""
        window = self.progress.window
        if window.steps == 1 and self.progress.step < self.config.log_every:
            view.say(
                f"step {self.progress.step} took {window.seconds:.1f} s; a line every {self.config.log_every} steps"
            )

    def _tell(self, view: ProgressView) -> None:
        """Say what was skipped."""
        for line in self.news:
            view.say(line)
        self.news.clear()

    def _log(self, view: ProgressView) -> None:
        """A record of the training loss since the last one, unless all steps since were skipped."""
        if not self.progress.window.steps:
            return
        record = train_record(self.progress, learning_rate(self.config, self.progress.step))
        self._write("train", record)
        speed = f"{record['tokens_per_second']:,.0f} tokens/s"
        view.say(f"step {self.progress.step}  loss {record['loss']:.3f}  nll {record['mean']:.3f}  {speed}")
        self.progress.window = Window()

    def _write(self, kind: str, record: Mapping[str, Any]) -> None:
        self.log.write(kind, self.progress, record)

    def _validate(self, view: ProgressView) -> None:
        """Validation NLL; the best model so far goes to `best`."""
        progress = self.progress
        if progress.validated == progress.step:
            return
        record = self.validator.measure(progress.step)
        if self.scores is not None:
            record |= self.scores.measure(self.model)
        self._write("valid", {"tokens": progress.tokens, **record})
        if progress.judge(self.validator.score(record)):
            self.storage.save_best(progress.step)
        mark = "  best so far" if progress.best_step == progress.step else ""
        view.say(f"step {progress.step}  validation nll {record['mean']:.4f}{bleu_in_words(record)}{mark}")

    def _agree(self, interrupt: InterruptFlag) -> bool:
        """Whether any process was asked to stop by now; all go by the first one's clock.

        Every decision is taken from what is agreed here: a signal may come at any time, on any process.
        """
        seconds = self.progress.seconds if self.processes.is_first else 0.0
        stop = interrupt.is_set or self._is_moved()
        flags, self.progress.seconds = self.processes.sum([float(stop), seconds])
        return flags > 0

    def _is_moved(self) -> bool:
        """Whether the run's folder was renamed; if so, what is left to be saved goes to where it is now."""
        if self.processes.is_first and (place := find_moved(self.folder)) is not None:
            self.moved = self.storage.folder = place
        return self.moved is not None

    def _why_stopped(self) -> CatscaleError:
        """The error that ends a run before its budget is spent."""
        step = self.progress.step
        if self.moved is None:
            return Interrupted(f"interrupted at step {step}; the state is saved, the same command continues")
        return CatscaleError(
            f"{self.folder} was renamed to {self.moved} while it trained, which ends at step {step}; the state is "
            f"saved there: give --out {self.moved} to go on, or rename it back"
        )

    def _budget_is_spent(self) -> bool:
        config, progress = self.config, self.progress
        minutes = config.max_minutes
        return progress.step >= config.max_steps or (minutes is not None and progress.seconds >= 60 * minutes)

    def _outcome(self) -> str:
        """How training ended, in words."""
        progress = self.progress
        why = f"no improvement in {progress.stale} validations" if self._is_stale() else "the budget is spent"
        return (
            f"finished at step {progress.step}: {why}; best validation nll {progress.best:.4f} at {progress.best_step}"
        )

    def _is_stale(self) -> bool:
        patience = self.config.patience
        return patience is not None and self.progress.stale >= patience

    def _is_finished(self) -> bool:
        return (self._budget_is_spent() and self.progress.validated == self.progress.step) or self._is_stale()


def refuse_whole_gradients(stream: MixtureStream, analyzer: Analyzer | None) -> None:
    """What a sharded model cannot do.

    Raises:
        ConfigError: If the sampler or an analysis measures whole gradients.
    """
    if stream.sampler.request is not None:
        raise ConfigError(
            f"sampling.method {stream.sampler.method.name} measures whole gradients, and training.sharded splits "
            "them; set training.sharded to false, or choose another sampler"
        )
    if analyzer is not None:
        raise ConfigError(
            "analysis.every measures whole gradients, and training.sharded splits them; set analysis.every to "
            "null and run `catscale analyze` on the checkpoints, or training.sharded to false"
        )
