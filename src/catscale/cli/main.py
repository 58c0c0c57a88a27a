"""`catscale`: arguments in, exit status out. Commands import what they need when they run."""

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module

from catscale.cli.parser import build_parser
from catscale.errors import CatscaleError
from catscale.system.console.messages import said_meanwhile, say, say_error
from catscale.system.console.streams import prepare_streams, settle_output
from catscale.system.environment import check_arguments, check_memory, check_threads, find_unloadable, is_out_of_memory
from catscale.system.offline import stay_offline
from catscale.system.parent import watch_parent
from catscale.system.stopping import heeded

INTERRUPTED = 130
RUN = ("demo", "train", "evaluate", "sweep", "compare", "analyze", "export")
WITH_TORCH = {"prepare": "catscale.data.preparation.prepare", "watch": "catscale.run.watch.view"} | {
    name: f"catscale.run.commands.{name}" for name in RUN
}
"""Commands that load PyTorch, whatever they are asked to do, and the module that does, which takes seconds."""
OUT_OF_MEMORY = (
    "out of memory ({}); raise the limit (ulimit -v, the container's), or ask for less: a smaller "
    "training.sub_batch_tokens, model or evaluation.batch_tokens, fewer --jobs"
)
NOT_LOADED = (
    "the library {} cannot be loaded ({}: {}); unset the environment variable that it complains of, or install it again"
)
NO_UNICODE = (
    "the text {!r} cannot be written in this environment's character encoding ({}); set LC_ALL=C.UTF-8 or PYTHONUTF8=1"
)


@contextmanager
def termination_interrupts() -> Iterator[None]:
    """Let the other signals that ask to stop do what Ctrl-C does: half-written folders are removed, jobs of the demo
    and of a sweep are stopped."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [n for n in heeded() if n == signal.SIGTERM or signal.getsignal(n) is signal.SIG_DFL]
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    prepare_streams()
    try:
        check_arguments(sys.argv[1:] if arguments is None else arguments)
        options = build_parser().parse_args(arguments)
        check_threads()
        if options.command in WITH_TORCH or getattr(options, "data_command", None) == "stats":
            check_memory()
        prepare_libraries()
        with termination_interrupts():
            watch_parent()
            from catscale.cli import commands

            if options.command in WITH_TORCH:
                with said_meanwhile("loading PyTorch …"):
                    import_module(WITH_TORCH[options.command])
            getattr(commands, f"run_{options.command}")(options, say)
            sys.stdout.flush()  # here, where a closed pipe is caught
        return 0
    except (Exception, KeyboardInterrupt) as error:
        settle_output()
        if isinstance(error, BrokenPipeError):
            return 0  # the reader of standard output has seen enough
        message, status = explain(error)
        if message is None:
            raise
        if message:
            say_error(message)
        return status


def prepare_libraries() -> None:
    """Keep what we use quiet and offline."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    stay_offline()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def explain(error: BaseException) -> tuple[str | None, int]:
    """Return the message for an error and the exit status; None for a defect of ours, which keeps its traceback.

    The text is empty where another process tells it.
    """
    if isinstance(error, CatscaleError):
        return "" if error.is_told else str(error), error.exit_status
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", INTERRUPTED
    if is_out_of_memory(error):
        return OUT_OF_MEMORY.format(_first_line(error)), CatscaleError.exit_status
    if (library := find_unloadable(error)) is not None:
        return NOT_LOADED.format(library, type(error).__name__, _first_line(error)), CatscaleError.exit_status
    if isinstance(error, OSError):  # of a file that no message of ours is about: a disk that is full, no access
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or error}; check permissions and free space", CatscaleError.exit_status
    if isinstance(error, UnicodeEncodeError):
        return NO_UNICODE.format(error.object[:80], error.encoding), CatscaleError.exit_status
    return None, 1


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:160]
