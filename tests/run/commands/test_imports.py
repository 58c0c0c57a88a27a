"""Commands stand side by side: what two of them need is in a module that is no command."""

import ast
from pathlib import Path

import pytest

from catscale.run import commands

FOLDER = Path(commands.__file__).parent
COMMANDS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")


def imported(tree: ast.AST) -> set[str]:
    """The modules that a module imports anywhere, and the names that it takes from them."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_imports_another_one(command):
    names = imported(ast.parse((FOLDER / f"{command}.py").read_text(encoding="utf-8")))
    assert not {name for name in names if name.startswith(f"{commands.__name__}.")}


def test_the_check_sees_every_kind_of_import():
    text = "import a.b\ndef f():\n    from c import d\n"
    assert imported(ast.parse(text)) == {"a.b", "c", "c.d"}
    assert {"train", "evaluate", "analyze", "demo", "sweep", "compare", "translate"} <= set(COMMANDS)
