"""Squares of gradient norms without the noise's share.

Legend: g gradient of a task on the sub-batches of a step, μ its expectation, g¹ and g² the parts of g = g¹ + g² that
come from two independent halves of the sub-batches.

    E ‖g‖² = ‖μ‖² + the variance of g          E ⟨g¹, g²⟩ = ‖μ‖² / 4          E ⟨g_i, g_j⟩ = ⟨μ_i, μ_j⟩ for i ≠ j

The diagonal of a Gram matrix is biased by the noise, its other entries are not: only the diagonal is replaced, by
4 ⟨g¹, g²⟩. The result is unbiased, and no longer positive semi-definite.
"""

import torch
from torch import Tensor


def find_half(n_parts: int) -> int:
    """Return the number of parts in the first half of `n_parts` about equal ones; 0 for a single part."""
    return n_parts // 2


def unbiased_square(both: Tensor, first: Tensor, cross: Tensor, first_share: Tensor) -> Tensor:
    """Estimate ‖μ‖² of each task.

    Args:
        both: (K,) ‖g‖².
        first: (K,) ‖g¹‖².
        cross: (K,) ⟨g¹, g⟩ = ‖g¹‖² + ⟨g¹, g²⟩.
        first_share: (K,) share s of the parts in the first half; 0 where a task had only one part.

    Returns:
        (K,) ⟨g¹, g²⟩ / (s (1 − s)); ‖g‖², noise and all, for a task of one part.
    """
    share = first_share * (1 - first_share)
    return ((cross - first) / share.clamp(min=1e-12)).where(share > 0, both)


def signal_to_noise(both: Tensor, expected: Tensor) -> Tensor:
    """Estimate ‖μ‖² over the variance of g for each task.

    Args:
        both: (K,) ‖g‖².
        expected: (K,) the estimates of ‖μ‖².

    Returns:
        (K,) ratios, negative where the halves are opposed; NaN for a task of one part, whose noise is not known.
    """
    noise = both - expected
    return (expected / noise).where(noise > 0, torch.nan)
