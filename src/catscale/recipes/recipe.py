"""The table of benchmarks: files with addresses and checksums, and the parts that a corpus is made of."""

from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from catscale.data.direction import LanguageCode
from catscale.errors import ConfigError
from catscale.recipes.parts import RecipePart, places
from catscale.recipes.remote_file import LENGTH, FileName, RemoteFile
from catscale.settings import READ_AS, Settings
from catscale.system.reading.yaml_file import read_yaml

TABLE = Path(__file__).with_name("table.yaml")


class Expected(Settings):
    """The number of train pairs that there must be.

    Attributes:
        source: The source of the numbers.
        pairs: Language other than English → train pairs.
        rounding: Half a unit of the published numbers' last digit; so much never counts as a difference.
        tolerance: Per cent of difference beyond that without a warning.
        texts: Language other than English → SHA-256 of all its pairs (`catscale.recipes.count.PairsDigest`), where
            scores are to be comparable with those on record.
    """

    source: str
    pairs: dict[LanguageCode, Annotated[int, Field(ge=1, le=LENGTH)]]
    rounding: int = Field(default=0, ge=0, le=LENGTH)
    tolerance: float = Field(default=1.0, ge=0, le=1e6)
    texts: dict[str, Annotated[str, Field(pattern="^[0-9a-f]{64}$")]] = Field(default_factory=dict)


class Recipe(Settings):
    """A benchmark.

    Attributes:
        title: A title of one line.
        homepage: The address of its description.
        license: Under which terms.
        notes: Remarks that a user needs, such as differences from the paper's data.
        unpacked_bytes: Size of the corpus, where it is known.
        parts: The parts that it is made of, in this order.
        expected: Its size.
        config: The configuration to write beside it; `data.path` and `data.store` are filled in.
    """

    title: str
    homepage: str
    license: str
    notes: Annotated[tuple[str, ...], READ_AS] = ()
    unpacked_bytes: int | None = Field(default=None, ge=1, le=LENGTH)
    parts: list[RecipePart] = Field(min_length=1)
    expected: Expected
    config: dict[str, dict[str, Any]]


class RecipeTable(Settings):
    """All files and recipes.

    Attributes:
        files: Name on the disk → the file.
        recipes: Name of the benchmark → how it is made.
    """

    files: dict[FileName, RemoteFile]
    recipes: dict[FileName, Recipe]

    @model_validator(mode="after")
    def _check_names(self) -> "RecipeTable":
        for name, recipe in self.recipes.items():
            for part in recipe.parts:
                for pattern in places(part):
                    if not any(fnmatchcase(file, pattern) for file in self.files):
                        raise ValueError(f"recipe {name} takes {pattern}, which is not under files")
        return self

    def needed(self, recipe: Recipe) -> dict[str, RemoteFile]:
        """Return the files that a recipe takes, in its order."""
        patterns = [pattern for part in recipe.parts for pattern in places(part)]
        names = [name for pattern in patterns for name in self.files if fnmatchcase(name, pattern)]
        return {name: self.files[name] for name in dict.fromkeys(names)}


def load_table(override: Path | None = None) -> RecipeTable:
    """Load the package's table, overlaid with a user's file.

    Args:
        override: A YAML file of the same form, whole or in part: keys are merged, lists and values replaced.

    Raises:
        ConfigError: If it cannot be read or a setting is wrong; all problems are named.
    """
    content = _package_table()
    if override is not None:
        content = _merge(content, read_yaml(override, "recipes", "files: and recipes:"))
    try:
        return RecipeTable.model_validate(content)
    except ValidationError as error:
        lines = [
            f"  {'.'.join(str(part) for part in problem['loc']) or 'table'}: {problem['msg']}, "
            f"found {str(problem['input'])[:80]!r}"
            for problem in error.errors()
        ]
        raise ConfigError(
            f"{override or TABLE} has {len(lines)} problem{'s' * (len(lines) > 1)}, see docs/recipes.md:\n"
            + "\n".join(lines)
        ) from None


@cache
def _package_table() -> dict[str, Any]:
    return read_yaml(TABLE)


def _merge(base: Any, over: Any) -> Any:
    """Lay `over` on `base`: mappings key by key, everything else replaced."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    return base | {key: _merge(base.get(key), value) for key, value in over.items()}
