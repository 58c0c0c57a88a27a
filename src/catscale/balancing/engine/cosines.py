"""The cosine of two gradients.

Legend: P parameter tensors, D numbers in all of them.
"""

from collections.abc import Sequence

from torch import Tensor

from catscale.balancing.engine.gramian import gramian


def cosine(left: Sequence[Tensor | None], right: Sequence[Tensor | None]) -> float:
    """Return <a, b> / (‖a‖ ‖b‖), and 0 where one of them is zero.

    Args:
        left: P tensors; None is zero.
        right: P tensors of the same shapes.

    Returns:
        Between -1 and 1; NaN where an entry is not finite.

    Example:
        >>> import torch
        >>> cosine([torch.tensor([3.0, 0.0]), None], [torch.tensor([3.0, 4.0]), None])
        0.6
    """
    (aa, ab), (_, bb) = gramian([left, right]).tolist()
    norms = float(aa) ** 0.5 * float(bb) ** 0.5
    return float(ab) / norms if norms != 0 else 0.0
