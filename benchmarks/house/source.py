"""Sizes and habits of source files, read from their syntax: no module is imported."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef
SUPPRESSION = re.compile(r"#\s*(type:\s*ignore|noqa)\b")
BROAD = ("Exception", "BaseException")


@dataclass(frozen=True)
class Found:
    """One thing that was counted or measured.

    Attributes:
        path: The file.
        line: Where in it.
        name: What it is called there.
        size: Lines, where sizes are measured.
    """

    path: Path
    line: int
    name: str
    size: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.name}" + (f" ({self.size} lines)" if self.size else "")


@dataclass(frozen=True)
class Source:
    """A file and its syntax.

    Attributes:
        path: Relative to the repository.
        text: Its content.
        tree: Parsed.
    """

    path: Path
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        """Lines of the file."""
        return self.text.count("\n")

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All nodes of the tree."""
        return tuple(ast.walk(self.tree))

    def functions(self) -> Iterator[Function]:
        """Yield every function, methods and inner ones too."""
        yield from (node for node in self.nodes if isinstance(node, Function))

    def found(self, node: ast.expr | ast.stmt | ast.ExceptHandler, name: str, size: int = 0) -> Found:
        """Note a node of the file."""
        return Found(self.path, node.lineno, name, size)


def read_sources(root: Path, folder: str) -> list[Source]:
    """Read the Python files under a folder of the repository, those that hold code."""
    sources = []
    for path in sorted((root / folder).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        if len(tree.body) > 1:  # more than a docstring
            sources.append(Source(path.relative_to(root), text, tree))
    return sources


def measure_files(sources: list[Source]) -> list[Found]:
    """Measure each file's lines."""
    return [Found(source.path, 1, "file", source.lines) for source in sources]


def measure_functions(sources: list[Source]) -> list[Found]:
    """Measure each function's lines, its docstring included, decorators left out."""
    return [
        source.found(node, node.name, (node.end_lineno or node.lineno) - node.lineno + 1)
        for source in sources
        for node in source.functions()
    ]


def find_untyped(sources: list[Source]) -> list[Found]:
    """Find the functions that lack a type of an argument or of what they return."""
    return [source.found(node, node.name) for source in sources for node in source.functions() if not _is_typed(node)]


def _is_typed(node: Function) -> bool:
    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    starred = [one for one in (node.args.vararg, node.args.kwarg) if one is not None]
    of_instance = given[:1] if given and given[0].arg in ("self", "cls") else []
    annotated = all(one.annotation is not None for one in [*given, *starred] if one not in of_instance)
    return annotated and (node.returns is not None or node.name == "__init__")


def find_suppressions(sources: list[Source]) -> list[Found]:
    """Find the comments that silence the type checker or the linter."""
    return [
        Found(source.path, number, match[1])
        for source in sources
        for number, line in enumerate(source.text.splitlines(), 1)
        if (match := SUPPRESSION.search(line))
    ]


def find_excepts(sources: list[Source], bare: bool) -> list[Found]:
    """Find the handlers of every exception, `except:` or `except Exception:`."""
    return [
        source.found(node, "except")
        for source in sources
        for node in source.nodes
        if isinstance(node, ast.ExceptHandler) and (node.type is None if bare else _is_broad(node.type))
    ]


def _is_broad(caught: ast.expr | None) -> bool:
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(isinstance(name, ast.Name) and name.id in BROAD for name in names)


def find_getattr(sources: list[Source]) -> list[Found]:
    """Find the calls of `getattr` and `hasattr`, which no type checker follows."""
    return [
        source.found(node, node.func.id)
        for source in sources
        for node in source.nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("getattr", "hasattr")
    ]


def find_asserts(sources: list[Source]) -> list[Found]:
    """Find the assert statements, which `python -O` drops."""
    return [source.found(node, "assert") for source in sources for node in source.nodes if isinstance(node, ast.Assert)]
