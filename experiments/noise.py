"""How much of the Gram matrix is signal: `python -m experiments.noise RUN… [--steps newest] [--out FILE]`.

For every checkpoint, n sub-batches of each task are drawn from train and from dev, as long as those of training, and
all their gradients g_kb (task k, sub-batch b) multiplied with each other (dropout off, label smoothing as in training).
Sentences are drawn with replacement, so that sub-batches are independent; they then give, without bias, the products of
the gradients h_k of all of a split's sentences, and the noise of one sub-batch around them:

    ⟨h_i, h_j⟩ = mean of ⟨g_ib, g_jc⟩ over all pairs, b ≠ c where i = j        tr C_k = mean of ‖g_kb‖² − ‖h_k‖²

and so the Gram matrix that batches of r sub-batches a task would show on average, G(r) = ⟨h_i, h_j⟩ + δ_ij tr C_i / r,
and the weights at which it is least on the simplex.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from catscale.balancing.methods.cats_implicit import nearest_semidefinite
from catscale.balancing.methods.mgda import min_norm_weights
from catscale.data.batching import collate
from catscale.data.direction import Direction
from catscale.data.preparation.prepare import prepare
from catscale.data.store.store import Pairs
from catscale.model.contract import TranslationModel
from catscale.model.likelihood import batch_losses
from catscale.model.table import load_model
from catscale.run.config import RunConfig, load_config
from catscale.run.folder.snapshots import choose_snapshots
from catscale.system.writing.files import write_json
from catscale.vocabulary.contract import Vocabulary
from catscale.vocabulary.table import load_vocabulary

Matrix = NDArray[np.float64]
SPLITS = ("train", "dev")
SIZES = (1, 8, 64)
"""Sub-batches a task, r, whose least point is looked for."""


def draw_sentences(pairs: Pairs, tokens: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Sentences drawn with replacement, as many as fit into so many target tokens, and one at least."""
    drawn = rng.integers(len(pairs), size=tokens)
    reached = np.cumsum(pairs.target_lengths[drawn].astype(np.int64) + 1)
    return drawn[: max(1, int(np.searchsorted(reached, tokens, side="right")))]


def draw_gradients(
    model: TranslationModel, vocabulary: Vocabulary, direction: Direction, pairs: Pairs, n: int, config: RunConfig
) -> Tensor:
    """(n, D) float32 gradients of the mean loss a token of n independent sub-batches."""
    rng, rows = np.random.default_rng(7), []
    parameters = model.shared_parameters()
    for _ in range(n):
        chosen = draw_sentences(pairs, config.training.pass_tokens, rng)
        batch = collate(pairs, chosen, vocabulary, direction)
        loss, _ = batch_losses(model, batch, config.training.label_smoothing)
        rows.append(torch.cat([g.flatten() for g in torch.autograd.grad(loss / batch.tokens, parameters)]))
    return torch.stack(rows)


def multiply(rows: Tensor) -> Matrix:
    """All products of the rows, summed in float64."""
    total = torch.zeros(len(rows), len(rows), dtype=torch.float64)
    for part in rows.split(65536, dim=1):
        total += part.double() @ part.double().T
    product: Matrix = total.numpy()
    return product


def population(gram: Matrix, tasks: int) -> tuple[Matrix, Matrix]:
    """Products of the population's gradients, and the noise of one sub-batch.

    Args:
        gram: (N n, N n) products of n ≥ 2 sub-batches of each of the N tasks, task by task.
        tasks: N.

    Returns:
        (N, N) ⟨h_i, h_j⟩ and (N,) tr C, both without bias.
    """
    n = len(gram) // tasks
    blocks = gram.reshape(tasks, n, tasks, n)
    means: Matrix = blocks.mean(axis=(1, 3))
    squares = np.einsum("kbkb->k", blocks) / n  # of the sub-batches themselves
    own = (n * means.diagonal() - squares) / (n - 1)
    means[np.diag_indices(tasks)] = own
    return means, squares - own


def least(matrix: Matrix) -> list[float]:
    """Weights of the least αᵀGα of the nearest positive semi-definite matrix."""
    unit = np.abs(np.diag(matrix)).mean()
    psd = nearest_semidefinite(torch.from_numpy(matrix / unit)) + 1e-9 * torch.eye(len(matrix), dtype=torch.float64)
    return [round(weight, 4) for weight in min_norm_weights(psd).tolist()]


def cosines(products: Matrix, left: Matrix, right: Matrix) -> list[float | None]:
    """Products over norms; None where an estimate of a squared norm is not positive: the noise is too large."""
    pairs = zip(products.tolist(), left.tolist(), right.tolist(), strict=True)
    return [round(p / (a * b) ** 0.5, 3) if min(a, b) > 0 else None for p, a, b in pairs]


def describe(gram: Matrix, tasks: list[str]) -> dict[str, Any]:
    """What the products of all sub-batches, train before dev, say."""
    half = len(gram) // 2
    parts = {"train": gram[:half, :half], "dev": gram[half:, half:]}
    found = {split: population(part, len(tasks)) for split, part in parts.items()}
    record: dict[str, Any] = {}
    for split, (means, noise) in found.items():
        sizes = means.diagonal()
        record[split] = {
            "squared_norm": sizes.round(6).tolist(),
            "noise": noise.round(6).tolist(),
            "cosines": [cosines(row, np.full_like(sizes, sizes[i]), sizes) for i, row in enumerate(means)],
            "least": {str(r): least(means + np.diag(noise) / r) for r in SIZES} | {"inf": least(means)},
        }
    n = half // len(tasks)
    across = gram[:half, half:].reshape(len(tasks), n, len(tasks), n).mean(axis=(1, 3)).diagonal()
    record["train_dev_cosine"] = cosines(across, found["train"][0].diagonal(), found["dev"][0].diagonal())
    return record


def measure(run: Path, which: str, n: int) -> list[dict[str, Any]]:
    """A record for each checkpoint of a run."""
    config = load_config(run / "config.yaml")
    store = prepare(config.data, config.vocabulary, lambda line: None)
    vocabulary, records = load_vocabulary(run / "best"), []
    names = [str(direction) for direction in store.directions]
    for snapshot in choose_snapshots(run, which, print):
        model = load_model(snapshot.folder).eval()
        drawn = [
            draw_gradients(model, vocabulary, direction, store.split(split, direction), n, config)
            for split in SPLITS
            for direction in store.directions
        ]
        about = {"run": run.parent.name, "step": snapshot.step, "sub_batch_tokens": config.training.pass_tokens}
        records.append({**about, "sub_batches": n, "tasks": names, **describe(multiply(torch.cat(drawn)), names)})
        print(f"{run} step {snapshot.step}", flush=True)
    return records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--steps", default="newest", help="newest, best, all or the number of a checkpoint")
    parser.add_argument("--sub-batches", type=int, default=32, help="n, of each task and split")
    parser.add_argument("--out", type=Path, required=True, help="file of the numbers")
    given = parser.parse_args()
    write_json(given.out, [record for run in given.runs for record in measure(run, given.steps, given.sub_batches)])


if __name__ == "__main__":
    main()
