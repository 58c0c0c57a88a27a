"""SAM for repeated tasks: the price is their share."""

from typing import Any

from catscale.optimisation.sam_repeated import RepeatedSAM
from tests.optimisation.bowls import Bowls


def test_only_repeated_tasks_have_a_second_pass() -> None:
    for epochs, passes in ((0.4, ["one", "two"]), (1.5, ["one", "one", "two"])):
        tasks = Bowls("one", "two", epochs=epochs)
        settings = RepeatedSAM()
        settings.take(settings.build(tasks.named), tasks, 1)
        assert [task for task, _ in tasks.points] == passes


def test_its_settings_are_written_as_they_are_read() -> None:
    given: dict[str, Any] = {"from": 0.5, "rho": 0.1, "over_epochs": 4.0}
    settings = RepeatedSAM(**given)
    assert RepeatedSAM(**settings.model_dump(mode="json")) == settings
    assert settings.start == 0.5
    assert (RepeatedSAM().start, RepeatedSAM().for_training(9).total_steps) == (0, None)
