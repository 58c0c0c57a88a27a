"""The Gram matrix against the obvious product in float64."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from catscale.balancing.engine.gramian import CHUNK, gramian, products, squared_norms


def reference(rows: list[list[torch.Tensor | None]], shapes: list[tuple[int, ...]]) -> torch.Tensor:
    flat = [
        torch.cat([(torch.zeros(s) if p is None else p).double().flatten() for p, s in zip(row, shapes, strict=True)])
        for row in rows
    ]
    stacked = torch.stack(flat)
    return stacked @ stacked.T


def test_a_million_columns_are_accurate() -> None:
    torch.manual_seed(0)
    shapes = [(700, 1000), (4096,), (4097,), (77, 4000), (1,), (), (0,)]
    common = [torch.randn(s) for s in shapes]
    rows = [[c + 0.5 * torch.randn(s) for c, s in zip(common, shapes, strict=True)] for _ in range(4)]
    expected = reference(rows, shapes)
    found = gramian(rows)
    assert found.dtype == torch.float64
    assert ((found - expected).abs() / expected.abs()).max() < 1e-6


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.lists(st.integers(0, 3 * CHUNK), min_size=1, max_size=3), st.integers(0, 2**20), st.data())
def test_any_shapes_with_missing_gradients(tasks: int, sizes: list[int], seed: int, data: st.DataObject) -> None:
    generator = torch.Generator().manual_seed(seed)
    missing = data.draw(st.lists(st.booleans(), min_size=tasks * len(sizes), max_size=tasks * len(sizes)))
    shapes: list[tuple[int, ...]] = [(size,) for size in sizes]
    rows = [
        [
            None if missing[n * len(sizes) + i] else torch.randn(size, generator=generator)
            for i, size in enumerate(sizes)
        ]
        for n in range(tasks)
    ]
    expected = reference(rows, shapes)
    scale = expected.diagonal().max().clamp(min=1.0)
    torch.testing.assert_close(gramian(rows), expected, rtol=0, atol=1e-6 * scale.item())


@pytest.mark.parametrize("tasks", [15, 16, 17, 37])
def test_stripe_by_stripe_it_is_whole_and_symmetric(tasks: int) -> None:
    rows = torch.randn(tasks, 700, dtype=torch.float64)
    found = gramian([[row[:300], row[300:]] for row in rows])
    torch.testing.assert_close(found, rows @ rows.T, rtol=1e-12, atol=1e-11)
    assert found.equal(found.T)


def test_scales_are_factors_on_every_number() -> None:
    """Over several blocks, with gradients that are missing from some tasks or from all of them."""
    torch.manual_seed(0)
    shapes: list[tuple[int, ...]] = [(600, 1000), (77,), (3, 5), (4,)]
    given = [[torch.randn(s) for s in shapes] for _ in range(3)]
    rows: list[list[torch.Tensor | None]] = [[*row[:3], None] for row in given]
    rows[0][0] = rows[2][1] = None
    scales = [torch.rand(s) * 10**power for s, power in zip(shapes, (-3, 4, 0, 2), strict=True)]
    copies = [[None if part is None else part.clone() for part in row] for row in rows]
    scaled = [[None if p is None else p.double() * s for p, s in zip(row, scales, strict=True)] for row in rows]
    expected = reference(scaled, shapes)
    near = partial(torch.testing.assert_close, rtol=1e-6, atol=1e-6 * expected.diagonal().max().item())
    near(gramian(rows, scales), expected)
    near(squared_norms(rows, scales), expected.diagonal())
    found, squares = products(rows, rows[1], scales)
    near(found, expected[:, 1])
    near(squares, expected.diagonal())
    for row, copy in zip(rows, copies, strict=True):  # nothing was scaled in place
        assert all(
            p is c is None or (p is not None and c is not None and p.equal(c)) for p, c in zip(row, copy, strict=True)
        )


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_complex_gradients_are_their_real_and_imaginary_parts(dtype: torch.dtype) -> None:
    """Without the conjugate, i · i would be −1: a gradient of negative length."""
    generator = torch.Generator().manual_seed(0)
    rows = [[torch.randn(700, dtype=dtype, generator=generator), torch.randn(3, 4)] for _ in range(3)]
    split = [[row[0].real.clone(), row[0].imag.clone(), row[1]] for row in rows]
    found = gramian(rows)
    torch.testing.assert_close(found, gramian(split), rtol=1e-6, atol=1e-4)
    flat = torch.stack([row[0].to(torch.complex128) for row in rows])
    plain = torch.stack([row[1].double().flatten() for row in rows])
    torch.testing.assert_close(found, (flat.conj() @ flat.T).real + plain @ plain.T, rtol=1e-5, atol=1e-3)
    torch.testing.assert_close(squared_norms(rows), found.diagonal(), rtol=1e-6, atol=0)
    both, squares = products(rows, [g.clone() for g in rows[0]])
    torch.testing.assert_close(both, found[0], rtol=1e-6, atol=1e-3)
    torch.testing.assert_close(squares, found.diagonal(), rtol=1e-6, atol=0)
    conjugated = [[row[0].conj(), row[1]] for row in rows]  # a view that only remembers to conjugate
    torch.testing.assert_close(gramian(conjugated).diagonal(), found.diagonal(), rtol=1e-6, atol=0)


def test_float64_and_bfloat16_gradients() -> None:
    torch.manual_seed(0)
    rows = [[torch.randn(9000, dtype=torch.float64)] for _ in range(3)]
    torch.testing.assert_close(gramian(rows), reference(rows, [(9000,)]), rtol=1e-12, atol=1e-9)
    halves = [[row[0].bfloat16()] for row in rows]
    torch.testing.assert_close(gramian(halves), reference(halves, [(9000,)]), rtol=1e-5, atol=1e-3)


def test_the_callers_autocast_does_not_reach_it() -> None:
    torch.manual_seed(0)
    rows = [[torch.randn(5000), torch.randn(40, 3)] for _ in range(3)]
    with torch.autocast("cpu", torch.bfloat16):
        found = gramian(rows)
    assert found.equal(gramian(rows))


@pytest.mark.parametrize("tasks", [1, 3])
def test_no_gradient_at_all(tasks: int) -> None:
    assert gramian([[None, None]] * tasks).equal(torch.zeros(tasks, tasks, dtype=torch.float64))


def test_transposed_gradients_are_read_in_their_logical_order() -> None:
    torch.manual_seed(0)
    one, two = torch.randn(60, 80), torch.randn(80, 60).T
    torch.testing.assert_close(
        gramian([[one], [two]])[0, 1].item(), (one * two).double().sum().item(), rtol=1e-4, atol=1e-3
    )
