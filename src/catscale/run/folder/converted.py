"""A run's best model in CTranslate2's format, kept beside it, so that `translate` need not convert it each time.

RUN/ctranslate2/PRECISION/    CTranslate2's model, a manifest and `source.json` (what it was made from, and where)

It is made again where the model, its vocabulary, CTranslate2 or the precision is another, or a file is damaged; it may
be deleted at any time. A run that came from elsewhere may bring weights of its maker's choice here, with checksums to
them. So only files are used that belong to the user and have the inodes and the times of change that `source.json`
notes: the system sets the latter when a file is made, and no archive or copy can bring or foresee them.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from catscale.errors import CatscaleError, CheckpointError
from catscale.evaluation.config import EvaluationConfig
from catscale.run.decoding import settle_for_model
from catscale.system.console.messages import Say
from catscale.system.reading.json_file import SMALL, load_json
from catscale.system.refusal import user_errors
from catscale.system.writing.files import write_json
from catscale.system.writing.folders import clear_leftovers, make_own_folder, new_folder, targets_of_leftovers
from catscale.system.writing.locks import try_lock
from catscale.system.writing.manifest import MANIFEST, checksum, find_damage, read_manifest, write_manifest
from catscale.system.writing.places import NO_LINK, working_in
from catscale.vocabulary.table import kind_of

FOLDER = "ctranslate2"
SOURCE, MADE_HERE = "source.json", "made_here"
FORMAT = 2
"""The version of what we keep; another one is made again."""
DECISIVE = ("model.safetensors", "config.json")
"""Files of the model's folder that a conversion depends on, beside the vocabulary's."""


@contextmanager
def converted_best(run: Path, best: Path, settings: EvaluationConfig, device: str, say: Say) -> Iterator[Path | None]:
    """Find or make the conversion of a run's best model.

    Args:
        run: The run's folder.
        best: The model's, as `best_folder` checked it, or a copy of it.
        settings: Backend and precision.
        device: The device as PyTorch names it.
        say: Receives what is done.

    Yields:
        Its folder: the kept one, or where the run's folder cannot be written to, a temporary one; None where
        CTranslate2 does not decode.

    Raises:
        ConfigError: If the settings ask for CTranslate2 and it cannot be used.
    """
    settings = settle_for_model(best, settings, device)
    if settings.backend != "ctranslate2":
        yield None
        return
    from catscale.evaluation.decoding.ctranslate2 import converted_for_a_while

    kept = run / FOLDER / settings.precision
    if targets_of_leftovers(kept.parent):
        _clear(run, kept)
    wanted = describe_source(best, settings.precision)
    if not _is_kept(kept, wanted, say) and not _keep(run, best, kept, wanted, say):
        with converted_for_a_while(best, settings.precision) as temporary:
            yield temporary
        return
    yield kept


def describe_source(best: Path, precision: str) -> dict[str, Any]:
    """Describe what a conversion is made from: the checksums of the model's files, and the tool.

    Args:
        best: A model's folder; the checksums are those of its manifest, where it has one.
        precision: The precision of CTranslate2's weights.
    """
    known = read_manifest(best) if (best / MANIFEST).is_file() else {}
    names = (*DECISIVE, *kind_of(best).vocabulary.files)
    sums = {name: known.get(name) or checksum(best / name) for name in names if (best / name).is_file()}
    return {"format": FORMAT, "ctranslate2": version("ctranslate2"), "precision": precision, "files": sums}


def _is_kept(kept: Path, wanted: dict[str, Any], say: Say) -> bool:
    """Return whether a whole conversion of the same model is there."""
    try:
        found = load_json(kept / SOURCE, limits=SMALL)
        if not isinstance(found, dict) or {**found, MADE_HERE: None} != {**wanted, MADE_HERE: None}:
            return False
        if problem := find_damage(kept, ("model.bin", "shared_vocabulary.json")):
            say(f"warning: {kept} is damaged ({problem}); it is made again from the model")
            return False
        return bool(found[MADE_HERE] == identify_files(kept))
    except (OSError, ValueError, KeyError):
        return False


def identify_files(kept: Path) -> dict[str, list[int]]:
    """Return the inode and time of change of every file of a conversion but `source.json`, by name.

    Args:
        kept: The conversion's folder.

    Raises:
        OSError: If one of them, or `source.json`, belongs to another user, or cannot be looked at.
    """
    found, user = {}, getattr(os, "geteuid", lambda: 0)()
    for path in sorted(kept.iterdir()):
        status = path.lstat()
        if status.st_uid != user:
            raise PermissionError(f"{path} belongs to another user")
        if path.name != SOURCE:
            found[path.name] = [status.st_ino, status.st_ctime_ns]
    return found


def _keep(run: Path, best: Path, kept: Path, wanted: dict[str, Any], say: Say) -> bool:
    """Convert and keep; whether that was possible."""
    from catscale.evaluation.decoding.ctranslate2 import convert_into

    say(f"converting the model for CTranslate2; kept in {kept}")
    is_readable = True
    try:
        with working_in(run), _alone(kept.parent):
            with new_folder(kept) as folder:
                is_readable = False
                convert_into(best, folder, wanted["precision"])
                is_readable = True
                write_manifest(folder)
            with user_errors("look at", kept):
                made_here = identify_files(kept)
            write_json(kept / SOURCE, {**wanted, MADE_HERE: made_here})  # last: what lacks it is not used
    except CheckpointError as error:
        if not is_readable:
            raise
        return _say_not_kept(error, say)
    except CatscaleError as error:
        return _say_not_kept(error, say)
    return True


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Lock the folder of the conversions, which is made if need be; what is locked is the folder itself.

    Raises:
        CatscaleError: If another process converts, or the folder cannot be made.
    """
    with user_errors("make", folder):
        make_own_folder(folder)
        descriptor = os.open(folder, os.O_RDONLY | NO_LINK)
    try:
        if try_lock(descriptor) is False:
            raise CatscaleError(f"another process converts the model in {folder}")
        yield
    finally:
        os.close(descriptor)


def _clear(run: Path, kept: Path) -> None:
    """Remove what a kill left, if no other process converts just now."""
    with suppress(CatscaleError), working_in(run), _alone(kept.parent):
        for target in targets_of_leftovers(kept.parent):
            clear_leftovers(target)


def _say_not_kept(error: CatscaleError, say: Say) -> bool:
    say(f"note: the converted model is not kept: {error}")
    return False
