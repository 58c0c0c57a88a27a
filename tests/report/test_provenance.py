import pytest

from catscale.report.history import Run
from catscale.report.provenance import _about, _base, _commits
from tests.unchecked import unchecked


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "unknown"),
        ({"commit": None}, "unknown"),
        ({"commit": "0123456789abcdef0"}, "0123456789abcdef"),
        (
            {"commit": "aaa", "continued_by": [{"step": 3, "processes": 2}, {"step": 5, "commit": "bbb"}]},
            "aaa, then bbb",
        ),
    ],
)
def test_all_commits_of_a_run_are_shown(environment, expected):
    assert _commits(environment) == expected


def run_with(**environment) -> Run:
    return unchecked(Run)(**{**dict.fromkeys(Run.__dataclass_fields__), "environment": environment})


def test_the_model_that_runs_started_from_is_shown_with_its_licence():
    drawn = run_with()
    tuned = run_with(base={"path": "/models/nllb", "fingerprint": "a" * 64, "licence": "cc-by-nc-4.0"})
    unknown = run_with(base={"path": "/models/mine", "fingerprint": "b" * 64, "licence": None})
    assert _base(tuned) == f"nllb ({'a' * 16}; licence cc-by-nc-4.0, see RUN/licence)"
    assert _base(unknown) == f"mine ({'b' * 16}; licence unknown, see RUN/licence)"
    assert _base(drawn) == "random parameters"
    assert [name for name, _ in _about([drawn, drawn])] == ["commit", "device"]
    assert [name for name, _ in _about([drawn, tuned])] == ["commit", "device", "started from"]
