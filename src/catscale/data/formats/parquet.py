"""Parquet files: a column `translation` of texts by language, as on the Hugging Face Hub, or a column per language."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from catscale.data.formats.contract import FileFormat, Samples
from catscale.data.formats.records import RECORD
from catscale.data.languages.codes import choose_name
from catscale.data.languages.identifiers import SAMPLE
from catscale.data.pairs import Placed
from catscale.errors import ConfigError, DataError

HUB_DEV = "validation"  # what the Hub calls dev
ROWS = 2_000  # read at a time


def place_parquet(path: Path, source: str, target: str) -> Iterator[Placed]:
    r"""Yield the pairs of the rows that have one of the languages, with their row; a "\n" in a text becomes a space.

    Where one of the texts is null, it is empty, by which the pair is counted and left out.

    Raises:
        DataError: If the file is no sound Parquet, lacks a language, or a text is not one (with its row).
    """
    with _opened(path) as file:
        available = _columns(file)
        columns = [_column(path, available, language) for language in (source, target)]
        row, is_empty = 0, True
        for batch in file.iter_batches(batch_size=ROWS, columns=columns):
            sides = [_values(batch, column) for column in columns]
            for left, right in zip(*sides, strict=True):
                row, is_empty = row + 1, False
                if left is not None or right is not None:
                    yield row, (_text(left or b"", path, row), _text(right or b"", path, row))
    if is_empty:
        raise DataError(f"{path} has no rows; a split needs at least one, so fill the file or remove it")


def parquet_columns(path: Path) -> list[set[str]]:
    """Return the columns of texts, which are together."""
    with _opened(path) as file:
        return [set(_columns(file))]


def parquet_samples(path: Path, rows: int) -> dict[str, list[str]]:
    """Return the first values of each column of texts, but null."""
    with _opened(path) as file:
        available = _columns(file)
        columns = list(available.values())
        batch = next(iter(file.iter_batches(batch_size=rows, columns=columns)), None) if columns else None
        if batch is None:
            return {}
        found = {name: _values(batch, column) for name, column in available.items()}
    return {name: [value.decode("utf-8", "replace") for value in values if value] for name, values in found.items()}


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    parquet = _import("pyarrow.parquet")
    try:
        with parquet.ParquetFile(path) as file:
            yield file
    except (OSError, ValueError, NotImplementedError) as error:  # Arrow's own errors are among them
        raise DataError(f"cannot read {path} as Parquet: {_first_line(error)}; check that it is complete") from error


def _columns(file: Any) -> dict[str, str]:
    """Return language → path of its column of texts."""
    schema = file.schema_arrow
    names = [field.name for field in schema if _is_text(field.type)]
    if RECORD in schema.names and hasattr(kind := schema.field(RECORD).type, "fields"):
        return {field.name: f"{RECORD}.{field.name}" for field in kind.fields if _is_text(field.type)}
    return {name: name for name in names}


def _is_text(kind: Any) -> bool:
    values = getattr(kind, "value_type", kind)  # of a column with few different texts, stored once each
    return str(values) in ("string", "large_string", "string_view") and not hasattr(kind, "value_field")


def _column(path: Path, available: dict[str, str], language: str) -> str:
    name = choose_name(available, language, path)
    if name is None:
        raise DataError(
            f"{path} has no texts of {language!r}; it has those of {', '.join(available)[:200] or 'no language'}: "
            "name the columns in data.columns, or the languages in data.language_codes"
        )
    return available[name]


def _values(batch: Any, column: str) -> list[bytes | None]:
    """Return the (rows,) texts of a column as bytes, None where there is no text."""
    pyarrow = _import("pyarrow")
    record, _, language = column.partition(".")
    array = batch.column(record)
    if language and column not in batch.schema.names:
        array = _import("pyarrow.compute").struct_field(array, language)  # a row without record has no text
    return list(array.cast(pyarrow.large_string()).cast(pyarrow.large_binary()).to_pylist())


def _text(raw: bytes, path: Path, row: int) -> str:
    try:
        return raw.decode("utf-8").replace("\n", " ")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}, row {row:,} is not valid UTF-8: byte 0x{raw[error.start]:02x} at position {error.start + 1}; "
            "write the file again from sound text"
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _import(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ConfigError(
            f"the format parquet needs the package pyarrow ({error}); install it: pip install 'catscale[parquet]'"
        ) from error


def _samples(path: Path) -> Samples:
    return parquet_samples(path, SAMPLE)


PARQUET = FileFormat(
    "Parquet, as the Hugging Face Hub has it",
    # the names of the Hub, which cuts large splits into several files
    (
        "{pair}/{split}.parquet",
        "{pair}/{split}-*.parquet",
        "{split}.{pair}.parquet",
        "{split}.parquet",
        "{split}-*.parquet",
    ),
    dev_names=(HUB_DEV,),
    place=place_parquet,
    groups=parquet_columns,
    by_header=True,
    samples=_samples,
    is_text=False,
    endings=(".parquet",),
    extra="parquet",
)
