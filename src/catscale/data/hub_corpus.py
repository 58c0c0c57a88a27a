"""A corpus in a dataset of the Hugging Face Hub: a configuration a pair of languages, or one for all of them.

Records are {"translation": {"en": "…", "de": "…"}}, or have a text a language.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

from catscale.data.corpus_config import CorpusConfig
from catscale.data.direction import Direction
from catscale.data.hub_dataset import HubDataset
from catscale.data.layouts import directions_among, split_names
from catscale.data.readers import Pair
from catscale.errors import DataError

PAIR = re.compile("[a-z]{2,3}-[a-z]{2,3}")


class HubCorpus:
    """The pairs of a dataset.

    Args:
        config: `path`, `name`, `revision` and what languages and splits are called.

    Raises:
        DataError: If the path is neither a folder nor a name on the Hub.
    """

    def __init__(self, config: CorpusConfig) -> None:
        self._dataset = HubDataset(config.path or Path(), config.revision)
        self._template, self._codes = config.name, config.language_codes
        self._split_names = split_names(config)

    @property
    def revision(self) -> str | None:
        """The commit that is read; what was asked for where it is a folder."""
        return self._dataset.revision

    def available(self) -> set[Direction]:
        """The directions that the configurations' names tell, or else the records of the only one."""
        groups = [match for name in self._dataset.names if (match := self._languages_named(name))]
        if not groups and (shared := self._shared()) is not None:
            groups = self._languages_inside(*shared)
        return {direction for direction in directions_among(groups) if self._find("train", direction)}

    def inputs(self, split: str, direction: Direction) -> tuple[Path | str, ...] | None:
        """Dataset, commit, configuration and split; of a folder, all its files."""
        if (found := self._find(split, direction)) is None:
            return None
        place = ":".join((found[0] or "default", found[1]))
        if not self._dataset.is_local:
            return (f"{self._dataset.path.as_posix()}@{self._dataset.revision}:{place}",)
        root = self._dataset.path
        return place, *(path for path in sorted(root.rglob("*")) if path.is_file() and not is_hidden(path, root))

    def expected(self, split: str, direction: Direction) -> list[str]:
        """The split, and the configurations there are."""
        names = ", ".join(name or "default" for name in self._dataset.names[:20])
        wanted = f"a configuration {self._template or direction}, either way round"
        return [f"the split {' or '.join(self._split_names[split])} of {wanted}; there are {names}"]

    def holds(self, split: str, direction: Direction) -> bool:
        """Whether a split has a pair of a direction."""
        return next(self.pairs(split, direction), None) is not None

    def pairs(self, split: str, direction: Direction) -> Iterator[Pair]:
        r"""Stream the records that have both languages; a "\n" inside a text becomes a space.

        Raises:
            DataError: If the dataset cannot be read or a text is none (with its row).
        """
        found = self._find(split, direction)
        source, target = self._code(direction.source), self._code(direction.target)
        for row, record in enumerate(self._dataset.records(*found) if found else (), start=1):
            texts = _texts(record)
            left, right = texts.get(source), texts.get(target)
            if left is not None and right is not None:
                yield self._text(left, row), self._text(right, row)

    def _text(self, value: Any, row: int) -> str:
        try:
            value.encode("utf-8")  # a lone surrogate is no text
            return str(value).replace("\n", " ")
        except (AttributeError, UnicodeEncodeError) as error:
            place = f"{self._dataset.path}, row {row:,}"
            raise DataError(f"{place} holds {value!r:.80} where a text is needed; mend the row") from error

    def _find(self, split: str, direction: Direction) -> tuple[str | None, str] | None:
        """The configuration of a direction and the split's name there."""
        source, target = self._code(direction.source), self._code(direction.target)
        template = self._template or "{pair}"
        for one, other in ((source, target), (target, source)):
            name = template.format(source=one, target=other, pair=f"{one}-{other}")
            if name in self._dataset.names:
                theirs = self._split_of(split, name)
                return None if theirs is None else (name, theirs)
        shared = self._shared() if self._template is None else None
        theirs = None if shared is None else self._split_of(split, shared[0])
        return None if shared is None or theirs is None else (shared[0], theirs)

    def _shared(self) -> tuple[str | None, str] | None:
        """The configuration for all languages and its train split: the one named, or the only one there is."""
        names = [name for name in self._dataset.names if self._template in (None, name)]
        if len(names) != 1 or PAIR.fullmatch(names[0] or ""):
            return None
        theirs = self._split_of("train", names[0])
        return None if theirs is None else (names[0], theirs)

    def _split_of(self, split: str, name: str | None) -> str | None:
        there = self._dataset.splits(name)
        return next((theirs for theirs in self._split_names[split] if theirs in there), None)

    def _languages_named(self, name: str | None) -> set[str]:
        """The two languages of a configuration's name; none if it does not tell."""
        template = re.escape((self._template or "{pair}").replace("{pair}", "{source}-{target}"))
        for side in ("source", "target"):
            template = template.replace(rf"\{{{side}\}}", rf"(?P<{side}>\w+)")
        match = re.fullmatch(template, name or "")
        return {self._ours(code) for code in match.groupdict().values()} if match else set()

    def _languages_inside(self, name: str | None, split: str) -> list[set[str]]:
        record = _texts(next(self._dataset.records(name, split), {}))
        codes = [self._ours(code) for code, text in record.items() if text is None or isinstance(text, str)]
        return [set(pair) for pair in combinations(sorted(codes), 2)]

    def _code(self, language: str) -> str:
        return self._codes.get(language, language)

    def _ours(self, code: str) -> str:
        return next((ours for ours, theirs in self._codes.items() if theirs == code), code)


def _texts(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The texts by language of a record."""
    texts = record.get("translation", record)
    return texts if isinstance(texts, Mapping) else {}  # a row without a translation


def is_hidden(path: Path, root: Path) -> bool:
    """Whether a part of a path below a root begins with a dot."""
    return any(name.startswith(".") for name in path.relative_to(root).parts)
