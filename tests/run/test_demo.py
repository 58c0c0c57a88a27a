"""The demo's plan and what it shows; `tests/cli/test_demo.py` runs it (slow)."""

import pytest

from catscale.run.config import load_config
from catscale.run.demo import METHODS, demo_config, plan_job


def test_every_method_has_the_same_model_and_budget(tmp_path):
    configs = [demo_config(tmp_path, name, 100) for name in METHODS]
    for config in configs[1:]:
        assert (config.data, config.vocabulary, config.model) == (
            configs[0].data,
            configs[0].vocabulary,
            configs[0].model,
        )
        assert config.training == configs[0].training
    assert [config.sampling.temperature for config in configs] == [1, 5, 5]
    assert [config.balancing.name for config in configs] == ["fixed", "fixed", "cats"]


@pytest.mark.parametrize("name", METHODS)
def test_a_job_trains_the_configuration_that_it_writes(tmp_path, name):
    job = plan_job(tmp_path, name, 100)
    train, evaluate = job.commands
    path = train[train.index("train") + 1]
    assert load_config(type(tmp_path)(path)).training.max_steps == job.steps == 100
    assert train[-1] == evaluate[-1] == str(job.run)
