"""The choices of `--metric` are the table's names, read late."""

import subprocess
import sys

from catscale.cli.metric_names import MetricNames
from catscale.evaluation.metrics.table import METRICS


def test_they_are_those_of_the_table() -> None:
    names = MetricNames()
    assert list(names) == list(METRICS)
    assert len(names) == len(METRICS)
    assert "bleu" in names
    assert "my_module:MyMetric" in names
    assert "rouge" not in names


def test_nothing_is_imported_before_somebody_asks() -> None:
    program = (
        "import sys; from catscale.cli.metric_names import MetricNames; names = MetricNames();"
        "assert 'catscale.evaluation.metrics.table' not in sys.modules; list(names);"
        "assert 'catscale.evaluation.metrics.table' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
