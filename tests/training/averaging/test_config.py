import pytest

from catscale.cli.parser import build_parser
from catscale.errors import ConfigError
from catscale.run.folder import places
from catscale.training.averaging.config import AverageSettings
from catscale.training.averaging.places import KINDS
from catscale.training.config import TrainingConfig


def test_the_command_line_knows_the_kinds():
    known = ("best", *KINDS, "base")
    assert known == places.MODELS
    assert [build_parser().parse_args(["evaluate", "run", "--model", model]).model for model in known] == [*known]


def test_labels_and_memory():
    both = AverageSettings(last=5, ema=0.999)
    assert [both.label(kind) for kind in KINDS] == ["the single model", "last 5", "EMA 0.999"]
    assert (both.bytes_per_parameter, AverageSettings(last=5).bytes_per_parameter) == (8, 4)


@pytest.mark.parametrize(
    ("average", "message"),
    [
        ({}, "neither last nor ema is given; give one or both"),
        ({"last": 1}, "greater than or equal to 2"),
        ({"ema": 1.0}, "less than 1"),
        ({"ema": 0.0}, "greater than 0"),
        ({"lasts": 5}, "lasts"),
    ],
)
def test_averages_that_make_no_sense(average, message):
    with pytest.raises(ConfigError, match=message):
        TrainingConfig(average=average)
