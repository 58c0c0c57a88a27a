"""Tells how a run goes: its records go to files, its lines to the user."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from catscale.balancing import BalancedStep
from catscale.distributed.agreement import settings_of
from catscale.errors import DivergedError
from catscale.sampling.contract import Reward
from catscale.system.console.numbers import count_things
from catscale.system.console.progress import ProgressView
from catscale.system.reading.yaml_file import read_yaml
from catscale.training.records.content import (
    bleu_in_words,
    make_balance_record,
    make_sample_record,
    make_skip_record,
    make_train_record,
)
from catscale.training.records.metrics_file import MetricsLog
from catscale.training.records.run_log import RunLog
from catscale.training.records.trackers import Trackers
from catscale.training.setup import TrainingSetup
from catscale.training.state import Progress, Window


class Reporter:
    """Writes the records of a run, and says its lines above a bar; on other processes than the first, neither.

    Lines that come outside the block of `showing` are not shown: whoever takes steps by hand reads the records.

    Args:
        setup: The run's parts.
        progress: The progress of the run; the steps to come change it.
        metrics_size: Bytes of `metrics.jsonl` that belong to it.
    """

    def __init__(self, setup: TrainingSetup, progress: Progress, metrics_size: int) -> None:
        self.setup, self.config, self.progress = setup, setup.config, progress
        folder = setup.folder if setup.processes.is_first else None
        self.log = RunLog(folder, metrics_size, progress.step, self.config.tensorboard, self._trackers())
        self._view: ProgressView | None = None
        self._has_told = False  # that training is under way

    def _trackers(self) -> Trackers | None:
        """Return those that the settings name, on the first process."""
        config, folder = self.config, self.setup.folder
        if not self.setup.processes.is_first or (config.wandb is None and config.mlflow is None):
            return None
        path = folder / "config.yaml"
        settings = settings_of(read_yaml(path)) if path.exists() else config.model_dump(mode="json")
        return Trackers(config.wandb, config.mlflow, folder, settings, self.setup.say)

    @property
    def metrics(self) -> MetricsLog:
        """The file of records, whose size is part of a checkpoint."""
        return self.log.metrics

    @contextmanager
    def showing(self) -> Iterator[None]:
        """Show lines and a bar for the time of the block; trackers are told of an error that ends it."""
        step, silent = self.progress.step, not self.setup.processes.is_first
        try:
            with ProgressView(self.config.max_steps, step, silent=silent) as self._view:
                if self.progress.update:
                    self.say(f"continuing at step {step}")
                yield
        except BaseException as error:
            self.log.break_off(error)
            raise
        finally:
            self._view = None

    def say(self, line: str) -> None:
        """Say a line, where the run is shown."""
        if self._view is not None:
            self._view.say(line)

    def advance(self, note: str) -> bool:
        """Move the bar to the present step, with a note beside it; returns whether anybody sees it."""
        return self._view is None or self._view.advance(self.progress.step, note)

    def write(self, kind: str, record: Mapping[str, Any]) -> None:
        """Write a record of the present step."""
        self.log.write(kind, self.progress, record)

    def tell_balance(self, result: BalancedStep) -> None:
        """Record what the balancing method saw, in a step that measured gradients."""
        if result.gradient_norms is not None or result.curvature is not None:
            self.write("balance", make_balance_record(self.setup.balancer, result))

    def tell_rewards(self, rewards: Mapping[str, Reward]) -> None:
        """Record the rewards that moved the sampler after the present step.

        Of moves by training losses, which may come after every step, those with a record of the training loss are
        recorded.
        """
        sampler, step = self.setup.stream.sampler, self.progress.step
        request = sampler.request
        is_frequent = request is not None and request.against == "losses" and request.interval < self.config.log_every
        if not is_frequent or step % self.config.log_every == 0:
            self.write("sample", make_sample_record(sampler, self.progress.update, rewards))

    def tell_skip(self, error: DivergedError, in_a_row: int) -> None:
        """Record and say that the present step, or its move of the sampler, was passed over."""
        skips = self.progress.skips
        self.write("skip", make_skip_record(error, skips))
        self.say(f"step {self.progress.step}: {error}; skipped, {in_a_row} in a row, {skips.total} in all")

    def tell_step(self, nll: float) -> None:
        """Show a finished step; record the training loss when due.

        In a log, the first line is that training is under way: the first record may be minutes away.

        Args:
            nll: Mean per target token of the latest step that was not passed over.
        """
        step, every, window = self.progress.step, self.config.log_every, self.progress.window
        first = every * (self.progress.before // every + 1)
        if not self.advance(f"nll {nll:.3f}") and window.steps == 1 and step < first and not self._has_told:
            self._has_told = True  # of a step that is read later the window still is of one step
            self.say(f"step {step} took {window.seconds:.1f} s; a line every {every} steps")
        if step % every == 0 and window.steps:
            self._tell_window()

    def _tell_window(self) -> None:
        """Record and say the training loss since the latest record, and begin another window."""
        step = self.progress.step
        record = make_train_record(self.progress, self.setup.optimizer.rate(self.progress.update))
        self.write("train", record)
        speed = f"{record['tokens_per_second']:,.0f} tokens/s"
        self.say(f"step {step}  loss {record['loss']:.3f}  nll {record['mean']:.3f}  {speed}")
        self.progress.window = Window()

    def tell_validation(self, record: Mapping[str, Any]) -> None:
        """Say the scores of a validation, which its record holds."""
        step = self.progress.step
        averages = "".join(f"  {self._label(kind)} {of['mean']:.4f}" for kind, of in record.get("average", {}).items())
        mark = "  best so far" if self.progress.best_step == step else ""
        if "best" in record:
            best = record["best"]
            mark = f"  best so far: {self._label(best['model'])}" if best["step"] == step else ""
        self.say(f"step {step}  validation nll {record['mean']:.4f}{averages}{bleu_in_words(record)}{mark}")

    def _label(self, kind: str) -> str:
        return kind if self.config.average is None else self.config.average.label(kind)

    def tell_outcome(self, is_stale: bool) -> None:
        """Say how training ended.

        Args:
            is_stale: Whether validation stopped improving.
        """
        progress, averaged = self.progress, ""
        if progress.candidates:
            kind, best = progress.best_candidate()
            averaged = f"; best/ holds {self._label(kind)} of step {best.step}, {best.score:.4f}"
        why = f"no improvement in {count_things(progress.stale, 'validation')}" if is_stale else "the budget is spent"
        self.say(
            f"finished at step {progress.step}: {why}; best validation nll {progress.best:.4f} at {progress.best_step}"
            f"{averaged}"
        )

    def close(self) -> None:
        """Write what is held back, and close the files."""
        self.log.close()
