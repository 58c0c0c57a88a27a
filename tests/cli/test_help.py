import subprocess
import sys

import pytest

import catscale
from catscale.cli.main import main

HEAVY = {"torch", "transformers", "numpy", "pydantic", "sentencepiece", "yaml", "rich", "sacrebleu", "babel"}


def test_help_imports_nothing_heavy():
    program = (
        "import sys, catscale.cli.main as m\n"
        "assert 'prepare' in m.build_parser().format_help()\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "command", ["demo", "prepare", "train", "evaluate", "translate", "sweep", "compare", "data", "export"]
)
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert f"usage: catscale {command}" in capsys.readouterr().out


def test_version_and_module():
    for command in (["-m", "catscale", "--version"], ["-c", "from catscale.cli.main import main; main(['--version'])"]):
        done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True)
        assert done.stdout == f"catscale {catscale.__version__}\n"
