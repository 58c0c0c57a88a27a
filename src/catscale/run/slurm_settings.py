"""Settings of a sweep's jobs on a Slurm cluster, as given with `--slurm`."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from catscale.errors import ConfigError
from catscale.settings.base import Settings
from catscale.system.reading.yaml_file import parse_yaml

_Name = Annotated[str, Field(pattern=r"^[\w.,:@&|*\[\]()=+-]+$", max_length=200)]


class SlurmSettings(Settings):
    """The demands of each run of a sweep; what is None is left to the cluster.

    Attributes:
        partition: The argument of `sbatch --partition`.
        account: The argument of `sbatch --account`.
        qos: The argument of `sbatch --qos`.
        constraint: The argument of `sbatch --constraint`.
        gpus: The number of GPUs, 1 or 0.
        cpus: The number of processors; a run has as many threads.
        memory_gb: The memory in GB.
        minutes: The most time that the job may take; a longer run goes on in the next job.
        grace: Seconds before that end at which a run is asked to save its state.
    """

    partition: _Name | None = None
    account: _Name | None = None
    qos: _Name | None = None
    constraint: _Name | None = None
    gpus: int = Field(default=1, ge=0, le=1)
    cpus: int = Field(default=4, ge=1, le=1024)
    memory_gb: float | None = Field(default=None, gt=0, le=100_000)
    minutes: int = Field(default=1440, ge=1, le=525_600)
    grace: int = Field(default=120, ge=10, le=3600)

    def for_submitit(self) -> dict[str, Any]:
        """Return submitit's own words for them."""
        named = {key: getattr(self, key) for key in ("partition", "account", "qos", "constraint")}
        given = {f"slurm_{key}": value for key, value in named.items() if value is not None}
        memory = {} if self.memory_gb is None else {"mem_gb": self.memory_gb}
        return {
            **given, **memory, "timeout_min": self.minutes, "cpus_per_task": self.cpus, "gpus_per_node": self.gpus,
            "slurm_signal_delay_s": self.grace,
        }  # fmt: skip


def parse_slurm(texts: Sequence[str]) -> SlurmSettings:
    """Read the arguments of `--slurm`, `KEY=VALUE` with YAML values.

    Raises:
        ConfigError: If one has no such form, is repeated or wrong.
    """
    content: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key or key in content:
            raise ConfigError(f"--slurm needs key=value, each key once, as in gpus=1 minutes=240; found {text!r}")
        try:
            content[key] = parse_yaml(value)
        except ValueError as error:
            raise ConfigError(f"--slurm {text!r}: the value is not valid YAML: {error}") from error
    return SlurmSettings(**content)
