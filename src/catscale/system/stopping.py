"""The signals by which a process is asked to stop."""

import signal

ASKED = (signal.SIGINT, signal.SIGTERM)
"""Ctrl-C, and what `kill` and most of the rest send."""

WARNINGS = tuple(getattr(signal, name) for name in ("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU") if hasattr(signal, name))
"""A terminal that was closed, and what batch systems send before a job's time is over (`sbatch --signal=USR1@60`).

Windows has none of them. One that is ignored, as SIGHUP is under nohup, stays ignored.
"""


def heeded() -> tuple[signal.Signals, ...]:
    """Return the signals that ask this process to stop: all but the warnings that it was started to ignore."""
    return ASKED + tuple(number for number in WARNINGS if signal.getsignal(number) is not signal.SIG_IGN)
