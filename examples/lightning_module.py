"""A LightningModule with manual optimisation whose tasks are balanced, its state in Lightning's checkpoints.

Three regression tasks share a trunk. Training is cut in the middle and resumed from the checkpoint; the result is
that of an uninterrupted run, bit for bit. Needs `pip install lightning`.

    python examples/lightning_module.py
"""

import logging
import tempfile
import warnings
from pathlib import Path
from typing import Any

import lightning
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from catscale import CATS, TaskBalancer

TASKS = {"large": 16, "middle": 8, "small": 4}  # rows a step
Batch = dict[str, tuple[Tensor, Tensor]]


class Steps(Dataset[Batch]):
    """Each item is a whole step: a batch for each task."""

    def __init__(self, steps: int) -> None:
        generator = torch.Generator().manual_seed(0)
        self.items = [
            {task: self.draw(n, rows, generator) for n, (task, rows) in enumerate(TASKS.items())} for _ in range(steps)
        ]

    @staticmethod
    def draw(task: int, rows: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        x = torch.randn(rows, 8, generator=generator)
        return x, x[:, task].sin() + x[:, 3]

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Batch:
        return self.items[index]


class Balanced(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False  # the balancer runs the backward passes
        self.trunk = nn.Sequential(nn.Linear(8, 32), nn.Tanh())
        self.heads = nn.ModuleDict({task: nn.Linear(32, 1) for task in TASKS})
        self.balancer = TaskBalancer(CATS(inner_steps=5), TASKS, self.trunk.parameters(), module=self)

    def loss(self, task: str, x: Tensor, y: Tensor) -> Tensor:
        rows: Tensor = self.heads[task](self.trunk(x))
        return (rows.squeeze(-1) - y).square().mean()

    def training_step(self, batch: Batch, index: int) -> None:
        optimizer = self.optimizers()
        optimizer.zero_grad()
        scaler = getattr(self.trainer.precision_plugin, "scaler", None)  # precision="16-mixed" has one
        step = self.balancer.backward({task: self.loss(task, *rows) for task, rows in batch.items()}, scaler)
        optimizer.step()
        self.log_dict({f"weight/{task}": weight for task, weight in step.weights.items()})
        self.log_dict({f"loss/{task}": loss for task, loss in step.losses.items()})

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=3e-3)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["balancer"] = self.balancer.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.balancer.load_state_dict(checkpoint["balancer"])


def fit(folder: Path, epochs: int, resume: Path | None = None) -> tuple[Balanced, lightning.Trainer]:
    lightning.seed_everything(0, verbose=False)
    model = Balanced()
    trainer = lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        devices=1,
        default_root_dir=folder,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(model, DataLoader(Steps(100), batch_size=None), ckpt_path=resume, weights_only=True)
    return model, trainer


def main() -> None:
    torch.set_num_threads(1)  # the matrices are small
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")  # advice about workers and batch sizes
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        whole, trainer = fit(folder, 2)
        for task in TASKS:
            metrics = trainer.callback_metrics
            print(f"{task:<6} loss {metrics[f'loss/{task}']:.3f}, weight {metrics[f'weight/{task}']:.3f}")
        _, half = fit(folder, 1)
        half.save_checkpoint(folder / "half.ckpt")
        resumed, _ = fit(folder, 2, resume=folder / "half.ckpt")
    pairs = zip(whole.parameters(), resumed.parameters(), strict=True)
    same = all(torch.equal(one, two) for one, two in pairs) and whole.balancer.weights == resumed.balancer.weights
    print("resumed training equals the uninterrupted one" if same else "resumed training differs")


if __name__ == "__main__":
    main()
