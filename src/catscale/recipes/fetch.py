"""`catscale data fetch`: download, check, unpack, assemble, count, and write the configuration.

OUT/corpus/         what `catscale prepare` reads; appears when it is complete
OUT/config.yaml     a configuration for it
OUT/fetched.json    what it was made of, with checksums, and its counts; written last
OUT/downloads/      the archives, each with a lock file that names its checksum
"""

import difflib
import hashlib
import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from catscale.data.config import DataConfig
from catscale.data.direction import LanguageCode
from catscale.errors import ConfigError, DataError
from catscale.recipes.assemble import Assembler
from catscale.recipes.checked_files import obtain
from catscale.recipes.count import CorpusCount, count_pairs, directions_of, language_of
from catscale.recipes.first_use import read_lock
from catscale.recipes.patience import Patience
from catscale.recipes.recipe import Recipe, RecipeTable
from catscale.recipes.remote_file import RemoteFile
from catscale.recipes.space import check_space, format_bytes
from catscale.system.console.messages import Say
from catscale.system.reading.json_file import load_json
from catscale.system.reading.schema import Count, FileSchema, Number, Text
from catscale.system.reading.yaml_file import dump_yaml
from catscale.system.writing.files import clear_leftovers, make_folder, new_folder, user_errors, write_json, write_text
from catscale.system.writing.locks import work_alone
from catscale.system.writing.markers import Kind, claimed
from catscale.system.writing.places import find_kind, working_in

CONTENT = ".content.json"
"""The file in the corpus that records what it was made of, and its files' lengths. It becomes visible with the corpus,
in one step."""


class ContentFile(FileSchema):
    """`.content.json`."""

    parts: Text
    archives: dict[Text, Text]
    files: dict[Text, Count]


class CountRecord(FileSchema):
    """One language of `fetched.json`."""

    language: LanguageCode
    train: Count
    dev: Count
    test: Count
    expected: Count | None = None
    difference: Number | None = None
    is_off: bool


class FetchedFile(FileSchema):
    """`fetched.json`."""

    counts: list[CountRecord]
    missing: list[LanguageCode]
    config: Text | None = None


@dataclass(frozen=True)
class Fetched:
    """A benchmark on the disk.

    Attributes:
        folder: Its folder.
        counts: The counts by language.
        missing: Languages that could not be made, for want of files that the user has to get.
        is_new: Whether anything was done.
    """

    folder: Path
    counts: list[CorpusCount]
    missing: list[str]
    is_new: bool

    @property
    def config(self) -> Path:
        """Its configuration."""
        return self.folder / "config.yaml"


def choose(table: RecipeTable, name: str) -> Recipe:
    """Return a recipe by its name.

    Raises:
        ConfigError: If there is none; the nearest is named.
    """
    if name in table.recipes:
        return table.recipes[name]
    near = difflib.get_close_matches(name, table.recipes, n=1)
    hint = f"did you mean {near[0]}?" if near else "see catscale data list"
    raise ConfigError(f"there is no recipe {name!r}; known: {', '.join(table.recipes)}; {hint}")


def fetch(
    table: RecipeTable, name: str, out: Path, downloads: Path | None, say: Say, patience: Patience | None = None
) -> Fetched:
    """Have a benchmark, complete and checked, in a folder; does nothing where it is there already.

    Args:
        table: Files and recipes.
        name: The benchmark.
        out: Its folder.
        downloads: Folder of the archives (`out/downloads`); several benchmarks may share one.
        say: Receives progress lines.
        patience: The limits of time of a download.

    Raises:
        ConfigError: If there is no such recipe.
        DataError: If a file cannot be had, is not the publisher's, or is hostile.
        CatscaleError: If a folder cannot be written.
    """
    recipe, downloads = choose(table, name), downloads or out / "downloads"
    shared = nullcontext() if downloads.resolve() == out.resolve() else _alone(downloads, say)
    kind = replace(CORPUS, harmless=_harmless(table.needed(recipe) if downloads.resolve() == out.resolve() else ()))
    with claimed(out, kind), _alone(out, say), shared:
        clear_leftovers(out / "corpus")
        is_new = not is_complete(out / "corpus", table, recipe, downloads)
        if is_new:
            _make(table.needed(recipe), recipe, out, downloads, say, patience)
        elif (fetched := _read_result(out)) is not None:
            return fetched
        return _finish(name, recipe, out, say)


@contextmanager
def _alone(folder: Path, say: Say) -> Iterator[None]:
    """Have a folder alone, and follow no link in it."""
    with user_errors("fetch into", folder):
        make_folder(folder)
    waiting = f"another process fetches into {folder}; waiting for it"
    with working_in(folder), work_alone(folder, "fetch into", waiting, say):
        yield


def _harmless(archives: Collection[str]) -> set[str]:
    """Return the names that may already be in a folder: archives that the user put there, and what a kill left."""
    mine = {f"{name}{ending}" for name in archives for ending in ("", ".part", ".part.json", ".lock.json")}
    return {".lock", "downloads", ".corpus.tmp", ".corpus.old", *mine}


