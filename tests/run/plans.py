"""Configurations of sweeps whose corpus does not exist."""

from catscale.run.config import RunConfig, parse_config


def make_config(optimizer=None, model=None, **training) -> RunConfig:
    data = {"format": "moses", "path": "x", "source": "en", "targets": "all"}
    content = {"data": data, "training": {"max_steps": 12, **training}, "optimizer": optimizer or {}}
    return parse_config(content | ({"model": model} if model else {}), "test")
