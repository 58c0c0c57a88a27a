"""The training loop.

Legend: N tasks, K tasks in the step, L_n loss and w_n weight of task n.
"""

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from catscale.balancing import BalancedStep, TaskBalancer
from catscale.data.batching import Batch
from catscale.data.direction import Direction
from catscale.data.store import Pairs
from catscale.data.vocabulary import Vocabulary
from catscale.errors import ConfigError, DivergedError, Interrupted
from catscale.evaluation.nll import measure_nll
from catscale.model.likelihood import Objective
from catscale.training.analysis import Analyzer, summarise_costs
from catscale.training.config import TrainingConfig, learning_rate
from catscale.training.metrics import MetricsLog
from catscale.training.objective_weights import objective_weights
from catscale.training.precision import choose_autocast
from catscale.training.processes import Processes
from catscale.training.progress import ProgressView
from catscale.training.records import balance_record, sample_record, train_record, valid_record
from catscale.training.rewards import RewardMeter
from catscale.training.sharding import is_sharded, whole
from catscale.training.signals import InterruptFlag
from catscale.training.state import Progress, Window
from catscale.training.storage import RunStorage
from catscale.training.stream import MixtureStream
from catscale.training.tensorboard import TensorBoardLog


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
    """

    def __init__(
        self,
        config: TrainingConfig,
        model: Any,
        balancer: TaskBalancer,
        stream: MixtureStream,
        validation: Mapping[Direction, Pairs],
        vocabulary: Vocabulary,
        folder: Path,
        warn: Callable[[str], None] = print,
        processes: Processes | None = None,
        objective: Objective | None = None,
        analyzer: Analyzer | None = None,
    ) -> None:
        self.processes = processes or Processes()
        self.objective, self.analyzer = objective or Objective(model), analyzer
        self.config, self.model, self.balancer, self.stream = config, model, balancer, stream
        self.validation, self.vocabulary, self.folder = validation, vocabulary, folder
        names = {str(direction) for direction in validation}
        if config.select_by not in names | {"mean"}:
            raise ConfigError(f"training.select_by must be mean or one of {sorted(names)}, found {config.select_by!r}")
        parameters = [p for p in model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            parameters,
            lr=config.learning_rate,
            betas=config.betas,
            eps=config.adam_epsilon,
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.parameters = parameters
        self.autocast = choose_autocast(config, self.device)
        if config.precision == "bf16" and self.autocast is None:
            warn("warning: this processor has no bfloat16 instructions; training.precision bf16 is computed in fp32")
        self.rewards = RewardMeter(config, model, parameters, stream, validation, self.autocast)
        if self.is_sharded and stream.sampler.request is not None:
            raise ConfigError(
                f"sampling.method {stream.sampler.method.name} measures whole gradients, and training.sharded splits "
                "them; set training.sharded to false, or choose another sampler"
            )
        if self.is_sharded and analyzer is not None:
            raise ConfigError(
                "analysis.every measures whole gradients, and training.sharded splits them; set analysis.every to "
                "null and run `catscale analyze` on the checkpoints, or training.sharded to false"
            )
        self.storage = RunStorage(
            folder, config, model, vocabulary, self.optimizer, balancer, stream, self.processes, warn
        )
        self.progress = Progress()
        self.latest_nll = float("nan")

    @property
    def is_sharded(self) -> bool:
        """Whether each process holds a part of every parameter."""
        return is_sharded(self.model)

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        device: torch.device = self.model.device
        return device

    def fit(self) -> Progress:
        """Train until the budget is spent, validation stops improving, or a signal asks to stop.

        Returns:
            Where the run stands.

        Raises:
            DivergedError: On a non-finite loss or gradient, before the update, or a non-finite validation NLL.
            Interrupted: On SIGINT or SIGTERM, after the state is saved.
        """
        self.start()
        config, progress = self.config, self.progress
        silent = not self.processes.is_first
        with ProgressView(config.max_steps, progress.step, silent=silent) as view, InterruptFlag() as interrupt:
            if progress.step:
                view.say(f"continuing at step {progress.step}")
            stop = False
            while not self._is_finished():
                if not self._budget_is_spent():
                    self.step()
                    self._analyse(view)
                    stop = self._agree(interrupt)
                    if not view.advance(progress.step, f"nll {self.latest_nll:.3f}"):
                        self._say_first(view)
                    if progress.step % config.log_every == 0:
                        self._log(view)
                due = progress.step % config.validate_every == 0 or self._budget_is_spent()
                if due:
                    self._validate(view)
                    stop = self._agree(interrupt)
                if due or stop:
                    self.storage.save(self.progress, self.metrics)
                if stop and not self._is_finished():
                    self.processes.wait()  # the first may still be writing
                    raise Interrupted(
                        f"interrupted at step {progress.step}; the state is saved, the same command continues"
                    )
            view.say(self._outcome())
        self.metrics.close()
        if self.board is not None:
            self.board.close()
        self.processes.wait()  # the first may still be writing
        return progress

    def start(self) -> None:
        """Restore the newest checkpoint, if there is one, and get ready for `step`."""
        self.progress, metrics_size = self.storage.resume()
        self._started = time.perf_counter() - self.progress.seconds
        self.metrics = MetricsLog(self.folder / "metrics.jsonl" if self.processes.is_first else None, metrics_size)
        wanted = self.config.tensorboard and self.processes.is_first
        self.board = TensorBoardLog(self.folder / "tensorboard", self.progress.step) if wanted else None
        self.model.train()

    def step(self) -> None:
        """One update of the parameters.

        Raises:
            DivergedError: On a non-finite loss or gradient, before the update.
        """
        started = time.perf_counter()
        number = self.progress.step + 1
        rate = learning_rate(self.config, number)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        batches = self.stream.take(number)
        counts = {task: sum(batch.tokens for batch in parts) for task, parts in batches.items()}
        nll: dict[str, dict[int, Tensor]] = {task: {} for task in batches}
        own = self._own(batches)
        losses = {
            task: [self._loss(batch, self._unit(counts, task), nll[task]) for batch in parts]
            for task, parts in own.items()
        }
        tokens = {task: float(sum(batch.tokens for batch in parts)) for task, parts in own.items()}
        if self.is_sharded and not losses:  # sharded models compute in step: a loss that counts nothing
            task, parts = next(iter(batches.items()))
            losses, tokens = {task: [self._loss(parts[0], math.inf, {})]}, {task: 1e-9}
        try:
            result = self.balancer.backward(losses, tokens=tokens)
            clip = self.config.clip_norm or float("inf")
            norm = torch.nn.utils.clip_grad_norm_(self.parameters, clip)
            norm = whole(norm)
            if not norm.isfinite():
                raise DivergedError(f"the combined gradient has norm {norm.item()}; lower training.learning_rate")
        except DivergedError as error:
            raise DivergedError(f"step {number}: {error}; the last good checkpoint is kept") from error
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        rewards = self._reward_sampler(number)
        zero = torch.zeros((), dtype=torch.float64, device=self.device)
        sums = torch.stack([torch.stack([zero, *values.values()]).sum() for values in nll.values()]).tolist()
        totals = self.processes.sum_table(dict(zip(nll, sums, strict=True)))
        self._account(result, totals, counts, time.perf_counter() - started)
        if rewards is not None:
            self._write("sample", sample_record(self.stream.sampler, number, rewards))

    def _reward_sampler(self, step: int) -> dict[str, float] | None:
        """Where the sampler is due, move it by the rewards of all tasks; returns them.

        Raises:
            DivergedError: On a gradient that is not finite.
        """
        request = self.stream.sampler.due(step)
        if request is None:
            return None
        try:
            measured = self.rewards.measure(request, step)
            size = self.processes.size
            rewards = self.processes.sum_table({task: value / size for task, value in measured.items()})
            self.stream.sampler.update(rewards)
        except DivergedError as error:
            raise DivergedError(f"step {step}: {error}; the last good checkpoint is kept") from error
        return rewards

    def _unit(self, counts: Mapping[str, int], task: str) -> int:
        """What a task's summed loss is divided by: its own tokens, or those of the whole step."""
        return counts[task] if self.balancer.method.losses == "tasks" else sum(counts.values())

    def _own(self, batches: Mapping[str, list[Batch]]) -> dict[str, list[Batch]]:
        """This process's sub-batches; in halves, where the step compares halves and a task has but one."""
        mine = self.processes.share(batches)
        if self.balancer.request.halves:
            return {task: parts if len(parts) > 1 else parts[0].halves() for task, parts in mine.items()}
        return mine

    def _loss(self, batch: Batch, unit: float, nll: dict[int, Tensor]) -> Callable[[], Tensor]:
        """A function that computes a sub-batch's part of its task's loss, and notes its NLL the first time."""

        def compute() -> Tensor:
            with torch.autocast(self.device.type, self.autocast, enabled=self.autocast is not None):
                loss, total = self.objective(batch.to(self.device), self.config.label_smoothing)
            nll.setdefault(id(batch), total)
            loss_share: Tensor = loss / unit
            return loss_share

        return compute

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

    def _log(self, view: ProgressView) -> None:
        """A record of the training loss since the last one."""
        record = train_record(self.progress, learning_rate(self.config, self.progress.step))
        self._write("train", record)
        speed = f"{record['tokens_per_second']:,.0f} tokens/s"
        view.say(f"step {self.progress.step}  loss {record['loss']:.3f}  nll {record['mean']:.3f}  {speed}")
        self.progress.window = Window()

    def _write(self, kind: str, record: Mapping[str, Any]) -> None:
        self.metrics.write(kind=kind, step=self.progress.step, time=round(self.progress.seconds, 3), **record)
        if self.board is not None:
            self.board.write(kind, self.progress.step, record)

    def _analyse(self, view: ProgressView) -> None:
        """Where it is due, a record of curvature and similarity; its time is not the run's."""
        step = self.progress.step
        if self.analyzer is None or not self.analyzer.is_due(step):
            return
        started = time.perf_counter()
        if self.processes.is_first:
            weights = objective_weights(self.balancer, self.stream, step + 1)
            record = self.analyzer.measure(step, weights, lambda done, total, note: self._note(view, note))
            self._write("analysis", record)
            view.say(f"step {step}  analysis  {summarise_costs(record)}")
        self.processes.wait()
        self._started += time.perf_counter() - started

    def _note(self, view: ProgressView, note: str) -> None:
        view.advance(self.progress.step, note)

    def _validate(self, view: ProgressView) -> None:
        """Validation NLL; the best model so far goes to `best`."""
        progress = self.progress
        if progress.validated == progress.step:
            return
        size = self.processes.size
        part = (0, 1) if self.is_sharded else (self.processes.rank, size)
        parts_of_all = size if self.is_sharded else 1  # all compute everything; the mean is the same everywhere
        nll = measure_nll(
            self.model,
            self.validation,
            self.vocabulary,
            self.config.batch_tokens,
            self.autocast,
            self.objective,
            part,
            lambda sums: [value / parts_of_all for value in self.processes.sum(sums)],
        )
        record = valid_record(nll)
        mean = record["mean"]
        if not math.isfinite(mean):
            raise DivergedError(
                f"step {progress.step}: the validation nll is {mean}; lower training.learning_rate; "
                "the last good checkpoint is kept"
            )
        self._write("valid", record)
        progress.validated = progress.step
        score = mean if self.config.select_by == "mean" else nll[self.config.select_by]
        if progress.best is None or score < progress.best:
            progress.best, progress.best_step, progress.stale = score, progress.step, 0
            self.storage.save_best()
        else:
            progress.stale += 1
        mark = "  best so far" if progress.best_step == progress.step else ""
        view.say(f"step {progress.step}  validation nll {mean:.4f}{mark}")

    def _agree(self, interrupt: InterruptFlag) -> bool:
        """Whether any process was asked to stop by now; all go by the first one's clock.

        Every decision is taken from what is agreed here: a signal may come at any time, on any process.
        """
        seconds = self.progress.seconds if self.processes.is_first else 0.0
        flags, self.progress.seconds = self.processes.sum([float(interrupt.is_set), seconds])
        return flags > 0

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
