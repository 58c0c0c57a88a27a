"""What `--slurm` reads, and what submitit is told."""

from typing import Any

import pytest

from catscale.errors import ConfigError
from catscale.run.slurm_settings import SlurmSettings, parse_slurm


def test_values_are_yaml_and_what_is_not_named_is_the_default():
    assert parse_slurm([]) == SlurmSettings()
    found = parse_slurm(["partition=gpu,short", "gpus=0", "memory_gb=12.5", "minutes=90"])
    assert found == SlurmSettings(partition="gpu,short", gpus=0, memory_gb=12.5, minutes=90)


@pytest.mark.parametrize("text", ["gpu", "=3", ""])
def test_a_text_without_a_key_or_a_value_s_sign(text):
    with pytest.raises(ConfigError, match=r"--slurm needs key=value, each key once, as in gpus=1 minutes=240; found '"):
        parse_slurm([text])


def test_a_key_twice_and_what_is_no_yaml():
    with pytest.raises(ConfigError, match=r"each key once, as in gpus=1 minutes=240; found 'gpus=0'"):
        parse_slurm(["gpus=1", "gpus=0"])
    with pytest.raises(ConfigError, match=r"--slurm 'gpus=\[': the value is not valid YAML"):
        parse_slurm(["gpus=["])


@pytest.mark.parametrize(
    "text",
    [
        "gpus=2",
        "gpus=true",
        "cpus=0",
        "minutes=0",
        "grace=5",
        "memory_gb=0",
        "partion=gpu",
        'partition="a\\n#SBATCH -x"',
    ],
)
def test_what_slurm_is_not_asked(text):
    with pytest.raises(ConfigError, match=text.partition("=")[0]):
        parse_slurm([text])


def test_submitit_is_told_in_its_words():
    assert SlurmSettings(gpus=0).for_submitit() == {
        "timeout_min": 1440, "cpus_per_task": 4, "gpus_per_node": 0, "slurm_signal_delay_s": 120,
    }  # fmt: skip
    asked: dict[str, Any] = {
        "partition": "gpu",
        "account": "a",
        "qos": "b",
        "constraint": "c&d",
        "memory_gb": 8.0,
        "minutes": 30,
    }
    found = SlurmSettings(**asked, cpus=2, grace=60).for_submitit()
    assert found == {
        "slurm_partition": "gpu", "slurm_account": "a", "slurm_qos": "b", "slurm_constraint": "c&d", "mem_gb": 8.0,
        "timeout_min": 30, "cpus_per_task": 2, "gpus_per_node": 1, "slurm_signal_delay_s": 60,
    }  # fmt: skip
