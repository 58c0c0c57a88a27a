"""What `best` tells of its step, and what it is not believed."""

import pytest

from catscale.training.checkpointing.best_step import STEP, read_step, write_step


def test_a_step_is_read_back(tmp_path):
    assert read_step(tmp_path) is None
    write_step(tmp_path, 40)
    assert read_step(tmp_path) == 40


@pytest.mark.parametrize(
    "text", ['{"step": true}', '{"step": 4.7}', '{"step": "4"}', "[4]", "{}", "4", "{", "[" * 9000]
)
def test_what_is_no_step_tells_nothing(tmp_path, text):
    (tmp_path / STEP).write_text(text)
    assert read_step(tmp_path) is None
