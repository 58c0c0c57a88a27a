"""How much of the Gram matrix is signal: `python -m experiments.noise RUN… [--steps all] [--out FILE]`.

For every checkpoint, n sub-batches of each task are drawn from train and from dev, as long as those of training, and
all their gradients g_kb (task k, sub-batch b) multiplied with each other (dropout off, label smoothing on). Independent
sub-batches give, without bias, the products of the population's gradients h_k and the noise of one sub-batch,

    ⟨h_i, h_j⟩ = mean of ⟨g_ib, g_jc⟩ over all pairs, b ≠ c where i = j        tr C_k = mean of ‖g_kb‖² − ‖h_k‖²

and so the Gram matrix that batches of r sub-batches a task would show on average, G(r) = ⟨h_i, h_j⟩ + δ_ij tr C_i / r,
and the weights at which it is least on the simplex.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from catscale.balancing.cats_implicit import nearest_semidefinite
from catscale.balancing.mgda import min_norm_weights
from catscale.data.batching import collate
from catscale.data.direction import Direction
from catscale.data.prepare import prepare
from catscale.data.store import Pairs
from catscale.data.vocabulary import Vocabulary
from catscale.model.build import load_model
from catscale.model.likelihood import batch_losses
from catscale.run.config import load_config
from catscale.run.snapshots import choose_snapshots

Matrix = NDArray[np.float64]


def draw_gradients(
    model: Any, vocabulary: Vocabulary, direction: Direction, pairs: Pairs, n: int, tokens: int
) -> Tensor:
    """(b, D) float32 gradients of b ≤ n sub-batches' mean losses a token; sentences are drawn without replacement."""
    order = np.random.default_rng(7).permutation(len(pairs))
    reached = np.cumsum(pairs.target_lengths[order].astype(np.int64) + 1)
    rows = []
    for start in range(min(n, max(2, int(reached[-1]) // tokens))):
        chosen = order[(reached > start * tokens) & (reached <= (start + 1) * tokens)]
        if len(chosen) == 0:
            break
        batch = collate(pairs, chosen, vocabulary, direction)
        loss, _ = batch_losses(model, batch, 0.1)
        grads = torch.autograd.grad(loss / batch.tokens, [p for p in model.parameters() if p.requires_grad])
        rows.append(torch.cat([g.flatten() for g in grads]))
    return torch.stack(rows)


def population(gram: Matrix, owner: NDArray[np.int64], tasks: int) -> tuple[Matrix, Matrix]:
    """(N, N) unbiased ⟨h_i, h_j⟩ and (N,) noise tr C of one sub-batch, from all products of sub-batches."""
    means, noise = np.zeros((tasks, tasks)), np.zeros(tasks)
    for i in range(tasks):
        for j in range(tasks):
            block = gram[np.ix_(owner == i, owner == j)]
            if i == j:
                n = len(block)
                means[i, i] = (block.sum() - block.trace()) / (n * (n - 1))
                noise[i] = block.trace() / n - means[i, i]
            else:
                means[i, j] = block.mean()
    return means, noise


def least(matrix: Matrix) -> list[float]:
    """Weights of the least αᵀGα, of the nearest positive semi-definite matrix with a positive diagonal."""
    unit = np.abs(np.diag(matrix)).mean()
    psd = nearest_semidefinite(torch.from_numpy(matrix / unit)) + 1e-9 * torch.eye(len(matrix), dtype=torch.float64)
    return [round(w, 4) for w in min_norm_weights(psd).tolist()]


def measure(run: Path, which: str, n: int) -> list[dict[str, Any]]:
    """A record for each checkpoint."""
    config = load_config(run / "config.yaml")
    tokens = config.training.sub_batch_tokens or config.training.batch_tokens // 8
    store = prepare(config.data, config.vocabulary, lambda line: None)
    records = []
    for snapshot in choose_snapshots(run, which, print):
        model = load_model(snapshot.folder).eval()
        vocabulary = Vocabulary.load(run / "best")
        names = [str(d) for d in store.directions]
        gradients, owner, split_of = [], [], []
        for split in ("train", "dev"):
            for number, direction in enumerate(store.directions):
                rows = draw_gradients(model, vocabulary, direction, store.split(split, direction), n, tokens)
                gradients.append(rows)
                owner += [number] * len(rows)
                split_of += [split] * len(rows)
        every = torch.cat(gradients)
        gram = sum(
            (part.double() @ part.double().T for part in every.split(65536, dim=1)), start=torch.zeros(()).double()
        ).numpy()
        task, split = np.array(owner), np.array(split_of)
        record: dict[str, Any] = {
            "run": run.parent.name,
            "step": snapshot.step,
            "sub_batch_tokens": tokens,
            "tasks": names,
        }
        own = {}
        for name in ("train", "dev"):
            chosen = split == name
            means, noise = population(gram[np.ix_(chosen, chosen)], task[chosen], len(names))
            own[name] = means
            norms = np.sqrt(np.clip(np.diag(means), 1e-12, None))
            record[name] = {
                "squared_norm": np.diag(means).round(6).tolist(),
                "noise": noise.round(6).tolist(),
                "noise_scale_tokens": (tokens * noise / np.clip(np.diag(means), 1e-9, None)).round(0).tolist(),
                "cosines": (means / norms[:, None] / norms).round(3).tolist(),
                "least": {str(r): least(means + np.diag(noise) / r) for r in (1, 8, 64)} | {"inf": least(means)},
            }
        cross = gram[np.ix_(split == "train", split == "dev")]
        t, d = task[split == "train"], task[split == "dev"]
        mixed = np.array([[cross[np.ix_(t == i, d == j)].mean() for j in range(len(names))] for i in range(len(names))])
        gap = own["train"] + own["dev"] - mixed - mixed.T
        record["train_dev_cosine"] = (
            (np.diag(mixed) / np.sqrt(np.clip(np.diag(own["train"]) * np.diag(own["dev"]), 1e-12, None)))
            .round(3)
            .tolist()
        )
        record["gap"] = {"squared_norm": np.diag(gap).round(6).tolist(), "least": least(gap)}
        records.append(record)
        print(json.dumps(record), flush=True)
    return records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--steps", default="all")
    parser.add_argument("--sub-batches", type=int, default=16)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    records = [record for run in arguments.runs for record in measure(run, arguments.steps, arguments.sub_batches)]
    if arguments.out:
        arguments.out.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
