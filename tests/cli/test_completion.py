"""Shell completion: what bash offers, asked in bash; the other shells' scripts name the same words."""

import argparse
import shutil
import subprocess
from pathlib import Path

import pytest

from catscale.cli.completion import SHELLS, find_places, write_completion
from catscale.cli.main import main
from catscale.cli.parser import build_parser
from catscale.evaluation.metrics.table import METRICS

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
ASK = r"""
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
_catscale
printf '%s\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("completion") / "catscale.bash"
    path.write_text(write_completion(build_parser(), "bash"))
    return path


def ask(script: Path, folder: Path, *words: str) -> set[str]:
    """What bash offers for the last word."""
    command = ["bash", "--norc", "-c", ASK, "bash", str(script), "catscale", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    assert done.stderr == ""
    return set(done.stdout.split("\n")) - {""}


def all_commands() -> dict[str, argparse.ArgumentParser]:
    (action,) = [each for each in build_parser()._actions if isinstance(each, argparse._SubParsersAction)]
    return dict(action.choices)


@needs_bash
def test_commands_options_choices_and_files(script, tmp_path):
    for name in ("my run", "toy.yaml"):
        (tmp_path / name).write_text("")
    assert ask(script, tmp_path, "") == set(all_commands())
    assert ask(script, tmp_path, "tr") == {"train", "translate"}
    assert ask(script, tmp_path, "data", "") == {"list", "fetch", "stats"}
    assert ask(script, tmp_path, "compare", "--metric", "") == set(METRICS)
    assert ask(script, tmp_path, "compare", "--metric", "b") == {"bleu"}
    assert ask(script, tmp_path, "translate", "x", "--len") == {"--length-penalty"}
    assert ask(script, tmp_path, "data", "stats", "--j") == {"--jobs", "--json"}
    assert ask(script, tmp_path, "train", "") == {"my run", "toy.yaml"}
    assert ask(script, tmp_path, "translate", "my run", "--input", "my") == {"my run"}
    assert ask(script, tmp_path, "translate", "my run", "--beam", "") == set()  # a number is nobody's guess
    assert ask(script, tmp_path, "completion", "") == set(SHELLS)
    assert ask(script, tmp_path, "nonsense", "") == set(all_commands())


@needs_bash
def test_every_option_of_every_command_is_offered(script, tmp_path):
    for name, parser in all_commands().items():
        options = {option for action in parser._actions for option in action.option_strings}
        assert ask(script, tmp_path, name, "-") == options


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_s_script_knows_every_word(shell, capsys):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "source" in script.split("\n")[1 if shell == "zsh" else 0]
    for place in find_places(build_parser()):
        for word in (
            *place.commands,
            *place.subcommands,
            *(words for each in place.choices.values() for words in each),
        ):
            assert word in script
        for option in place.options:
            in_fish = f"-l {option[2:]} " if option.startswith("--") else f"-s {option[1:]} "
            assert (in_fish if shell == "fish" else option) in script


def test_quotation_marks_in_a_help_text_end_nothing():
    parser = argparse.ArgumentParser(prog="catscale")
    parser.add_argument("--it", help="the user's \\ file")
    assert "-d 'the user\\'s \\\\ file'" in write_completion(parser, "fish")


def test_an_unknown_shell_is_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["completion", "cmd.exe"])
    assert "invalid choice: 'cmd.exe' (choose from" in capsys.readouterr().err
