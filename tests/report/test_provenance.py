import pytest

from catscale.report.provenance import _commits


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
