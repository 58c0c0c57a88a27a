"""Docstrings: which names lack one, which begin with a fragment, which hold examples."""

import ast
import doctest
from collections.abc import Iterator

from benchmarks.house.source import Found, Function, Source

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
FRAGMENTS = frozenset(
    ["As", "At", "By", "For", "From", "How", "In", "Of", "On", "That", "To", "What", "Where", "Which", "With"]
)
"""First words of what is no sentence and no name of a thing."""
NOUNS = frozenset(
    [
        "A",
        "All",
        "An",
        "Any",
        "Both",
        "Each",
        "Either",
        "Every",
        "It",
        "Its",
        "No",
        "None",
        "One",
        "Only",
        "Our",
        "Same",
        "Some",
        "Such",
        "The",
        "Their",
        "This",
    ]
)
"""First words of noun phrases: right for a class, a module or a property, not for a function, which does something."""
PROPERTIES = ("property", "cached_property")


def walk_names(source: Source) -> Iterator[tuple[Documented, str, bool]]:
    """Yield the module, its classes and functions: the node, its name, whether the name is public all the way."""
    yield source.tree, "module", True
    yield from _walk_inner(source.tree, True)


def _walk_inner(node: ast.AST, is_public: bool) -> Iterator[tuple[Documented, str, bool]]:
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            public = is_public and not inner.name.startswith("_")
            yield inner, inner.name, public
            yield from _walk_inner(inner, public and isinstance(inner, ast.ClassDef))
        elif isinstance(inner, ast.If | ast.Try):
            yield from _walk_inner(inner, is_public)


def find_undocumented(sources: list[Source]) -> list[Found]:
    """Find the public names without a docstring."""
    return [
        Found(source.path, getattr(node, "lineno", 1), name)
        for source in sources
        for node, name, is_public in walk_names(source)
        if is_public and not ast.get_docstring(node)
    ]


def count_public(sources: list[Source]) -> int:
    """Count the public names."""
    return sum(is_public for source in sources for _, _, is_public in walk_names(source))


def find_fragments(sources: list[Source]) -> list[Found]:
    """Find the docstrings that begin with a fragment, and those of functions that do not begin with a verb.

    The rule is simple: it knows words that are no verbs, not all verbs.
    """
    found = []
    for source in sources:
        for node, name, _ in walk_names(source):
            first = (ast.get_docstring(node) or "").split(maxsplit=1)[:1]
            if first and _is_fragment(node, first[0].strip(",.:;`")):
                found.append(Found(source.path, getattr(node, "lineno", 1), f"{name}: {first[0]} …"))
    return found


def _is_fragment(node: Documented, word: str) -> bool:
    acts = isinstance(node, Function) and not any(
        isinstance(one, ast.Name) and one.id in PROPERTIES for one in node.decorator_list
    )
    return word in FRAGMENTS or (acts and word in NOUNS)


def find_examples(sources: list[Source]) -> list[Found]:
    """Find the docstrings with examples, and how many each has."""
    parser = doctest.DocTestParser()
    found = []
    for source in sources:
        for node, name, _ in walk_names(source):
            if examples := parser.get_examples(ast.get_docstring(node) or ""):
                found.append(Found(source.path, getattr(node, "lineno", 1), name, len(examples)))
    return found


def find_skipped_examples(sources: list[Source]) -> list[Found]:
    """Find the docstrings one of whose examples is marked not to run."""
    skipping = [(source, node, name) for source in sources for node, name, _ in walk_names(source)]
    return [
        Found(source.path, getattr(node, "lineno", 1), name)
        for source, node, name in skipping
        if "doctest: +SKIP" in (ast.get_docstring(node) or "")
    ]
