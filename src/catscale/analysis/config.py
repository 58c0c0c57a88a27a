"""Settings of the analysis of curvature and gradient similarity."""

from typing import Literal

from pydantic import Field

from catscale.settings import STEPS, Settings


class AnalysisConfig(Settings):
    """The measurements of the loss landscape, while training (`every`) and by `catscale analyze`.

    Attributes:
        every: Steps between measurements while training; None for none. The run itself stays the same, step for step.
        split: "train" or "dev": the data that losses and gradients are taken from.
        directions: The directions to measure; None for all (of "dev", all that have one).
        tokens: Target tokens of a task's batch for curvature: as few sentences drawn at random as reach them.
        gradient_tokens: The tokens for similarity and gradient norms, whose batches are larger because they cost less
            and are noisier.
        steps: Independent batches of each task that similarity and gradient norms are averaged over, which gives
            their standard error.
        max_iterations: Most Hessian-vector products for the top eigenvalue of one task; 0 leaves it out.
        tolerance: Relative residual of an eigenvalue that counts as converged.
        top: Eigenvalues: 1 by power iteration, more by Lanczos.
        traces: Random vectors for the trace of each Hessian; 0 leaves it out.
        sentences: Sentences of each task, at most, for the trace of its Fisher information; 0 leaves it out.
        total: Whether the top eigenvalue of the weighted total is measured, which costs as much as those of all tasks.
        groups: Whether curvature is measured for each group of modules too (E.SA, E.FC …).
    """

    every: int | None = Field(default=None, ge=1, le=STEPS)
    split: Literal["train", "dev"] = "train"
    directions: list[str] | None = Field(default=None, min_length=1)
    tokens: int = Field(default=256, ge=1, le=100_000_000)
    gradient_tokens: int = Field(default=1024, ge=1, le=100_000_000)
    steps: int = Field(default=4, ge=1, le=1_000_000)
    max_iterations: int = Field(default=20, ge=0, le=1_000_000)
    tolerance: float = Field(default=0.02, gt=0, lt=1)
    top: int = Field(default=1, ge=1, le=10_000)
    traces: int = Field(default=8, ge=0, le=1_000_000)
    sentences: int = Field(default=32, ge=0, le=100_000_000)
    total: bool = True
    groups: bool = False
