import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from catscale.cli.main import main
from catscale.training.trainer import Trainer
from tests.cli.toy import write_config, write_corpus


@dataclass(frozen=True)
class Result:
    status: int
    out: str
    err: str

    @property
    def message(self) -> str:
        """The one message of a mistake; everything before it is progress."""
        assert "Traceback" not in self.err
        assert self.err.count("catscale: ") == 1, self.err
        return self.err.partition("catscale: ")[2]


Cli = Callable[..., Result]


@pytest.fixture
def cli(capsys) -> Cli:
    """Runs a command in this process."""

    def run(*arguments: object) -> Result:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        return Result(status, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("toy") / "corpus", "moses", {"xa": 600, "xb": 150})


@pytest.fixture(scope="session")
def store(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def config(tmp_path, corpus, store) -> Path:
    return write_config(tmp_path / "toy.yaml", corpus, store)


@pytest.fixture
def stop_at(monkeypatch):
    """Makes the coming training stop after a step, by a signal or an error."""
    real = Trainer.step

    def arrange(step: int | None, by: signal.Signals | type[Exception] = signal.SIGTERM) -> None:
        def patched(self) -> None:
            real(self)
            if self.progress.step == step:
                if isinstance(by, signal.Signals):
                    os.kill(os.getpid(), by)
                else:
                    raise by("a crash")

        monkeypatch.setattr(Trainer, "step", patched)

    return arrange
