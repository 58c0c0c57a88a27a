"""Balanced training in `transformers.Seq2SeqTrainer`; needs `pip install 'catscale[hf]'`.

Legend: N tasks; a step is one update of the parameters, of `gradient_accumulation_steps` micro-batches.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset
from transformers import Seq2SeqTrainer

from catscale.balancing import METHODS, BalancedStep, Method, TaskBalancer
from catscale.balancing.engine.arguments import NEEDED, list_tasks
from catscale.errors import CheckpointError, ConfigError
from catscale.integrations.new_languages import add_languages
from catscale.integrations.seq2seq_loss import IGNORED, add_decoder_inputs, summed_cross_entropy
from catscale.integrations.state_file import load_state, save_state
from catscale.integrations.task_rewards import TaskRewards, check_sampling, group_rows
from catscale.integrations.task_rows import TaskRows
from catscale.integrations.tasks import TaskCollator, choose_tasks, list_names
from catscale.sampling import Sampling
from catscale.system.misuse import describe, require_settings
from catscale.system.named import suggest

__all__ = ["BalancedSeq2SeqTrainer", "add_languages"]
ModelInputs = Mapping[str, Any]


class BalancedSeq2SeqTrainer(Seq2SeqTrainer):  # type: ignore[misc]  # transformers is untyped
    """A `Seq2SeqTrainer` whose steps combine the gradients of the tasks by a balancing method's weights.

    A step's loss of task n is its cross-entropy (label-smoothed by `label_smoothing_factor`) summed over the
    micro-batches and processes, divided by its target tokens, or by those of all tasks where the method's `losses`
    is "tokens". `compute_loss_func`, where given, takes its place, with that divisor as `num_items_in_batch`.

    The log has `task_loss/NAME`, nats per target token since the last line, and `task_weight/NAME`, of the latest
    step that held the task; `loss` is the weighted sum that is minimised. Each checkpoint holds the balancer's state.
    Evaluation and prediction are the Trainer's. Every `train()` that does not resume starts the balancer afresh.

    Args:
        *args: Arguments of `Seq2SeqTrainer`.
        balancer_method: Settings of a method, such as `CATS()`.
        task_column: The column of the training data that names a row's task.
        tasks: All tasks; None for those that the training data name.
        sampling: Settings of a sampler that draws the rows of each step by task, such as `TemperatureSampling()`; None
            for the Trainer's own sampler. An epoch is as many rows as there are, of whole steps. A sampler that learns
            is given rewards that are measured on a micro-batch of each task, of `eval_dataset` where it asks for that.
        old_tasks: The tasks that the model can do already, whose share of a step is `sampling.replay`.
        balancer_options: Further arguments of `TaskBalancer`, such as `{"low_memory": True}`; the parameters
            compared are all trainable ones unless `parameters` is among them.
        **kwargs: Keyword arguments of `Seq2SeqTrainer`.

    Raises:
        ConfigError: If the task column is missing, or the arguments ask for what is not supported.
    """

    data_collator: Any
    _signature_columns: Any

    def __init__(
        self,
        *args: Any,
        balancer_method: Method[Any],
        task_column: str = "task",
        tasks: Sequence[str] | None = None,
        sampling: Sampling[Any] | None = None,
        old_tasks: Sequence[str] = (),
        balancer_options: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        require_settings(balancer_method, NEEDED, "balancer_method", "CATS()", METHODS)
        self._check_options(task_column, balancer_options)
        tasks = None if tasks is None else list_tasks(tasks)
        super().__init__(*args, **kwargs)
        self.balancer_method, self.task_column, self.sampling = balancer_method, task_column, sampling
        self.old_tasks = list(old_tasks)
        self.balancer_options = dict(balancer_options or {})
        self.balancer: TaskBalancer | None = None
        self._held: list[Mapping[str, ModelInputs]] = []
        self._sums: dict[str, tuple[float, float]] = {}  # nats and target tokens since the last log line
        self._latest: dict[str, float] = {}
        self._task_rows: TaskRows | None = None
        self._check_support()
        check_sampling(sampling, self.args, self.eval_dataset, task_column)
        self.tasks = choose_tasks(self.train_dataset, task_column, tasks)

    @staticmethod
    def _check_options(task_column: Any, options: Any) -> None:
        """Refuse what would fail when training starts.

        Raises:
            ConfigError: Saying what to write.
        """
        if not isinstance(task_column, str):
            raise ConfigError(f"task_column must be the name of a column, found {describe(task_column)}; write 'task'")
        if options is not None and not isinstance(options, Mapping):
            raise ConfigError(
                f"balancer_options must be a mapping, found {describe(options)}; write {{'low_memory': True}}"
            )
        known = [name for name in inspect.signature(TaskBalancer).parameters if name not in ("method", "tasks")]
        for name in options or {}:
            if name not in known:
                raise ConfigError(f"balancer_options has {name!r}, which is no option; {suggest(name, known)}")

    def _check_support(self) -> None:
        """Refuse what would train on something else than asked for."""
        loader = self.args.accelerator_config
        found = {
            "a training set without rows to look up (train_dataset=None or an IterableDataset)": (
                self.train_dataset is None or isinstance(self.train_dataset, IterableDataset)
            ),
            "a model that is no encoder-decoder": not getattr(self.model.config, "is_encoder_decoder", False),
            "DataParallel over several devices (start with torchrun)": self.args.n_gpu > 1,
            "FSDP": self.is_fsdp_enabled,
            "DeepSpeed": self.is_deepspeed_enabled,
            "accelerator_config.dispatch_batches": bool(loader.dispatch_batches),
            "auto_find_batch_size": self.args.auto_find_batch_size,
            "an optimiser that steps in the backward pass": "lomo" in str(self.args.optim).lower(),
        }
        wrong = [what for what, is_asked in found.items() if is_asked]
        if wrong:
            raise ConfigError(
                f"BalancedSeq2SeqTrainer trains an encoder-decoder on a map-style data set, on one device or by "
                f"DistributedDataParallel, found {'; '.join(wrong)}; change it, or use TaskBalancer in your own loop"
            )

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        """Return the rows that `sampling` draws, or the Trainer's sampler."""
        if self.sampling is None:
            return super()._get_train_sampler(train_dataset)
        per_step = self.args.train_batch_size * self.args.gradient_accumulation_steps * self.args.world_size
        self._task_rows = TaskRows(
            self.tasks,
            list_names(self.train_dataset, self.task_column),
            self.sampling,
            update_rows=per_step,
            updates=self.args.max_steps if self.args.max_steps > 0 else None,
            epochs=self.args.num_train_epochs,
            seed=self.args.seed if self.args.data_seed is None else self.args.data_seed,
            epoch_now=lambda updates: self.state.global_step // updates,
            old=self.old_tasks,
        )
        return self._task_rows

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Return the Trainer's data loader, whose batches are `{task: batch}`."""
        self._set_signature_columns_if_needed()
        collate, columns = self.data_collator, self._signature_columns
        self.data_collator = TaskCollator(collate, self.task_column, self.tasks)
        self._signature_columns = [*columns, self.task_column]
        try:
            loader: DataLoader[Any] = super().get_train_dataloader()
        finally:
            self.data_collator, self._signature_columns = collate, columns
        request = None if self._task_rows is None else self._task_rows.sampler.request
        if self._task_rows is not None and request is not None and request.needs_passes:
            self._task_rewards = TaskRewards(
                self._task_rows.rows,
                group_rows(self.eval_dataset, self.task_column, self.tasks) if request.needs_dev else {},
                {"train": loader.dataset, "dev": self.eval_dataset},
                loader.collate_fn,
                partial(self.task_loss, self.model),
                self.args.per_device_train_batch_size,
                self.args.seed,
            )
        return loader

    def _learn_mixture(self) -> None:
        """Move the sampler after an update, when due, by rewards in evaluation mode."""
        rows, step = self._task_rows, self.state.global_step
        request = None if rows is None or step == 0 else rows.sampler.due(step)
        if rows is not None and request is not None:
            if not request.needs_passes:
                rows.learn(step, dict(rows.sampler.losses.take()))
                return
            parameters = [p for p in self.model.parameters() if p.requires_grad]
            self.model.eval()
            with self.compute_loss_context_manager():
                rows.learn(step, self._task_rewards.measure(rows.sampler, request, step, parameters))

    def train(self, *args: Any, **kwargs: Any) -> Any:
        """Train as the Trainer does."""
        self.balancer, self._held, self._sums, self._latest = None, [], {}, {}
        return super().train(*args, **kwargs)

    def training_step(self, model: Any, inputs: Mapping[str, ModelInputs], num_items_in_batch: Any = None) -> Tensor:
        """Hold a micro-batch; at the last one of a step, put Σ w_n g_n in `.grad`.

        Args:
            model: The model as the Trainer has wrapped it.
            inputs: The micro-batch of each task.
            num_items_in_batch: Unused: tokens are counted by task.

        Returns:
            Σ w_n L_n of the step over all processes, () float32; 0 for the micro-batches before the last.
        """
        self._held.append(inputs)
        if not self.accelerator.sync_gradients:
            return torch.zeros((), device=self.args.device)
        held, self._held = self._held, []
        self._learn_mixture()
        model.train()
        if callable(getattr(self.optimizer, "train", None)):
            self.optimizer.train()  # schedule-free optimisers have two modes
        balancer = self.balancer or self._start_balancer(model, is_resumed=False)
        tokens = self._count_tokens(held)
        total = sum(tokens.values())
        divisors = {task: count if balancer.method.losses == "tasks" else total for task, count in tokens.items()}
        losses: dict[str, list[Callable[[], Tensor]]] = {}
        for batches in held:
            for task, batch in batches.items():
                if tokens[task]:
                    losses.setdefault(task, []).append(partial(self.task_loss, model, batch, divisors[task]))
        with self.compute_loss_context_manager():
            step = balancer.backward(losses, scaler=self.accelerator.scaler)
        self._note(step, tokens, divisors)
        return torch.tensor(sum(step.weights[task] * step.losses[task] for task in step.losses)).to(self.args.device)

    def task_loss(self, model: Any, batch: ModelInputs, divisor: float) -> Tensor:
        """Return () the loss of one task's micro-batch, summed over its target tokens and divided by `divisor`;
        nats."""
        inputs = add_decoder_inputs(self.model, self._prepare_inputs(dict(batch)))
        labels = inputs.pop("labels")
        outputs = model(**inputs)
        if self.compute_loss_func is not None:
            given: Tensor = self.compute_loss_func(outputs, labels, num_items_in_batch=divisor)
            return given
        return summed_cross_entropy(outputs["logits"], labels, self.args.label_smoothing_factor) / divisor

    def compute_loss(self, model: Any, inputs: ModelInputs, *args: Any, **kwargs: Any) -> Any:
        """Compute the Trainer's loss, for evaluation, with the decoder inputs that label smoothing makes necessary."""
        return super().compute_loss(model, add_decoder_inputs(self.model, inputs), *args, **kwargs)

    def _count_tokens(self, held: Sequence[Mapping[str, ModelInputs]]) -> dict[str, float]:
        """Return the target tokens of each task in the step, over all processes."""
        counts = torch.zeros(len(self.tasks), dtype=torch.int64, device=self.args.device)
        for batches in held:
            for task, batch in batches.items():
                counts[self.tasks.index(task)] += (batch["labels"] != IGNORED).sum().to(counts.device)
        summed: Tensor = self.accelerator.reduce(counts, reduction="sum")
        return dict(zip(self.tasks, map(float, summed.tolist()), strict=True))

    def _start_balancer(self, model: Any, is_resumed: bool) -> TaskBalancer:
        """Build the balancer, now that the model is on its device and wrapped.

        Raises:
            CheckpointError: If training goes on from a checkpoint whose balancer nobody has restored.
        """
        if self.state.global_step and not is_resumed:
            raise CheckpointError(
                f"training resumed at step {self.state.global_step} without the balancer's state: this transformers "
                "version does not load the optimiser as expected; use the version of constraints.txt"
            )
        options = {"parameters": model.parameters(), "module": model, "across_ranks": "sum", **self.balancer_options}
        self.balancer = TaskBalancer(self.balancer_method, self.tasks, **options)
        self.balancer.use_metric_of(self.optimizer)
        return self.balancer

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        super()._save_optimizer_and_scheduler(output_dir)
        if self.args.should_save and self.balancer is not None:
            save_state(self.balancer, Path(output_dir))
            if self._task_rows is not None:
                self._task_rows.save(Path(output_dir))

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is not None:
            load_state(self._start_balancer(self.model_wrapped, is_resumed=True), Path(checkpoint))
            if self._task_rows is not None and self._task_rows.sampler.request is not None:
                self._task_rows.load(Path(checkpoint), self.state.global_step)

    def _note(self, step: BalancedStep, tokens: Mapping[str, float], divisors: Mapping[str, float]) -> None:
        """Keep what the next line of the log says."""
        self._latest |= step.weights
        if self._task_rows is not None:
            summed = {task: loss * divisors[task] for task, loss in step.losses.items()}
            self._task_rows.sampler.note(summed, tokens)
        for task, loss in step.losses.items():
            nats, count = self._sums.get(task, (0.0, 0.0))
            self._sums[task] = nats + loss * divisors[task], count + tokens[task]

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Log the Trainer's values with the losses and weights of the tasks."""
        if "loss" in logs:
            logs |= {f"task_loss/{task}": nats / count for task, (nats, count) in sorted(self._sums.items())}
            logs |= {f"task_weight/{task}": weight for task, weight in sorted(self._latest.items())}
            self._sums = {}
        super().log(logs, *args, **kwargs)

    def floating_point_ops(self, inputs: Mapping[str, ModelInputs]) -> int:
        """Return the operations of the batches of all tasks."""
        return sum(super(BalancedSeq2SeqTrainer, self).floating_point_ops(batch) for batch in inputs.values())
