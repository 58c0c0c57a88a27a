"""Scores as `catscale evaluate` writes them."""

from typing import Any


def run(bleu: dict[str, tuple[int, float]], **groups: float) -> dict[str, Any]:
    entries = {
        name: {
            "nll": round(4.1 - score / 10, 3), "bleu": {"score": score, "signature": "s"},
            "chrf": {"score": score + 20, "signature": "s"}, "sentences": 100,
        }
        for name, (_, score) in bleu.items()
    }  # fmt: skip
    mean = sum(score for _, score in bleu.values()) / len(bleu)
    averages = {
        name: {"nll": round(4.1 - score / 10, 3), "bleu": score, "chrf": score + 20}
        for name, score in {"all": mean, **groups}.items()
    } | {"mid": None}
    sizes = {name: size for name, (size, _) in bleu.items()}
    return {**entries, "averages": averages, "evaluation": {"split": "test", "train_pairs": sizes}}


RUN = run({"en-fr": (130_000, 40.0), "en-az": (500, 10.0), "en-be": (4_000, 12.0)}, low=11.0, high=40.0)
