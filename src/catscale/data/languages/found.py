"""The choice of the files' names that are languages, where a configuration asks for all of them.

A name is a language if the CLDR or ISO 639 knows it as one and its values are text. The rest is passed over, and named.
Where that leaves no two languages, names of two or three letters are taken for codes that somebody made up, and named.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from catscale.data.languages.codes import base_language, explain_same, is_language, name_language, underscored
from catscale.data.languages.identifiers import ATTRIBUTES, are_texts
from catscale.errors import DataError

MOST = 12  # names in a note
LONGEST = 40  # characters of one


class LanguagesFound:
    """Judges names, and keeps what is to be said about them.

    Args:
        explicit: Our codes that are languages whatever they look like, because a configuration names them.
        codes: Our code → the code in the files, where a configuration says so.
        is_lenient: Whether codes that somebody made up are languages from the start.
    """

    def __init__(self, explicit: Collection[str], codes: Mapping[str, str], is_lenient: bool = False) -> None:
        self._explicit, self._ours = {*explicit, *codes}, {theirs: ours for ours, theirs in codes.items()}
        self._codes: set[str] = set()
        self._unknown: dict[str, None] = {}
        self._no_texts: dict[str, str] = {}
        self.renamed: dict[str, str] = {}
        self._set_aside: dict[str, str] = {}
        self._made_up: dict[str, None] = {}
        self._is_lenient = is_lenient

    def be_lenient(self) -> bool:
        """Judge again, and take made-up codes too; returns whether that may change anything."""
        if self._is_lenient or not any(map(_may_be_made_up, self._unknown)):
            return False
        self._codes, self._unknown, self._no_texts, self.renamed = set(), {}, {}, {}
        self._is_lenient = True
        return True

    def judge(self, names: Iterable[str], place: object, samples: Mapping[str, Sequence[str]]) -> set[str]:
        """Return our codes of the names that are languages.

        Args:
            names: The names that are together in a file, or in files' names.
            place: The place, for messages.
            samples: Some values of each name; a name without values is not judged by them.

        Raises:
            DataError: If two of the names become the same code.
        """
        found: dict[str, str] = {}
        for name in sorted(names):
            code = self._ours.get(name, underscored(name))
            if name not in self._ours and any(self._ours.get(other) == code for other in names):
                self._set_aside[name] = code
                continue
            if not self._is_language(name, code, samples.get(name, ())):
                continue
            if found.setdefault(code, name) != name:
                raise DataError(explain_same([found[code], name], place, code))
            if name != code and name not in self._ours:
                self.renamed[name] = code
        self._codes |= set(found)
        return set(found)

    def _is_language(self, name: str, code: str, values: Sequence[str]) -> bool:
        if code in self._explicit:
            return True
        is_made_up = self._is_lenient and _may_be_made_up(name)
        if not is_language(code) and not is_made_up:
            self._unknown[name] = None
            return False
        if name.lower() in ATTRIBUTES:
            self._no_texts[name] = f"{name} (a code of ISO 639-3 that is seldom meant)"
            return False
        if not are_texts(values):
            example = next((value.strip() for value in values if value.strip()), "")
            self._no_texts[name] = (
                f"{name} (a code of {name_language(code)}, but its values are no text: {example[:LONGEST]!r})"
            )
            return False
        if is_made_up and not is_language(code):
            self._made_up[name] = None
        return True

    @property
    def passed_over(self) -> list[str]:
        """The names that were not taken for languages."""
        return [*self._unknown, *self._no_texts]

    def describe_passed_over(self) -> str:
        """Return the end of a message about them, of bounded length; empty where there are none."""
        if not self.passed_over:
            return ""
        listed = ", ".join(name[:LONGEST] for name in self.passed_over[:MOST])
        more = ", …" if len(self.passed_over) > MOST else ""
        return f"; passed over as no languages: {listed}{more}"

    def notes(self) -> list[str]:
        """Return remarks for the user."""
        found = []
        if self._made_up:
            names = ", ".join(list(self._made_up)[:MOST])
            found.append(
                f"taken for languages, since no other is there, though the CLDR and ISO 639 lack them: {names}"
            )
        if self._unknown:
            names = ", ".join(name[:LONGEST] for name in list(self._unknown)[:MOST])
            found.append(f"passed over, because neither the CLDR nor ISO 639 knows a language of that code: {names}")
        if self._no_texts:
            found.append(f"passed over: {', '.join(list(self._no_texts.values())[:MOST])}")
        for name, code in self._set_aside.items():
            found.append(f"passed over: {name}, since data.language_codes gives {code} another name of the files")
        if self.passed_over:
            found.append("to read one all the same, name it: data.targets: [xx, …] or data.directions: [en-xx, …]")
        return found + [
            f"{' and '.join(codes)} are codes of one language, {name_language(codes[0])}, taken for two; if they are "
            "the same, give them one code with data.language_codes"
            for codes in self._same()
        ]

    def _same(self) -> list[list[str]]:
        by_language: dict[str, list[str]] = {}
        for code in sorted(self._codes):
            _, mark, rest = code.partition("_")
            by_language.setdefault(base_language(code) + mark + rest.lower(), []).append(code)
        return [codes for codes in by_language.values() if len(codes) > 1]


def _may_be_made_up(name: str) -> bool:
    """Return whether a name has the form of a code, and is not reserved for private use, which is to be named."""
    return re.fullmatch("[a-z]{2,3}([-_][A-Za-z0-9]+)*", name) is not None and not re.match("q[a-t][a-z]", name)


def describe_renamed(renamed: Mapping[str, str]) -> list[str]:
    """Return the note about codes that are written otherwise here."""
    if not renamed:
        return []
    listed = ", ".join(f"{theirs} is {ours}" for theirs, ours in sorted(renamed.items()))
    return [f"a hyphen in a code of a language becomes an underscore, because a hyphen divides a direction: {listed}"]
