"""Similarities against loops over gradients."""

import math

import numpy as np
import pytest

from catscale.landscape.similarity import directions, magnitudes, summarise

TASKS = ["en-az", "en-be", "en-cs", "en-fr", "en-tr"]
RESOURCES = dict(zip(TASKS, ["low", "low", "mid", "high", "high"], strict=True))


@pytest.fixture
def gradients() -> np.ndarray:
    """(S, N, D)"""
    return np.random.default_rng(0).standard_normal((4, 5, 9)) + np.linspace(-1, 2, 9) * np.arange(5)[:, None]


def test_against_the_obvious_loop(gradients):
    gramians = np.einsum("sid,sjd->sij", gradients, gradients)
    for s, rows in enumerate(gradients):
        for i, a in enumerate(rows):
            for j, b in enumerate(rows):
                na, nb = np.linalg.norm(a), np.linalg.norm(b)
                assert directions(gramians)[s, i, j] == pytest.approx(a @ b / (na * nb))
                assert magnitudes(gramians)[s, i, j] == pytest.approx(2 * na * nb / (na**2 + nb**2))


def test_known_answers():
    rows = np.array([[3.0, 0.0], [-6.0, 0.0], [0.0, 3.0], [0.0, 0.0]])
    gramian = (rows @ rows.T)[None]
    cosines, sizes = directions(gramian)[0], magnitudes(gramian)[0]
    assert (cosines[0, 1], cosines[0, 2]) == (-1, 0)
    assert sizes[0, 1] == pytest.approx(0.8)
    assert sizes[0, 2] == 1
    assert sizes[0, 3] == 0
    assert math.isnan(cosines[0, 3])
    assert math.isnan(sizes[3, 3])


@pytest.mark.parametrize("steps", [1, 4])
def test_means_errors_and_kinds_of_pairs(gradients, steps):
    gradients = gradients[:steps]
    whole = np.einsum("sid,sjd->sij", gradients, gradients)
    part = np.einsum("sid,sjd->sij", gradients[..., :3], gradients[..., :3])
    found = summarise({"all": whole, "E.SA": part}, TASKS, RESOURCES)
    for group, gramians in (("all", whole), ("E.SA", part)):
        for measure, compute in (("direction", directions), ("magnitude", magnitudes)):
            values = compute(gramians)
            entries = found["similarity"][measure][group]
            assert len(entries) == 10
            kinds: dict[str, list] = {"high-high": [], "low-low": [], "high-low": []}
            for i, one in enumerate(TASKS):
                for j in range(i + 1, 5):
                    name = f"{one}|{TASKS[j]}"
                    assert entries[name] == pytest.approx(np.mean([v[i, j] for v in values]))
                    error = found["similarity_error"][measure][group][name]
                    if steps > 1:
                        assert error == pytest.approx(np.std([v[i, j] for v in values], ddof=1) / 2)
                    else:
                        assert math.isnan(error)
                    both = {RESOURCES[one], RESOURCES[TASKS[j]]}
                    if "mid" not in both:
                        kind = "high-low" if len(both) == 2 else f"{min(both)}-{min(both)}"
                        kinds[kind].append([v[i, j] for v in values])
            by_resource = found["similarity_by_resource"][measure][group]
            assert {kind: entry["pairs"] for kind, entry in by_resource.items()} == {
                "high-high": 1, "low-low": 1, "high-low": 4,
            }  # fmt: skip
            for kind, members in kinds.items():
                assert by_resource[kind]["mean"] == pytest.approx(np.mean(members))
                if steps > 1:
                    over_pairs = np.mean(members, axis=0)
                    assert by_resource[kind]["error"] == pytest.approx(np.std(over_pairs, ddof=1) / 2)


def test_kinds_without_pairs():
    found = summarise({"all": np.eye(2)[None]}, TASKS[:2], RESOURCES)["similarity_by_resource"]["direction"]["all"]
    assert found["low-low"]["mean"] == 0
    assert found["high-high"]["pairs"] == found["high-low"]["pairs"] == 0
    assert math.isnan(found["high-low"]["mean"])


def test_one_task_has_no_pairs():
    found = summarise({"all": np.ones((2, 1, 1))}, TASKS[:1], RESOURCES)
    assert found["similarity"]["direction"]["all"] == {}
