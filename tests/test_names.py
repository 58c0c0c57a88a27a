"""The name of a class or of an alias of a type is used once in the whole tree."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent / "src" / "catscale"

REPEATED = {
    "S": "a type variable: of states, or of settings",
    "T": "a type variable without a meaning of its own",
}
"""Names that several modules define, with the reason."""


def find_names(path: Path) -> Iterator[str]:
    """Yield the names of a module's classes, aliases of types and type variables."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        match node:
            case ast.ClassDef():
                yield node.name
            case ast.Assign([ast.Name(name)], value) if is_of_a_type(name, value):
                yield name
            case ast.AnnAssign(ast.Name(name), annotation) if ast.unparse(annotation).endswith("TypeAlias"):
                yield name


def is_of_a_type(name: str, value: ast.expr) -> bool:
    """Return whether an assignment is an alias of a type or a type variable, by its name in CapWords and its form."""
    if isinstance(value, ast.Call):
        return ast.unparse(value.func).endswith("TypeVar")
    is_cap_words = name[:1].isupper() and (len(name) == 1 or not name.isupper())
    return is_cap_words and isinstance(value, ast.Subscript | ast.BinOp | ast.Name | ast.Attribute)


def find_repeated() -> dict[str, list[str]]:
    """Return the names that several modules define, with the modules."""
    places = defaultdict(list)
    for path in sorted(ROOT.rglob("*.py")):
        for name in find_names(path):
            places[name].append(str(path.relative_to(ROOT)))
    return {name: found for name, found in places.items() if len(found) > 1}


def test_names_of_types_are_found() -> None:
    assert {"GradientRow"} <= set(find_names(ROOT / "balancing" / "engine" / "gramian.py"))
    assert {"S", "Method", "Signals"} <= set(find_names(ROOT / "balancing" / "contract.py"))


def test_a_name_has_one_meaning() -> None:
    found = find_repeated()
    new = {name: places for name, places in found.items() if name not in REPEATED}
    assert new == {}, "choose a name that says which of them it is"
    assert found.keys() == REPEATED.keys(), "take names that are unique by now from the list"
