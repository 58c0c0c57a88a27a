"""Refusals by the operating system, said to the user."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from catscale.errors import CatscaleError

READING = "check the name and the permissions"
WRITING = "check the permissions and the free space, or choose another folder"


@contextmanager
def user_errors(action: str, path: Path) -> Iterator[None]:
    """Turn the operating system's refusals (read-only, disk full, not a folder) into one clear message.

    Libraries written in Rust (safetensors, tokenizers) raise other classes for them, with `(os error 28)` in the text.

    Args:
        action: The action that failed, as in "write the checkpoint"; "read" where nothing is written.
        path: The file or folder concerned.

    Raises:
        CatscaleError: If an `OSError`, or what stands for one, is raised inside the block.
    """
    try:
        yield
    except CatscaleError:
        raise
    except Exception as error:
        if not isinstance(error, OSError) and "(os error " not in str(error):
            raise
        place, reason = getattr(error, "filename", None) or path, getattr(error, "strerror", None) or error
        raise CatscaleError(f"cannot {action} {place}: {reason}; {READING if action == 'read' else WRITING}") from error
