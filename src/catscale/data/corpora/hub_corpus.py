"""A corpus in a dataset of the Hugging Face Hub: a configuration a pair of languages, or one for all of them.

Records are {"translation": {"en": "…", "de": "…"}}, or have a text per language.
"""

from collections.abc import Collection, Iterator
from functools import cached_property
from itertools import islice, product
from pathlib import Path
from typing import Any

from catscale.data.corpora.file_names import read_name
from catscale.data.corpora.hub_dataset import HubDataset
from catscale.data.corpora.layouts import directions_among, split_names
from catscale.data.corpus_config import CorpusConfig
from catscale.data.direction import Direction
from catscale.data.formats.parquet import HUB_DEV
from catscale.data.formats.records import Record, is_text, pair_of, texts_of
from catscale.data.languages.codes import choose_name, is_language, spellings
from catscale.data.languages.found import LanguagesFound
from catscale.data.languages.identifiers import SAMPLE
from catscale.data.pairs import Located, Pair
from catscale.data.preparation.cleaning import is_empty
from catscale.errors import DataError


class HubCorpus:
    """The pairs of a dataset.

    Args:
        config: `path`, `name`, `revision` and what languages and splits are called.
        explicit: Codes that the configuration names, which are languages whatever they look like.
        is_lenient: Whether made-up codes are languages too: nothing is chosen by what is found, only told.

    Raises:
        DataError: If the path is neither a folder nor a name on the Hub.
    """

    def __init__(self, config: CorpusConfig, explicit: Collection[str] = (), is_lenient: bool = False) -> None:
        self._dataset = HubDataset(config.path or Path(), config.revision)
        self._template, self._codes = config.name, config.language_codes
        self._split_names = split_names(config, (HUB_DEV,))
        self._found = LanguagesFound(explicit, config.language_codes, is_lenient)

    @property
    def revision(self) -> str | None:
        """The commit that is read; what was asked for where it is a folder."""
        return self._dataset.revision

    def available(self) -> set[Direction]:
        """Return the directions that the configurations' names tell, or else the records of the only one."""
        return self._available

    @cached_property
    def _available(self) -> set[Direction]:
        found = self._find_directions()
        return self._find_directions() if not found and self._found.be_lenient() else found

    def _find_directions(self) -> set[Direction]:
        groups = [group for name in self._dataset.names if (group := self._languages_named(name))]
        if not groups and (shared := self._shared()) is not None:
            groups = [self._languages_inside(*shared)]
        return {direction for direction in directions_among(groups) if self._find("train", direction)}

    def inputs(self, split: str, direction: Direction) -> tuple[Path | str, ...] | None:
        """Return dataset, commit, configuration and split; for a folder, all its files."""
        if (found := self._find(split, direction)) is None:
            return None
        place = ":".join((found[0] or "default", found[1]))
        if not self._dataset.is_local:
            return (f"{self._dataset.path.as_posix()}@{self._dataset.revision}:{place}",)
        root = self._dataset.path
        return place, *(path for path in sorted(root.rglob("*")) if path.is_file() and not is_hidden(path, root))

    def references(self, split: str, direction: Direction) -> tuple[Path, ...]:
        """Return nothing: a pair has one target here."""
        return ()

    def expected(self, split: str, direction: Direction) -> list[str]:
        """Return the split, and the configurations there are."""
        names = ", ".join(name or "default" for name in self._dataset.names[:20])
        wanted = f"a configuration {self._template or direction}, either way round"
        return [f"the split {' or '.join(self._split_names[split])} of {wanted}; there are {names}"]

    def notes(self) -> list[str]:
        """Return remarks for the user on what was found."""
        return self._found.notes()

    @property
    def renamed(self) -> dict[str, str]:
        """The dataset's code → ours, where a hyphen became an underscore."""
        return self._found.renamed

    def describe(self) -> str:
        """Describe what there is if no direction was found."""
        names = ", ".join(name or "default" for name in self._dataset.names[:20])
        over = self._found.describe_passed_over()
        return f"none of its configurations, {names}, has a train split of two languages{over}"

    def holds(self, split: str, direction: Direction) -> bool:
        """Return whether a split has a pair of a direction with two sides."""
        return any(not is_empty(pair) for pair in self.pairs(split, direction))

    def pairs(self, split: str, direction: Direction) -> Iterator[Pair]:
        """Stream the pairs of `located`."""
        return (pair for _, _, pair in self.located(split, direction))

    def located(self, split: str, direction: Direction) -> Iterator[Located]:
        r"""Stream the records that have one of the languages, with their row; a "\n" inside a text becomes a space.

        Where one of the texts is null, it is empty, by which the pair is counted and left out.

        Raises:
            DataError: If the dataset cannot be read or a text is none (with its row).
        """
        found = self._find(split, direction)
        place = str(self._dataset.path)
        for row, record in enumerate(self._dataset.records(*found) if found else (), start=1):
            texts = self._texts(record, row)
            names = [choose_name(texts, self._code(code), place) for code in (direction.source, direction.target)]
            if (pair := pair_of(texts, *names)) is not None:
                yield place, row, (self._text(pair[0], row), self._text(pair[1], row))

    def _texts(self, record: dict[str, Any], row: int) -> Record:
        try:
            return texts_of(record)
        except ValueError as error:
            raise self._error(record, row) from error

    def _text(self, value: Any, row: int) -> str:
        if not is_text(value):
            raise self._error(value, row)
        return str(value).replace("\n", " ")

    def _error(self, value: Any, row: int) -> DataError:
        return DataError(f"{self._dataset.path}, row {row:,} holds {value!r:.80} where a text is needed; fix the row")

    def _find(self, split: str, direction: Direction) -> tuple[str | None, str] | None:
        """Return the configuration of a direction and the split's name there."""
        template = self._template or "{pair}"
        for source, target in product(self._spellings(direction.source), self._spellings(direction.target)):
            for one, other in ((source, target), (target, source)):
                name = template.format(source=one, target=other, pair=f"{one}-{other}")
                if name in self._dataset.names:
                    theirs = self._split_of(split, name)
                    return None if theirs is None else (name, theirs)
        shared = self._shared() if self._template is None else None
        theirs = None if shared is None else self._split_of(split, shared[0])
        return None if shared is None or theirs is None else (shared[0], theirs)

    def _shared(self) -> tuple[str | None, str] | None:
        """Return the configuration for all languages and its train split: the one named, or the only one there is."""
        names = [name for name in self._dataset.names if self._template in (None, name)]
        if len(names) != 1 or _is_pair(names[0] or ""):
            return None
        theirs = self._split_of("train", names[0])
        return None if theirs is None else (names[0], theirs)

    def _split_of(self, split: str, name: str | None) -> str | None:
        there = self._dataset.splits(name)
        return next((theirs for theirs in self._split_names[split] if theirs in there), None)

    def _languages_named(self, name: str | None) -> set[str]:
        """Return the two languages of a configuration's name; none if it does not tell."""
        values = read_name(self._template or "{pair}", "", name or "", tuple(self._codes.values())) or {}
        return self._found.judge(values.values(), self._dataset.path, {}) if len(values) == 2 else set()

    def _languages_inside(self, name: str | None, split: str) -> set[str]:
        samples: dict[str, list[str]] = {}
        for row, record in enumerate(islice(self._dataset.records(name, split), SAMPLE), start=1):
            for key, value in self._texts(record, row).items():
                if value is None or isinstance(value, str):
                    samples.setdefault(key, []).extend([value] if value else [])
        return self._found.judge(samples, self._dataset.path, samples)

    def _code(self, language: str) -> str:
        return self._codes.get(language, language)

    def _spellings(self, language: str) -> list[str]:
        return [self._codes[language]] if language in self._codes else spellings(language)


def _is_pair(name: str) -> bool:
    """Return whether a configuration's name is two languages."""
    values = read_name("{pair}", "", name, ()) or {}
    return len(values) == 2 and all(map(is_language, values.values()))


def is_hidden(path: Path, root: Path) -> bool:
    """Return whether a part of a path below a root begins with a dot."""
    return any(name.startswith(".") for name in path.relative_to(root).parts)
