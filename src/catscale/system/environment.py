"""The environment that the shell hands to a command, refused if it is of no use before a library meets it."""

import os
import re
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from types import ModuleType

from catscale.errors import ConfigError

resource: ModuleType | None = None  # Windows
with suppress(ImportError):
    resource = import_module("resource")

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Variables by which libraries choose how many threads to start."""
MOST_THREADS = 1024
"""More are a slip: a process that starts tens of thousands is ended by the system."""
LEAST_MEMORY = 700 << 20
"""Return the bytes of addresses that loading PyTorch takes; from 400 to 650 MiB it aborted or did not end (torch
2.13)."""
NO_VALUE = re.compile(r"--[a-z-]+=--")
"""Python 3.11 drops the hyphens of such an argument and leaves an empty list."""
LEAST_DATA = 285 << 20
"""The least bytes of private memory that it takes."""
MEMORY_SIGNS = (
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "out of memory",
    "failed to map segment",
    "bad_alloc",
    "can't start new thread",
)
"""Texts in errors of libraries whose memory was refused; they have no class of their own."""


def read_count(name: str, least: int, most: int | None = None, hint: str = "correct it, or unset it") -> int | None:
    """Return a whole number from an environment variable, None where it is not set or empty.

    Args:
        name: The variable.
        least: Smallest value allowed.
        most: Largest value allowed; None for any.
        hint: Advice for the message.

    Raises:
        ConfigError: If it is something else.
    """
    text = os.environ.get(name, "").strip()
    if not text:
        return None
    value = int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else None
    if value is None or value < least or (most is not None and value > most):
        allowed = f"from {least} to {most}" if most is not None else f"of at least {least}"
        raise ConfigError(f"the environment variable {name} must be a whole number {allowed}, found {text!r}; {hint}")
    return value


def check_threads() -> None:
    """Refuse numbers of threads that a library would abort on or pass over with a warning of its own.

    Raises:
        ConfigError: Naming the variable.
    """
    for name in THREADS:
        if "," not in os.environ.get(name, ""):  # one a level of nested parallelism, which OpenMP allows
            read_count(name, 1, max(MOST_THREADS, os.cpu_count() or 1))


def check_memory() -> None:
    """Refuse a limit of memory in which PyTorch cannot even be loaded: it would abort, or try again without end.

    Raises:
        ConfigError: If there is one.
    """
    if resource is None:
        return
    for kind, option, least in ((resource.RLIMIT_AS, "-v", LEAST_MEMORY), (resource.RLIMIT_DATA, "-d", LEAST_DATA)):
        limit, _ = resource.getrlimit(kind)
        if limit != resource.RLIM_INFINITY and limit < least:
            raise ConfigError(
                f"memory is limited to {limit >> 20:,} MiB of addresses (ulimit {option}), and loading PyTorch alone "
                f"takes about {least >> 20:,}; raise the limit"
            )


def check_arguments(arguments: Sequence[str]) -> None:
    """Refuse arguments that no message, configuration or page could hold, and those that argparse takes for a list.

    Raises:
        ConfigError: If one is not valid UTF-8, or gives an option two hyphens for a value.
    """
    for argument in arguments:
        if NO_VALUE.fullmatch(argument):
            raise ConfigError(f"the argument {argument!r} gives no value; write ./-- for a file of that name")
        try:
            argument.encode()
        except UnicodeEncodeError:
            shown = os.fsencode(argument).decode(errors="backslashreplace")
            raise ConfigError(
                f"the argument '{shown}' is not valid UTF-8; rename the file or folder, or, where its name is right, "
                "set LC_ALL=C.UTF-8"
            ) from None


def find_unloadable(error: BaseException) -> str | None:
    """Find the library in whose loading an error was raised: by its installation, or a variable that it reads.

    Args:
        error: The error that was caught.

    Returns:
        The name of the outermost package that is not ours; None where the error came from elsewhere.
    """
    for frame, _ in traceback.walk_tb(error.__traceback__):
        package = str(frame.f_globals.get("__name__")).partition(".")[0]
        if frame.f_code.co_name == "<module>" and package not in ("catscale", "__main__"):
            return package
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether the system refused memory, as far as an error and those behind it tell."""
    seen: BaseException | None = error
    for _ in range(10):
        if seen is None:
            break
        kind = type(seen).__name__
        if isinstance(seen, MemoryError) or kind in ("OutOfMemoryError", "_ArrayMemoryError"):
            return True
        if isinstance(seen, RuntimeError | ImportError | OSError | SystemError) and any(
            sign in str(seen).lower() for sign in MEMORY_SIGNS
        ):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
