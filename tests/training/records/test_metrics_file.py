import json

import pytest

from catscale.errors import CatscaleError, CheckpointError
from catscale.training.records.metrics_file import MetricsLog, find_best_step, read_metrics
from tests.unchecked import unchecked


def test_it_is_cut_back_to_the_size_of_the_checkpoint(tmp_path):
    path = tmp_path / "metrics.jsonl"
    log = MetricsLog(path)
    log.write(kind="train", step=1, nll={"en-az": 0.1})
    size = log.size()
    assert size == path.stat().st_size
    log.write(kind="train", step=2)
    log.close()
    again = MetricsLog(path, size)
    assert again.size() == size
    again.write(kind="train", step=3, name="ə")
    again.close()
    assert read_metrics(path) == [
        {"kind": "train", "step": 1, "nll": {"en-az": 0.1}}, {"kind": "train", "step": 3, "name": "ə"}
    ]  # fmt: skip


def test_a_file_that_was_lost_is_not_padded(tmp_path):
    log = MetricsLog(tmp_path / "metrics.jsonl", 1000)
    log.write(step=1)
    log.close()
    assert (tmp_path / "metrics.jsonl").read_text() == '{"step": 1}\n'


def test_every_line_is_valid_json(tmp_path):
    log = MetricsLog(tmp_path / "m")
    log.write(a=float("nan"), b={"c": [float("inf"), 1.5, None]}, d=2)
    log.close()
    line = (tmp_path / "m").read_text()
    assert json.loads(line, parse_constant=lambda name: pytest.fail(name)) == {
        "a": None, "b": {"c": [None, 1.5, None]}, "d": 2
    }  # fmt: skip


def test_numbers_survive_exactly(tmp_path):
    values = [0.1 + 0.2, 1e-300, 2 / 3]
    log = MetricsLog(tmp_path / "m")
    log.write(kind="later", step=1, values=values)
    log.close()
    assert read_metrics(tmp_path / "m")[0]["values"] == values


def test_a_line_that_a_crash_cut_short_is_left_out(tmp_path):
    (tmp_path / "m").write_text('{"kind": "x", "step": 1}\n{"kind": "x", "step": 2, "nl')
    assert read_metrics(tmp_path / "m") == [{"kind": "x", "step": 1}]


GOOD = '{"kind": "valid", "step": 1, "time": 0.5, "nll": {"en-xa": 1.5}, "mean": 1.5, "newer": [1]}'


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("5", "must hold keys, found 5"),
        ("{}", "kind: field required; step: field required"),
        ('{"kind": "later"}', "step: field required"),
        ('{"kind": ["valid"], "step": 1}', "kind: input should be a valid string"),
        ('{"kind": "train", "step": -1}', "step: input should be greater than or equal to 0, found -1"),
        ('{"kind": "train", "step": true}', "step: input should be a valid integer, found True"),
        ('{"kind": "train", "step": 1.0}', "step: input should be a valid integer, found 1.0"),
        ('{"kind": "train", "step": 1, "time": -1}', "time: input should be greater"),
        ('{"kind": "train", "step": 1, "tokens": "many"}', "tokens: input should be a valid integer"),
        ('{"kind": "train", "step": 1, "nll": [1]}', "nll: must hold keys"),
        ('{"kind": "valid", "step": 1, "nll": {"en-xa": "x"}}', "nll.en-xa: input should be a valid number, found 'x'"),
        ('{"kind": "valid", "step": 1, "mean": NaN}', "NaN is no number of JSON"),
        ('{"kind": "valid", "step": 1, "nll": {"en-a/../../x": 1}}', "nll.en-a/../../x.*a language's code"),
        ('{"kind": "balance", "step": 1, "weights": {"en-xa": true}}', "weights.en-xa: input should be a valid number"),
        ('{"kind": "balance", "step": 1, "curvature": {}}', "curvature: input should be a valid number"),
        ('{"kind": "sample", "step": 1, "probabilities": 1}', "probabilities: must hold keys"),
        ('{"kind": "skip", "step": 1, "total": -1}', "total: input should be greater"),
        ('{"kind": "analysis", "step": 1, "curvature": {"en-xa": 1}}', "curvature.en-xa: must hold keys"),
        ('{"kind": "analysis", "step": 1, "similarity": {"direction": {"all": {"x": 1}}}}', "similarity.direction.all"),
        ('{"kind": "analysis", "step": 1, "settings": {"split": "x"}}', "settings.split: input should be 'train' or"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_record_is_named(tmp_path, line, message):
    (tmp_path / "m").write_text(f"{GOOD}\n{line}\n{GOOD}\n")
    with pytest.raises(CheckpointError, match=rf"m, line 2 is not a record \({message}.*; restore the file, or, where"):
        read_metrics(tmp_path / "m")


def test_a_line_separator_in_a_text_ends_no_line(tmp_path):
    log = MetricsLog(tmp_path / "m")
    log.write(kind="x", step=1, name="a\u2028b")
    log.close()
    assert read_metrics(tmp_path / "m") == [{"kind": "x", "step": 1, "name": "a\u2028b"}]


def test_a_write_in_parts_is_whole(tmp_path):
    log = MetricsLog(tmp_path / "m")
    file = log._file

    class Slow:
        def write(self, content: memoryview) -> int:
            return file.write(content[:3])

    log._file = unchecked(Slow())
    log.write(kind="x", step=1, text="long enough")
    file.close()
    assert read_metrics(tmp_path / "m") == [{"kind": "x", "step": 1, "text": "long enough"}]


def test_it_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CatscaleError, match=r"cannot write .*choose another folder"):
        MetricsLog(tmp_path / "file" / "m")


def test_the_best_step_is_the_trainer_s():
    """The first of the lowest, of the mean or of the direction that chooses."""
    values = {4: (2.0, 3.0), 8: (3.0, 1.0), 12: (2.0, 2.0)}
    records = [
        {"kind": "valid", "step": step, "nll": {"en-az": az, "en-fr": fr}, "mean": (az + fr) / 2}
        for step, (az, fr) in values.items()
    ]
    records.append({"kind": "train", "step": 16, "nll": {"en-az": 0.0}, "mean": 0.0})
    assert find_best_step(records) == 8
    assert find_best_step(records, "en-az") == 4
    assert find_best_step(records[3:]) is None
