"""Two tasks whose losses are quadratics of very different curvature, and one parameter vector.

    sharp(θ) = ‖θ − (1, 0)‖²,  Hessian 2·I        flat(θ) = 0.05 ‖θ − (0, 1)‖²,  Hessian 0.1·I

Every point between the two optima is a compromise that no step improves for both. Equal weights go where the sum
of the losses is least, next to the sharp task's optimum. CATS keeps ‖Σ α_n g_n‖² small, so it gives the sharp task
less weight: it ends nearer to the flat task's optimum, and bears a step size at which equal weights diverge.

    python examples/two_quadratics.py
"""

import torch
from torch import Tensor

from catscale import CATS, Fixed, TaskBalancer
from catscale.errors import DivergedError


def losses(theta: Tensor) -> dict[str, Tensor]:
    return {
        "sharp": (theta - torch.tensor([1.0, 0.0])).square().sum(),
        "flat": 0.05 * (theta - torch.tensor([0.0, 1.0])).square().sum(),
    }


def descend(method: CATS | Fixed, step_size: float) -> str:
    """Gradient descent from (-1, -1), 200 steps; a line about where it ends."""
    theta = torch.nn.Parameter(torch.tensor([-1.0, -1.0]))
    balancer = TaskBalancer(method, tasks=["sharp", "flat"], parameters=[theta])
    optimizer = torch.optim.SGD([theta], lr=step_size)
    try:
        for _ in range(200):
            balancer.backward(losses(theta))
            optimizer.step()
            optimizer.zero_grad()
    except DivergedError:
        return "diverged"
    reached = {task: loss.item() for task, loss in losses(theta).items()}
    weights = balancer.weights
    return (
        f"θ = ({theta[0]:.2f}, {theta[1]:.2f})   loss: sharp {reached['sharp']:.3f}, flat {reached['flat']:.3f}, "
        f"sum {sum(reached.values()):.3f}   weights: sharp {weights['sharp']:.3f}, flat {weights['flat']:.3f}"
    )


def main() -> None:
    methods: dict[str, CATS | Fixed] = {
        "equal": Fixed(task_weights=[0.5, 0.5]),
        "CATS": CATS(inner_steps=1, alpha_lr=0.1, multiplier_lr=0.1, curvature_budget=0.0),
    }
    for step_size in (0.5, 1.5, 3.0):
        for name, method in methods.items():
            print(f"step size {step_size}  {name:<5}  {descend(method, step_size)}")
    print("The sum of the losses is what equal weights minimise; CATS trades it for less curvature along its path.")


if __name__ == "__main__":
    main()
