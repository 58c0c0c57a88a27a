"""The data as the rest of the package sees them: directions and the pairs of their splits, from one corpus or more."""

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cached_property
from itertools import chain, permutations
from pathlib import Path

from catscale.data.config import ALL, DataConfig
from catscale.data.corpora.hub_corpus import HubCorpus
from catscale.data.corpora.source import Input, open_source
from catscale.data.corpora.used_part import UsedPart
from catscale.data.direction import Direction, SplitOfDirection, list_languages
from catscale.data.languages.codes import parse_direction
from catscale.data.languages.found import describe_renamed
from catscale.data.pairs import Located, Pair
from catscale.data.preparation.cleaning import is_empty
from catscale.errors import DataError

SPLITS = ("train", "dev", "test")


class Corpus:
    """The corpora that a configuration describes.

    Args:
        config: The `data` section.

    Raises:
        DataError: If a folder is not there.
    """

    def __init__(self, config: DataConfig) -> None:
        self.config = config
        explicit = named_languages(config)
        is_named = config.directions is not None or None not in (config.asked("source"), config.asked("target"))
        self._made: dict[Direction, tuple[str, ...]] = {}
        self._used = [
            UsedPart(place, part, open_source(part, explicit, is_named)) for place, part in enumerate(config.parts)
        ]

    @property
    def pinned(self) -> DataConfig:
        """The settings with the commit in the place of a branch, so that other processes read the same of a dataset.

        Raises:
            DataError: If the Hub cannot be asked.
        """
        revisions = [used.source.revision if isinstance(used.source, HubCorpus) else None for used in self._used]
        if self.config.corpora is None:
            return self.config.model_copy(update={"revision": revisions[0]})
        parts = [
            part.model_copy(update={"revision": revision})
            for part, revision in zip(self.config.corpora, revisions, strict=True)
        ]
        return self.config.model_copy(update={"corpora": parts})

    @property
    def notes(self) -> list[str]:
        """Remarks for the user on the names of languages and on the files, as far as they were read."""
        renamed = {theirs: ours for used in self._used for theirs, ours in used.source.renamed.items()}
        notes = [note for used in self._used for note in used.source.notes()]
        return list(dict.fromkeys([*describe_renamed(renamed), *notes]))

    @cached_property
    def available(self) -> tuple[Direction, ...]:
        """All directions that have a train split, sorted."""
        return tuple(sorted({d for used in self._using("train") for d in used.source.available() if used.serves(d)}))

    @cached_property
    def directions(self) -> tuple[Direction, ...]:
        """The directions asked for, each with a train split and a way to a dev split.

        Raises:
            DataError: If one of them has no data.
        """
        if self.config.directions is not None:
            chosen = [parse_direction(text) for text in self.config.directions]
        else:
            chosen = self._product()
        for direction in chosen:
            self.inputs("train", direction)
            if "dev" not in self.made_splits(direction):
                self.inputs("dev", direction)
        self._check_limits(chosen)
        return tuple(chosen)

    def made_splits(self, direction: Direction) -> tuple[str, ...]:
        """Return those of dev and test that are made from train, as `data.holdout` asks and the files have none."""
        if direction not in self._made:
            holdout = self.config.holdout
            asked = [split for split in ("dev", "test") if holdout is not None and getattr(holdout, split)]
            replaced = holdout is not None and holdout.replace
            made = [split for split in asked if replaced or not self._has_sound_pair(split, direction)]
            self._made[direction] = tuple(made)
        return self._made[direction]

    def _has_sound_pair(self, split: str, direction: Direction) -> bool:
        """Return whether the files of a split have a pair with two sides; those of many languages may lack just these
        two."""
        return self._has_pairs(split, direction) and any(not is_empty(pair) for pair in self.pairs(split, direction))

    @cached_property
    def zero_shot(self) -> tuple[Direction, ...]:
        """The directions that are scored and never trained, each with a test split.

        Raises:
            DataError: If one is trained, has a language that no trained direction has, or lacks a test split.
        """
        languages = sorted(list_languages(self.directions))
        if self.config.zero_shot == ALL:
            trained = {frozenset((d.source, d.target)) for d in self.directions}
            possible = (Direction(*pair) for pair in permutations(languages, 2) if frozenset(pair) not in trained)
            return tuple(direction for direction in possible if self._has_pairs("test", direction))
        chosen = [parse_direction(text) for text in self.config.zero_shot or ()]
        for direction in chosen:
            if direction in self.directions:
                raise DataError(f"data.zero_shot names {direction}, which is trained; leave it out there, or here")
            if unknown := [code for code in (direction.source, direction.target) if code not in languages]:
                raise DataError(
                    f"data.zero_shot names {direction}, and no trained direction has {' or '.join(unknown)}: the model "
                    f"would not know the language; the trained ones are {', '.join(languages)}"
                )
            if not self._has_pairs("test", direction):
                raise DataError(self._explain_missing("test", direction))
        return tuple(chosen)

    @property
    def zero_shot_parts(self) -> list[SplitOfDirection]:
        """(split, direction) of every dev and test split of `zero_shot`."""
        return [(split, d) for d in self.zero_shot for split in ("dev", "test") if self._has_pairs(split, d)]

    def _has_pairs(self, split: str, direction: Direction) -> bool:
        return any(used.source.holds(split, direction) for used in self._having(split, direction))

    def _product(self) -> list[Direction]:
        sources, targets = self.config.asked("source"), self.config.asked("target")
        if sources is not None and targets is not None:
            chosen = list(dict.fromkeys(Direction(s, t) for s in sources for t in targets if s != t))
        else:
            chosen = [
                direction
                for direction in self.available
                if (sources is None or direction.source in sources) and (targets is None or direction.target in targets)
            ]
        if not chosen:
            raise DataError(
                f"no direction from {sources or 'any language'} to {targets or 'any language'} has train data "
                f"under {self.config.place}; {self.what_exists()}"
            )
        return chosen

    def _check_limits(self, chosen: list[Direction]) -> None:
        names = [str(direction) for direction in chosen]
        limits = [("data.limit", self.config.limit)]
        limits += [(f"data.corpora.{n}.limit", part.limit) for n, part in enumerate(self.config.corpora or ())]
        for key, limit in limits:
            for name in limit:
                if name not in names:
                    raise DataError(f"{key} names {name}, which is not trained; directions: {', '.join(names)}")

    def has_split(self, split: str, direction: Direction) -> bool:
        """Return whether there are files for this split."""
        return bool(self._having(split, direction))

    def files(self, split: str, direction: Direction) -> tuple[Path, ...]:
        """Return the files that a split is read from: source and target in turn, or files with both; none on the Hub.

        Raises:
            DataError: If there is no such split; the message names what exists.
        """
        return tuple(item for item in self.inputs(split, direction) if isinstance(item, Path))

    def inputs(self, split: str, direction: Direction) -> tuple[Input, ...]:
        """Return the inputs of a split for its fingerprint: files, and names of what is no file.

        Raises:
            DataError: If there is no such split; the message names what exists.
        """
        found = [(used.place, used.source.inputs(split, direction) or ()) for used in self._needed(split, direction)]
        if self.config.corpora is None:
            return found[0][1]
        return tuple(item for place, inputs in found for item in (f"corpus {place}", *inputs))

    def size(self, split: str, direction: Direction) -> int:
        """Return the bytes of a split's files, compressed where they are; of train for a split that is made from it.

        A dataset of the Hub, which has no files, has none.
        """
        found = self.files(split if self.has_split(split, direction) else "train", direction)
        return sum(path.stat().st_size for path in set(found))

    def pairs(self, split: str, direction: Direction) -> Iterator[Pair]:
        """Stream the pairs of a split, unchanged: of train those of every corpus in turn, of others the first one's."""
        found = self._needed(split, direction)
        return chain.from_iterable([used.pairs(split, direction) for used in found])

    def tagged_pairs(self, direction: Direction) -> Iterator[tuple[str | None, Iterator[Pair]]]:
        """Yield the tag of each corpus that a direction is trained on, and the stream of its pairs, in their order."""
        return ((used.config.tag, used.pairs("train", direction)) for used in self._needed("train", direction))

    def pairs_to_hold_out(self, direction: Direction) -> Iterator[Pair]:
        """Stream the train pairs that dev and test may be made from."""
        found = self._needed("train", direction)
        return chain.from_iterable([used.pairs("train", direction) for used in found if used.gives_held_out])

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of the corpora that are trained on, each once."""
        tags = [used.config.tag for used in self._using("train")]
        return tuple(dict.fromkeys(tag for tag in tags if tag is not None))

    def located(self, split: str, direction: Direction) -> Iterator[Located]:
        """Stream the same pairs with their places: a file, and the line or row."""
        found = self._needed(split, direction)
        return chain.from_iterable([used.located(split, direction) for used in found])

    def _needed(self, split: str, direction: Direction) -> list[UsedPart]:
        """Return the corpora that a split is read from.

        Raises:
            DataError: If there is none; the message names what exists, or what is wrong with a file of that name.
        """
        found = self._having(split, direction)
        if not found:
            self._open_named(split, direction)
            raise DataError(self._explain_missing(split, direction))
        return found

    def _open_named(self, split: str, direction: Direction) -> None:
        """Open files that are a split's by their names and were passed over.

        Raises:
            DataError: If one cannot be read, which is why it was passed over.
        """
        for used in self._using(split):
            is_named = used.serves(direction) and used.source.inputs(split, direction) is not None
            if is_named and direction in used.source.available():
                next(used.pairs(split, direction), None)

    def references(self, split: str, direction: Direction) -> tuple[Path, ...]:
        """Return the files of further references of dev or test; none where the split is made from train."""
        found = self._having(split, direction) if split != "train" else []
        return found[0].source.references(split, direction) if found else ()

    def what_exists(self, direction: Direction | None = None) -> str:
        """Return the directions that have train data, and one that `direction` may be a slip for, for messages."""
        names = [str(d) for d in self.available]
        if not names:
            found = [f"{used.config.place}: {used.source.describe()}" for used in self._using("train")]
            return f"no train data were found: {'; '.join(found) or 'no corpus is used for train'}"
        near = get_close_matches(str(direction), names, n=1, cutoff=0.7) if direction else []
        listed = ", ".join(names[:30]) + (", …" if len(names) > 30 else "")
        return f"train data exists for {listed}" + (f" (nearest: {near[0]})" if near else "")

    def _using(self, split: str) -> list[UsedPart]:
        return [used for used in self._used if split in used.config.use]

    def _having(self, split: str, direction: Direction) -> list[UsedPart]:
        """Return the corpora that a split is read from: for train all that have it, else the first one.

        A single corpus has what its files' names say. Of several, those that lack the direction are passed over, so
        files of many languages are opened to see.
        """
        found = []
        for used in self._using(split):
            if not used.serves(direction) or used.source.inputs(split, direction) is None:
                continue
            if len(self._used) == 1 or used.source.holds(split, direction):
                found.append(used)
                if split != "train":
                    break
        return found

    def _explain_missing(self, split: str, direction: Direction) -> str:
        looked = ", ".join(name for used in self._using(split) for name in used.source.expected(split, direction))
        remedy = "add the files or set data.splits if the split has another name"
        if split == "dev":
            remedy += ", or let data.holdout: {dev: 500, test: 1000} take dev and test from train"
        return (
            f"no {split} split for {direction} under {self.config.place} (looked for {looked or 'nothing'}); "
            f"{self.what_exists(direction)}; {remedy}"
        )


def named_languages(config: DataConfig) -> set[str]:
    """Return the codes that a configuration names for its directions, which are languages whatever they look like."""
    lists = [] if config.directions else [config.asked("source"), config.asked("target")]
    sides = [code for side in lists for code in side or ()]
    zero_shot = config.zero_shot if isinstance(config.zero_shot, list) else []
    directions = [parse_direction(text) for text in (*(config.directions or ()), *zero_shot)]
    return {*sides, *list_languages(directions)}
