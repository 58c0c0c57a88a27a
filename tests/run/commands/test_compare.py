"""Which folders are compared."""

import pytest

from catscale.comparison.compare import Question
from catscale.errors import CheckpointError
from catscale.run.commands.compare import compare


def test_a_run_that_was_not_evaluated(sweep, tmp_path):
    (sweep / "cats" / "seed-2" / "scores.json").unlink()
    with pytest.raises(CheckpointError, match=r"(?s)1 of 4 runs.*on the test set; run\n  catscale evaluate .*seed-2\n"):
        compare([sweep], tmp_path / "out", Question(), print)
    with pytest.raises(
        CheckpointError, match=r"(?s)4 of 4 runs were not evaluated on the dev set.* --split dev\nor leave"
    ):
        compare([sweep], tmp_path / "out", Question(split="dev", force=True), print)
    found = compare([sweep], tmp_path / "out", Question(resamples=200, force=True), print)
    assert found.warnings[0].endswith("cats/seed-2 is left out: it was not evaluated")
    assert [method.seeds for method in found.methods] == [[1, 2], [1]]
