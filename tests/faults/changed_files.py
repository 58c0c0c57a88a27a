"""Files with other content, for the searches, and how whatever they hold is read."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import strategies as st

from catscale.errors import CatscaleError

T = TypeVar("T")
U = TypeVar("U")
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def mutated(content: bytes) -> st.SearchStrategy[bytes]:
    """A good file with some bytes replaced, removed, repeated or put in."""

    def change(edits: list[tuple[int, int, bytes]]) -> bytes:
        found = content
        for place, length, new in edits:
            place %= len(found) + 1
            found = found[:place] + new + found[place + length :]
        return found

    edit = st.tuples(st.integers(0, len(content)), st.integers(0, 12), st.binary(max_size=8))
    return st.lists(edit, min_size=1, max_size=4).map(change)


def swapped(content: Any) -> st.SearchStrategy[Any]:
    """A good value in which one part, wherever it stands, is taken out, called otherwise or replaced."""
    places = list(_places(content, ()))
    names = st.sampled_from(["x", "../../x", "en-a/../../x", "en-zz", "", "kind", "step", "en-xa"])
    values = json_values | st.sampled_from([True, -1, 1.5, 2**62, 10**30, "../../x", "en-xa", [], {}, [[]]])

    def change(edit: tuple[tuple[Any, ...], str, str, Any]) -> Any:
        place, what, name, value = edit
        if not place:
            return value
        changed = json.loads(json.dumps(content))
        owner = changed
        for key in place[:-1]:
            owner = owner[key]
        found = owner.pop(place[-1]) if what != "replace" else None
        if what == "rename" and isinstance(owner, dict):
            owner[name] = found
        elif what == "replace":
            owner[place[-1]] = value
        return changed

    whats = st.sampled_from(["remove", "rename", "replace", "replace"])
    return st.tuples(st.sampled_from(places), whats, names, values).map(change)


def _places(value: Any, place: tuple[Any, ...]) -> Any:
    yield place
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _places(inner, (*place, key))


def swapped_json(content: Any) -> st.SearchStrategy[bytes]:
    """A file of a good value of which one part is another."""
    return swapped(content).map(json.dumps).map(str.encode)


def one_of(files: Mapping[str, T], change: Callable[[T], st.SearchStrategy[U]]) -> st.SearchStrategy[tuple[str, U]]:
    """The name of one of the files, and other content of it."""
    return st.sampled_from(sorted(files)).flatmap(lambda name: st.tuples(st.just(name), change(files[name])))


def write_all(folder: Path, files: Mapping[str, bytes], changed: tuple[str, bytes]) -> None:
    """Write all files, one of them with other content."""
    for name, content in (*files.items(), changed):
        (folder / name).write_bytes(content)


def read_or_told(read: Callable[[], Any], kind: type[CatscaleError] = CatscaleError) -> Any:
    """The result, or None where one message of ours was raised, of bounded length."""
    try:
        return read()
    except kind as error:
        said = str(error)
    assert len(said) < 20_000
    return None
