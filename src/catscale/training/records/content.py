"""The records of `metrics.jsonl` (documented in docs/run.md)."""

from collections.abc import Mapping
from typing import Any

from catscale.balancing import BalancedStep, TaskBalancer
from catscale.errors import DivergedError
from catscale.sampling import Sampler
from catscale.training.state import Progress, Skips

NAMES = (("bleu", "BLEU"), ("chrf", "chrF"))


def train_record(progress: Progress, learning_rate: float) -> dict[str, Any]:
    """Training loss, NLL by task and speed over the present window."""
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


def balance_record(balancer: TaskBalancer, result: BalancedStep) -> dict[str, Any]:
    """What the balancing method saw in a step that measured gradients, and the weights that follow from it."""
    return {
        "weights": balancer.weights,
        **balancer.method.describe(balancer.state),
        "curvature": result.curvature,
        "gradient_norms": result.gradient_norms,
    }


def sample_record(sampler: Sampler, step: int, rewards: dict[str, float]) -> dict[str, Any]:
    """The rewards measured after update number `step`, and the probabilities of the steps that follow."""
    probabilities = sampler.probabilities(step + 1).tolist()
    return {
        "probabilities": dict(zip(sampler.tasks, probabilities, strict=True)),
        "rewards": rewards,
        **sampler.method.describe(sampler.state),
    }


def skip_record(error: DivergedError, skips: Skips) -> dict[str, Any]:
    """What was not finite and was passed over, whose it was where that is known, and how often that happened so far."""
    return {"what": error.what, "task": error.task, "reason": str(error), "total": skips.total}


def valid_record(nll: dict[str, float]) -> dict[str, Any]:
    """Validation NLL by task, and its mean over tasks."""
    return {"nll": nll, "mean": sum(nll.values()) / len(nll)}


def bleu_in_words(record: Mapping[str, Any]) -> str:
    """Mean BLEU and chrF over tasks of a validation's record, empty where it has none."""
    means = [
        f"  dev {name} {sum(record[key].values()) / len(record[key]):.1f}" for key, name in NAMES if record.get(key)
    ]
    return "".join(means)
