"""Settings of the training loop."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from catscale.data.corpus_config import write_direction
from catscale.settings import STEPS, Settings
from catscale.training.averaging.config import AverageSettings
from catscale.training.repetition import RepeatedDropout

THREADS = 1024
"""More than any one machine of today computes with; far more cannot be started."""


DEVICE_MULTIPLE = 8
"""Positions that fill up the rows of matrices where a GPU's instructions take them: 16 bytes of bfloat16."""
SCORES = 2**28
"""Scores of a pass of several tasks for which memory is taken for granted: 1 GiB in float32."""
KEPT = 2**32
"""Numbers that layers may keep of such a pass where its scores are never all there: 8 GiB in bfloat16."""
POSITIONS = 2**15
"""Target positions of such a pass beyond which the start of one more costs nothing that can be seen."""


class TrainingConfig(Settings):
    """The settings of training: length, speed and records.

    Attributes:
        max_steps: Updates of the parameters.
        max_minutes: Minutes of training after which it ends earlier (continued runs count on); None for never.
        batch_tokens: Target tokens of one update, over all tasks, as near as whole sub-batches come.
        sub_batch_tokens: Target positions of one forward and backward pass that holds one task; None for
            `batch_tokens / 8`, at least 512. Memory follows it, and so gradient accumulation is `batch_tokens` above
            what one pass can hold.
        joint_tokens: Target positions of one pass over several sub-batches, which are joined where that is faster: of
            several tasks in steps that measure no gradient of a single one, of one task in others. None for
            `sub_batch_tokens`, or where that is not given for all of a step as far as memory for its layers allows.
            Draws and objective are the same.
        length_multiple: The positions of both sides of a sub-batch are rounded up to a multiple of this, by more
            padding, so that a GPU meets fewer lengths. None for 1 on a CPU and 8 elsewhere. Draws stay the same.
        label_smoothing: ε of the training objective; reported NLLs have none.
        precision: "bf16" computes matrix products in bfloat16 under autocast, parameters stay float32. A processor
            without bfloat16 instructions, on which it would be 25 times slower, computes in fp32, and says so.
            "tf32" rounds the factors of products of float32 on an NVIDIA GPU to 10 bits, and is fp32 elsewhere.
            "auto" is bf16 where it is faster than fp32, which two small products tell before the first step; the run
            keeps what was decided.
        compile: Compile the model's layers for training by torch.compile, once for each kind of layer and whatever the
            length of a batch; evaluation computes as without. "auto" does so on a GPU where a pass is faster then, as
            is tried before the first step; the run keeps what was decided. For m2m100 and pretrained, not sharded.
        validate_every: Steps between validations; a checkpoint is written at each.
        validate_sentences: Held-out pairs of each direction that a validation takes, a sample drawn once and the same
            in every run on the data; None for all. What is chosen by it is scored on all by `catscale evaluate`.
        validate_bleu: Held-out sentences of each direction that a validation translates too, by greedy search, for
            BLEU and chrF in `metrics.jsonl`; None for none. It does not choose the best model.
        log_every: Steps between records of the training loss.
        on_nonfinite: The reaction to a loss or gradient that is not finite: "stop" ends the run before the update,
            "skip" passes over the step and leaves parameters, optimiser and task weights as they are.
        max_skipped: Steps in a row that "skip" passes over before it stops the run.
        on_given_up: The reaction at a validation to a direction whose weight in the objective has fallen below a fifth
            of its first one and whose validation NLL is 0.1 nats above its lowest: "warn" says so and records it,
            "stop" ends the run.
        patience: Validations without improvement after which training stops; None for never.
        select_by: "mean" over directions, or the direction whose validation NLL chooses the best model.
        keep: Checkpoints kept.
        gradient_checkpointing: Compute what lies inside of layers again in the backward pass, instead of keeping it:
            less memory, about a third more time, the same numbers; for the architectures m2m100 and pretrained.
        low_memory: Hold no task's gradient in the steps that measure them, at twice the time of these steps, or a third
            more where one pass over all tasks tells (see the page on speed); for methods that need no more than
            products with the combined gradient (`balancing.statistics: products`).
        sharded: Spread parameters, gradients and the optimiser's state over the processes that torchrun started
            (FSDP2); otherwise each holds all of them. In bf16 on a GPU, parameters are gathered in bfloat16.
        reshard_after_forward: Free a sharded layer's parameters between its forward and its backward pass, and gather
            them twice; false gathers them once and holds all of them meanwhile.
        average: Averages of the parameters that compete with the best single model on dev, `{last: 5}`, `{ema: 0.999}`
            or both: `RUN/best` is the best of all. Training itself is the same with and without; None for none.
        repeated_dropout: Dropout by task, which rises with the epochs of the task: `{most: 0.5, over_epochs: 10}`.
            Passes then hold one task. None for the model's own, the same for all.
        tensorboard: Write the numbers of `metrics.jsonl` for TensorBoard too, into `RUN/tensorboard` (extra
            `tensorboard`).
        wandb: Project of Weights & Biases that gets these numbers too, offline unless WANDB_MODE says otherwise (extra
            `wandb`); None for none.
        mlflow: Experiment of MLflow that gets them, in `RUN/mlflow` unless MLFLOW_TRACKING_URI says otherwise (extra
            `mlflow`); None for none.
        seed: The seed of the initial weights, the sampling and dropout.
        device: "auto" takes a GPU where there is one.
        threads: CPU threads; None for PyTorch's choice.
    """

    max_steps: int = Field(default=10_000, ge=1, le=STEPS)
    max_minutes: float | None = Field(default=None, gt=0, le=10_000_000)
    batch_tokens: int = Field(default=4096, ge=16, le=100_000_000)
    sub_batch_tokens: int | None = Field(default=None, ge=16, le=10_000_000)
    joint_tokens: int | None = Field(default=None, ge=16, le=100_000_000)
    length_multiple: int | None = Field(default=None, ge=1, le=1024)
    label_smoothing: float = Field(default=0.1, ge=0, lt=1)
    precision: Literal["auto", "fp32", "tf32", "bf16"] = "auto"
    compile: bool | Literal["auto"] = "auto"
    validate_every: int = Field(default=500, ge=1, le=STEPS)
    validate_sentences: int | None = Field(default=None, ge=1, le=1_000_000_000)
    validate_bleu: int | None = Field(default=None, ge=1, le=1_000_000_000)
    log_every: int = Field(default=50, ge=1, le=STEPS)
    on_nonfinite: Literal["stop", "skip"] = "stop"
    max_skipped: int = Field(default=10, ge=0, le=STEPS)
    on_given_up: Literal["warn", "stop"] = "warn"
    patience: int | None = Field(default=None, ge=1, le=STEPS)
    select_by: Annotated[str, AfterValidator(write_direction)] = "mean"
    keep: int = Field(default=2, ge=1, le=100_000)
    gradient_checkpointing: bool = False
    low_memory: bool = False
    sharded: bool = False
    reshard_after_forward: bool = True
    average: AverageSettings | None = None
    repeated_dropout: RepeatedDropout | None = None
    tensorboard: bool = False
    wandb: str | None = Field(default=None, min_length=1, max_length=128)
    mlflow: str | None = Field(default=None, min_length=1, max_length=128)
    seed: int = Field(default=1, ge=0, lt=2**63)
    device: str = "auto"
    threads: int | None = Field(default=None, ge=1, le=THREADS)

    @model_validator(mode="after")
    def _check_dropout_can_change(self) -> Self:
        wrong = [name for name in ("gradient_checkpointing", "compile") if getattr(self, name) is True]
        if self.repeated_dropout is not None and wrong:
            raise ValueError(
                f"repeated_dropout changes the dropout of layers from pass to pass, found {' and '.join(wrong)}: true, "
                "which would compute with another one; set it to false"
            )
        return self

    @property
    def pass_tokens(self) -> int:
        """Target positions of one forward pass."""
        return self.sub_batch_tokens or min(self.batch_tokens, max(512, self.batch_tokens // 8))

    def joint_limit(self, vocabulary: int, kept: int | None = None) -> int:
        """Return the target positions of one pass over several tasks.

        Args:
            vocabulary: Scores of a position.
            kept: Numbers of a position that layers keep, where no pass holds all of its scores; None where it does.
        """
        room = SCORES // vocabulary if kept is None else min(POSITIONS, KEPT // kept)
        return self.joint_tokens or self.sub_batch_tokens or max(self.pass_tokens, room)

    def multiple_on(self, device: str) -> int:
        """Return what the positions of a batch are rounded up to on a kind of device."""
        return self.length_multiple or (1 if device == "cpu" else DEVICE_MULTIPLE)

    @property
    def sub_batches(self) -> int:
        """Sub-batches of a step."""
        return max(1, round(self.batch_tokens / self.pass_tokens))

    @property
    def step_tokens(self) -> int:
        """Target tokens that an update draws, whole sub-batches."""
        return self.sub_batches * self.pass_tokens


RESUMABLE = {
    "max_steps",
    "max_minutes",
    "max_skipped",
    "on_nonfinite",
    "on_given_up",
    "patience",
    "log_every",
    "validate_bleu",
    "keep",
    "device",
    "threads",
    "compile",
    "gradient_checkpointing",
    "length_multiple",
    "low_memory",
    "sharded",
    "reshard_after_forward",
    "tensorboard",
    "wandb",
    "mlflow",
}
"""Settings that a continued run may change: none of them alters the steps that were taken."""
