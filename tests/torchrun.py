"""Commands on several processes of one machine."""

import os
import subprocess
import sys


def torchrun_command(processes: int, *arguments: object) -> list[str]:
    """The command that runs a script, or `-m` and a module, on several processes."""
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    return [*start, *map(str, arguments)]


def torchrun(processes: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The outcome of a command of catscale on several processes."""
    return finish(torchrun_command(processes, "-m", "catscale", *arguments))


def finish(command: list[str], seconds: float = 200) -> subprocess.CompletedProcess[str]:
    """The outcome of what `torchrun_command` gave; one that takes longer is ended, with the processes it started."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment) as started:
        try:
            out, err = started.communicate(timeout=seconds)
        except BaseException:
            started.terminate()  # torchrun then ends its processes, which a killed one would leave waiting
            try:
                started.wait(40)
            finally:
                started.kill()
            raise
    return subprocess.CompletedProcess(command, started.returncode, out, err)
