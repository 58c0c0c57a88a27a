"""The table of formats; a new format of files is added here and nowhere else."""

from typing import Annotated

from pydantic import AfterValidator

from catscale.data.formats.aligned import MOSES, OPUS100
from catscale.data.formats.contract import AlignedFormat, FileFormat
from catscale.data.formats.jsonl import JSONL
from catscale.data.formats.parquet import PARQUET
from catscale.data.formats.ted import TED
from catscale.data.formats.tmx import TMX
from catscale.data.formats.tsv import TSV
from catscale.data.formats.xliff import XLIFF
from catscale.system.named import NamedTable, suggest

FORMATS: NamedTable[AlignedFormat | FileFormat] = NamedTable(
    "format",
    {
        "opus100": OPUS100,
        "moses": MOSES,
        "tsv": TSV,
        "jsonl": JSONL,
        "ted": TED,
        "tmx": TMX,
        "xliff": XLIFF,
        "parquet": PARQUET,
    },
)
HUB, LISTED = "hf", "pairs"
ELSEWHERE = {
    HUB: "a dataset of the Hugging Face Hub, or a folder that `datasets` reads",
    LISTED: "pairs of files that the configuration lists",
}
"""Further values of `format`: corpora that are not files found by their names, which `corpora.source` opens."""


def check_format(name: str) -> str:
    """Return the name of a format.

    Raises:
        ValueError: If there is none of that name.
    """
    if name not in FORMATS and name not in ELSEWHERE:
        raise ValueError(f"there is no such format; {suggest(name, [*FORMATS, *ELSEWHERE])}")
    return name


Format = Annotated[str, AfterValidator(check_format)]
"""The name of a format in a configuration."""


def file_format(name: str) -> FileFormat | None:
    """Return the format of that name if its files hold both sides of their pairs."""
    found = FORMATS.get(name)
    return found if isinstance(found, FileFormat) else None


def streaming_formats() -> list[str]:
    """Return the names of the formats that standard input may have."""
    return [name for name, found in FORMATS.items() if isinstance(found, FileFormat) and found.streams]
