"""The configurations of a training in stages: that of each stage, with schedules of its own length."""

from typing import Any

from catscale.balancing.methods.fixed import Fixed
from catscale.model.staged import Stage, Staged
from catscale.run.config import RunConfig, plan_course
from catscale.sampling.table import DEFAULT as USUAL_SAMPLER

QUIET: dict[str, Any] = {"keep": 1, "validate_bleu": None, "tensorboard": False, "wandb": None, "mlflow": None}
"""Settings of `training` in the stages before the run's own: records are of that one."""


def configure_stage(config: RunConfig, stage: Stage) -> RunConfig:
    """Return the configuration of a stage before the run's own.

    One that trains a single direction has neither a mixture nor weights, and that direction chooses its best model.

    Args:
        config: The configuration of the run.
        stage: The stage.
    """
    quiet = QUIET | {"max_steps": stage.steps} | ({} if stage.direction is None else {"select_by": "mean"})
    changes: dict[str, Any] = {
        "model": stage.model,
        "training": config.training.model_copy(update=quiet),
        "analysis": config.analysis.model_copy(update={"every": None}),
    }
    if stage.direction is not None:
        changes |= {"sampling": USUAL_SAMPLER, "balancing": Fixed()}
    shortened = _shorten(config, stage.steps)
    return plan_course(shortened.model_copy(update=changes), stage.steps, f"the stage {stage.name}")


def configure_rest(config: RunConfig, before: int) -> RunConfig:
    """Return a run's configuration with schedules of what stages before it leave; itself where there are none.

    Args:
        config: The configuration of the run.
        before: Steps of the stages before its own.
    """
    if not isinstance(config.model, Staged):
        return config
    left = config.training.max_steps - before
    return plan_course(_shorten(config, left), left, "the last stage")


def _shorten(config: RunConfig, steps: int) -> RunConfig:
    """Let the learning rate rise for the same share of a stage as of the whole training, and fall over the stage."""
    optimizer, total = config.optimizer, config.training.max_steps
    warmup = round(optimizer.warmup_steps * steps / total)
    changes = {"warmup_steps": max(warmup, min(1, optimizer.warmup_steps)), "total_steps": None}
    return config.model_copy(update={"optimizer": optimizer.model_copy(update=changes)})
