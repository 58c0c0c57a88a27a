"""A small network with one trunk and three heads, in a hand-written loop; no translation anywhere.

Three regression tasks see the same trunk. One has 20 times the data of the others, one has targets of a larger
scale. The lines that differ from a plain loop are marked with their number: 1, 2, 3.

    python examples/multitask_network.py
"""

import torch
from torch import Tensor, nn

from catscale import CATS, Fixed, TaskBalancer

SIZES = {"large": 4000, "small": 200, "loud": 200}
BATCH = {"large": 80, "small": 4, "loud": 4}
Data = dict[str, tuple[Tensor, Tensor]]


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh())
        self.heads = nn.ModuleDict({task: nn.Linear(32, 1) for task in SIZES})

    def forward(self, task: str, x: Tensor) -> Tensor:
        rows: Tensor = self.heads[task](self.trunk(x))
        return rows.squeeze(-1)


def make_data(generator: torch.Generator, held_out: int | None = None) -> Data:
    """Inputs and targets of each task: a function of its own along a common direction, with noise in training."""
    data = {}
    for task, size in SIZES.items():
        x = torch.randn(held_out or size, 8, generator=generator)
        y = {"large": x[:, 0].sin() + x[:, 1], "small": x[:, 0].cos() + x[:, 1], "loud": 3 * x[:, 0] * x[:, 1]}[task]
        noise = 0.0 if held_out else 0.2
        data[task] = (x, y + noise * torch.randn(len(x), generator=generator))
    return data


def train(method: CATS | Fixed, data: Data, seed: int, steps: int = 300) -> tuple[Network, dict[str, float]]:
    torch.manual_seed(seed)
    model = Network()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    balancer = TaskBalancer(method, tasks=SIZES, parameters=model.trunk.parameters())  # 1: new
    for _ in range(steps):
        losses = {}  # 2: was `loss = 0`
        for task, (x, y) in data.items():
            rows = torch.randint(len(x), (BATCH[task],))
            losses[task] = (model(task, x[rows]) - y[rows]).square().mean()  # 2: was `loss += …`
        balancer.backward(losses)  # 3: was `loss.backward()`
        optimizer.step()
        optimizer.zero_grad()
    return model, balancer.weights


def main() -> None:
    torch.set_num_threads(1)  # the matrices are small
    generator = torch.Generator().manual_seed(0)
    data, test = make_data(generator), make_data(generator, held_out=1000)
    methods: dict[str, CATS | Fixed] = {"equal weights": Fixed(task_weights=[1 / 3] * 3), "CATS": CATS()}
    seeds = range(2)
    print(f"mean squared error on held-out data, {len(seeds)} seeds: mean (smallest to largest)")
    for name, method in methods.items():
        print(name)
        errors: dict[str, list[float]] = {task: [] for task in SIZES}
        for seed in seeds:
            model, weights = train(method, data, seed)
            with torch.no_grad():
                for task, (x, y) in test.items():
                    errors[task].append((model(task, x) - y).square().mean().item())
        for task, found in errors.items():
            print(
                f"  {task:<6} {sum(found) / len(found):.3f} ({min(found):.3f} to {max(found):.3f})"
                f"   last weight {weights[task]:.3f}"
            )
    print("CATS gives weight to tasks with small gradients: it starves the loud one, whose loss is on a larger scale.")


if __name__ == "__main__":
    main()
