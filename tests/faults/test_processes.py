"""One of two processes dies: the other ends with a message, and the run goes on from its last checkpoint."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from catscale.cli.main import main
from tests.ranks import run_ranks
from tests.run_records import metrics
from tests.torchrun import torchrun_command

DIES = """
import os, signal, sys, time
from catscale.training.trainer import Trainer
step = Trainer.step
def dying(self):
    step(self)
    if self.progress.step == 5 and os.environ["RANK"] == os.environ.get("DIES"):
        print("DIED", time.time(), file=sys.stderr, flush=True)
        if os.environ["HOW"] == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        raise ValueError("a crash")
Trainer.step = dying
from catscale.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def torchrun(script: Path, config: Path, run: Path, dies: str, how: str) -> tuple[int, str, float]:
    """Status, what was said, and the seconds from the death to the end."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "DIES": dies, "HOW": how}
    died, said = time.monotonic(), ""
    with subprocess.Popen(
        torchrun_command(2, script, "train", config, "--out", run),
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            said += line
            if line.startswith("DIED"):
                died = time.monotonic()
    return process.returncode, said, time.monotonic() - died


def die_and_go_on(config: Path, tmp_path: Path, dies: str, how: str) -> float:
    script, run = tmp_path / "dies.py", tmp_path / f"run-{dies}-{how}"
    script.write_text(DIES)
    status, said, seconds = torchrun(script, config, run, dies, how)
    assert status != 0
    assert_lost(run, said, seconds, 1 - int(dies))
    return seconds


def assert_lost(run: Path, said: str, seconds: float, survivor: int) -> None:
    """The survivor said so in time, and its last checkpoint is there."""
    assert seconds < 60
    assert f"catscale: process {survivor} of 2 lost the connection to another one, which has ended" in said, said
    assert "the last checkpoint" in said
    assert not (run / "checkpoints" / "step-6").exists()
    assert (run / "checkpoints" / "step-4" / "manifest.json").exists()


def test_a_killed_process_ends_the_other_and_one_goes_on_alone(config, tmp_path, capsys):
    run = tmp_path / "run"
    command: list[object] = ["train", config, "--out", run]
    survivor, killed = run_ranks(command, command, code=DIES, DIES="1", HOW="killed")
    seconds = time.time() - float(killed.err.rpartition("DIED ")[2])
    assert survivor.status > 0
    assert killed.status == -signal.SIGKILL
    assert_lost(run, survivor.err, seconds, 0)
    assert main(["train", str(config), "--out", str(run)]) == 0
    assert "continuing at step 4" in capsys.readouterr().err
    assert [r["step"] for r in metrics(run) if r["kind"] == "valid"] == [2, 4, 6]


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_every_death_of_one_of_two_processes(config, tmp_path, record):
    whole, script = tmp_path / "whole", tmp_path / "none.py"
    script.write_text(DIES)
    assert torchrun(script, config, whole, "none", "")[0] == 0
    slowest = 0.0
    for dies, how in (("0", "killed"), ("1", "killed"), ("0", "raises"), ("1", "raises")):
        slowest = max(slowest, die_and_go_on(config, tmp_path, dies, how))
        run = tmp_path / f"run-{dies}-{how}"
        status, said, _ = torchrun(script, config, run, "none", "")
        assert status == 0, said
        assert "continuing at step 4" in said
        assert metrics(run) == metrics(whole)
        for name in ("model.safetensors", "state.safetensors"):
            path = Path("checkpoints") / "step-6" / name
            assert (run / path).read_bytes() == (whole / path).read_bytes()
    outcome = f"the other ended after at most {slowest:.0f} s, 1 step taken again, then the same run"
    record("one of two processes killed, or with an exception", 4, outcome)
