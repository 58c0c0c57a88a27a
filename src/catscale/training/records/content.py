"""The records of `metrics.jsonl` (documented in docs/run.md)."""

from collections.abc import Mapping
from typing import Any

from catscale.balancing import BalancedStep, TaskBalancer
from catscale.errors import DivergedError
from catscale.evaluation.metrics.table import METRICS
from catscale.sampling import Sampler
from catscale.sampling.contract import Reward
from catscale.training.state import Progress, Skips


def make_train_record(progress: Progress, learning_rate: float) -> dict[str, Any]:
    """Return the record of training loss, NLL by task and speed over the present window."""
    window = progress.window
    tokens = sum(window.tokens.values())
    return {
        "loss": window.loss / window.steps,
        "learning_rate": learning_rate,
        "tokens_per_second": tokens / window.seconds,
        "tokens": progress.tokens,
        "nll": {task: window.nll[task] / window.tokens[task] for task in sorted(window.nll)},
        "mean": sum(window.nll.values()) / tokens,
    }


def make_balance_record(balancer: TaskBalancer, result: BalancedStep) -> dict[str, Any]:
    """Return the record of what the balancing method saw in a step that measured gradients, and its next weights."""
    return {
        "weights": balancer.weights,
        **balancer.method.describe(balancer.state),
        "curvature": result.curvature,
        "gradient_norms": result.gradient_norms,
        **({} if result.signal_to_noise is None else {"signal_to_noise": result.signal_to_noise}),
        **({} if result.cosine is None else {"cosine": result.cosine}),
    }


def make_sample_record(sampler: Sampler, step: int, rewards: Mapping[str, Reward]) -> dict[str, Any]:
    """Return the record of the rewards after update number `step`, and the probabilities that follow.

    Of pairs, the second numbers are a table of their own, named as `RewardRequest.second`.
    """
    request = sampler.request
    probabilities = sampler.probabilities(step + 1).tolist()
    others = {task: reward[1] for task, reward in rewards.items() if isinstance(reward, tuple)}
    return {
        "probabilities": dict(zip(sampler.tasks, probabilities, strict=True)),
        "rewards": {task: reward[0] if isinstance(reward, tuple) else reward for task, reward in rewards.items()},
        **({request.second: others} if request is not None and request.second is not None else {}),
        **sampler.method.describe(sampler.state),
    }


def make_skip_record(error: DivergedError, skips: Skips) -> dict[str, Any]:
    """Return the record of a skipped step: what was not finite, its task if known, and the number of skips so far."""
    return {"what": error.what, "task": error.task, "reason": str(error), "total": skips.total}


def make_valid_record(nll: dict[str, float]) -> dict[str, Any]:
    """Return the record of validation NLL by task, and its mean over tasks."""
    return {"nll": nll, "mean": sum(nll.values()) / len(nll)}


def bleu_in_words(record: Mapping[str, Any]) -> str:
    """Say the mean over tasks of each metric of translations in a validation's record, nothing where it has none."""
    return "".join(
        f"  dev {metric.label} {sum(record[name].values()) / len(record[name]):.{metric.digits}f}"
        for name, metric in METRICS.items()
        if not metric.of_model and record.get(name)
    )