def _is_earlier(folder: Path) -> bool:
    """Return whether version 0.1 fetched into a folder."""
    return "recipe" in (_read(folder / "fetched.json") or {}) or find_kind(folder / "corpus" / CONTENT) == "a file"


CORPUS = Kind(
    "corpus", earlier=_is_earlier, files=("config.yaml", "fetched.json"), folders=("corpus", "downloads", "prepared")
)


def is_complete(corpus: Path, table: RecipeTable, recipe: Recipe, downloads: Path) -> bool:
    """Return whether a corpus is what the recipe makes of the files at hand, judged quickly by its files' lengths."""
    content = _read(corpus / CONTENT)
    if content is None or content.get("parts") != _digest(recipe) or not isinstance(content.get("archives"), dict):
        return False
    for name, file in table.needed(recipe).items():
        used = content["archives"].get(name)
        if used is None and (file.url is not None or (downloads / name).is_file()):
            return False  # left out before, and to be had now
        if used is not None and file.sha256 not in (None, used):
            return False
    return bool(_lengths(corpus) == content.get("files"))


def _make(
    files: dict[str, RemoteFile], recipe: Recipe, out: Path, downloads: Path, say: Say, patience: Patience | None
) -> None:
    there = obtain(files, downloads, say, patience)
    archives = {name: (read_lock(downloads / name, name) or {})["sha256"] for name in files if name in there}
    check_space(out, recipe.unpacked_bytes or 0, "unpacking")
    with new_folder(out / "corpus") as folder:
        Assembler(recipe, {name: files[name] for name in archives}, downloads, folder, say).assemble()
        lengths = _lengths(folder)
        if not lengths:
            raise DataError(f"no part of {out} can be made without the files named above; put them into {downloads}")
        write_json(folder / CONTENT, {"parts": _digest(recipe), "archives": archives, "files": lengths})
    kept = sum((downloads / name).stat().st_size for name in archives)
    say(f"{downloads} holds {format_bytes(kept)} of archives, which may be deleted; their .lock.json files should stay")


def _finish(name: str, recipe: Recipe, out: Path, say: Say) -> Fetched:
    """Count, compare and write the configuration."""
    data = DataConfig(**data_section(recipe, out))
    there, missing = directions_of(data)
    if not there:
        raise DataError(f"{out / 'corpus'} has no direction with train and dev data; check the recipe {name}")
    say("counting pairs")
    counts = count_pairs(data, there, recipe.expected, say)
    section = data_section(recipe, out)
    if missing:
        section = {key: value for key, value in section.items() if key not in SIDES}
        section["directions"] = [str(direction) for direction in there]
    text = f"# {recipe.title}\n# Made by `catscale data fetch {name}`; training settings are a place to start.\n"
    text += dump_yaml({"data": section} | without_data(recipe))
    _write_config(out, text, say)
    content = _read(out / "corpus" / CONTENT) or {}
    write_json(
        out / "fetched.json",
        {
            "recipe": name,
            "archives": content.get("archives"),
            "counts": [count.record() for count in counts],
            "missing": [language_of(direction) for direction in missing],
            "config": hashlib.sha256(text.encode()).hexdigest(),
        },
    )
    return Fetched(out, counts, [language_of(direction) for direction in missing], True)


SIDES = ("source", "sources", "target", "targets", "directions")


def data_section(recipe: Recipe, out: Path) -> dict[str, Any]:
    """Return the section `data` of the configuration, with absolute paths: it can be used from any folder."""
    paths = {"path": str((out / "corpus").absolute()), "store": str((out / "prepared").absolute())}
    return recipe.config["data"] | paths


def without_data(recipe: Recipe) -> dict[str, Any]:
    """Return the other sections."""
    return {key: value for key, value in recipe.config.items() if key != "data"}


def _write_config(out: Path, text: str, say: Say) -> None:
    """Write the configuration, unless the user changed the one that is there."""
    path, before = out / "config.yaml", (_read(out / "fetched.json") or {}).get("config")
    if path.exists():
        found = path.read_bytes()
        if found != text.encode() and hashlib.sha256(found).hexdigest() != before:
            say(f"{path} was changed and is left as it is; delete it to have a fresh one")
            return
    write_text(path, text)


def _read_result(out: Path) -> Fetched | None:
    """Return what `_finish` wrote, if all of it is there."""
    record = _read(out / "fetched.json")
    if record is None or not (out / "config.yaml").exists():
        return None  # not as this version writes it: counted again
    counts = [CorpusCount(**{name: count.get(name) for name in CountRecord.model_fields}) for count in record["counts"]]
    return Fetched(out, counts, list(record["missing"]), False)


def _digest(recipe: Recipe) -> str:
    parts = [part.model_dump(mode="json") for part in recipe.parts]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _lengths(corpus: Path) -> dict[str, int]:
    """Return the length of each file of a corpus, by its path."""
    paths = sorted(path for path in corpus.rglob("*") if path.is_file() and path.name != CONTENT)
    return {path.relative_to(corpus).as_posix(): path.stat().st_size for path in paths}


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = load_json(path, ContentFile if path.name == CONTENT else FetchedFile)
        return content
    except (OSError, ValueError):
        return None
