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
    command = torchrun_command(processes, "-m", "catscale", *arguments)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, timeout=280, env=environment)
