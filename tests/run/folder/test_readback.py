"""What a run has written of itself, read back."""

import json

import pytest

from catscale.data.direction import Direction
from catscale.errors import CheckpointError
from catscale.run.folder.readback import name_scores_file, read_environment, read_scores, run_directions


def test_scores_that_are_not_there(tmp_path):
    with pytest.raises(CheckpointError, match=r"has no scores\.json; run `catscale evaluate"):
        read_scores(tmp_path)
    (tmp_path / "scores.json").write_text(json.dumps({"later": 1}))
    assert read_scores(tmp_path) == {"later": 1}


def test_the_file_of_each_split_and_the_command_that_makes_it(tmp_path):
    assert [name_scores_file(tmp_path, split).name for split in ("test", "dev")] == ["scores.json", "scores.dev.json"]
    with pytest.raises(CheckpointError, match=rf"no scores\.dev\.json; run `catscale evaluate {tmp_path} --split dev`"):
        read_scores(tmp_path, "dev")


def test_directions_are_those_of_the_environment(tmp_path):
    pairs = {"en-az": 500, "be-en": 3}
    (tmp_path / "environment.json").write_text(json.dumps({"train_pairs": pairs, "later": 1}))
    assert read_environment(tmp_path)["train_pairs"] == pairs
    assert run_directions(tmp_path) == [Direction("en", "az"), Direction("be", "en")]
    (tmp_path / "environment.json").write_text("{}")
    assert run_directions(tmp_path) == []


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"train_pairs": 3}', '{"train_pairs": {"en-az": -1}}'])
def test_what_is_missing_or_damaged_says_what_to_do(tmp_path, content):
    if content is not None:
        (tmp_path / "environment.json").write_text(content)
    with pytest.raises(
        CheckpointError, match=r"environment\.json cannot be read \(.*restore it, or make the run again"
    ):
        run_directions(tmp_path)
