"""Errors that reach a user, each with the exit status of the command line.

Every message says *what, found, allowed, do this*. The command line prints the message alone, without a
traceback; so it does for an `OSError` that nothing else explains. Everything else is a defect of ours and keeps its
traceback.
"""


class CatscaleError(Exception):
    """Base of all errors whose message is meant for the user.

    Attributes:
        exit_status: The exit status of the command line.
        is_told: Whether another process of the run tells the message, so that this one keeps quiet.
    """

    exit_status = 2
    is_told: bool = False


class ConfigError(CatscaleError):
    """The configuration or the arguments are wrong (exit status 2)."""


class UnknownNameError(ConfigError, KeyError):
    """A table has no entry of that name (exit status 2)."""

    def __str__(self) -> str:
        return str(self.args[0])  # where `KeyError` would quote it


class DataError(CatscaleError):
    """A corpus, a vocabulary or a token store is wrong (exit status 2)."""


class UnreadableError(DataError):
    """A corpus cannot be read, perhaps only now: the disk or the network refuses (exit status 2)."""


class CheckpointError(CatscaleError):
    """A checkpoint or a run folder cannot be used (exit status 2)."""


class DivergedError(CatscaleError):
    """A loss, a gradient or a task weight is no longer usable (exit status 3).

    Args:
        message: The text of the error.
        what: Was not finite, as in "loss", where one thing can be named.
        task: The task that it belongs to, if a single one can be named.
    """

    exit_status = 3

    def __init__(self, message: str, what: str | None = None, task: str | None = None) -> None:
        super().__init__(message)
        self.what, self.task = what, task


class Interrupted(CatscaleError):
    """Training was asked to stop and has saved its state (exit status 130)."""

    exit_status = 130
