"""`catscale completion SHELL`: a script that completes commands, options and their choices, made from the parser.

The script knows, for each place (the commands so far), the words that may follow, and for each option whether it takes
one of some words, a file name, or what nobody can guess.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SHELLS = ("bash", "zsh", "fish")


@dataclass(frozen=True)
class CommandPlace:
    """The continuations that some commands allow.

    Attributes:
        commands: The commands, as in ("data", "fetch").
        subcommands: Words that may come next, with their help.
        options: Option strings, with their help.
        choices: Option → the words that it takes, if there is a choice.
        takes_path: Option that takes something else → whether that is a file or folder.
        has_paths: Whether an argument without option is a file or folder.
    """

    commands: tuple[str, ...]
    subcommands: dict[str, str]
    options: dict[str, str]
    choices: dict[str, list[str]]
    takes_path: dict[str, bool]
    has_paths: bool


def write_completion(parser: argparse.ArgumentParser, shell: str) -> str:
    """Return the script of a shell.

    Args:
        parser: The parser of all commands.
        shell: One of `SHELLS`.
    """
    places = list(find_places(parser))
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](places)


def find_places(parser: argparse.ArgumentParser, commands: tuple[str, ...] = ()) -> Iterator[CommandPlace]:
    """Walk through a parser and its subcommands.

    Args:
        parser: To walk through.
        commands: The commands that lead to it.
    """
    subcommands: dict[str, str] = {}
    options: dict[str, str] = {}
    choices: dict[str, list[str]] = {}
    takes_path: dict[str, bool] = {}
    has_paths = False
    inner: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            inner = dict(action.choices)
            helped = {each.dest: each.help or "" for each in action._choices_actions}
            subcommands = {name: _one_line(helped.get(name, "")) for name in inner}
            continue
        for name in action.option_strings:
            options[name] = _one_line(action.help or "")
            if action.choices is not None:
                choices[name] = [str(choice) for choice in action.choices]
            elif action.nargs != 0:
                takes_path[name] = action.type is Path
        if not action.option_strings:
            subcommands |= {str(choice): "" for choice in action.choices or ()}
            has_paths |= action.type is Path
    yield CommandPlace(commands, subcommands, options, choices, takes_path, has_paths)
    for name, child in inner.items():
        yield from find_places(child, (*commands, name))


def _one_line(text: str) -> str:
    return " ".join(text.replace("%%", "%").split())


def _words(names: "dict[str, str] | list[str]") -> str:
    return " ".join(names)


def _bash(places: list[CommandPlace]) -> str:
    known = [place.commands for place in places if place.commands]
    deeper = [f'"{_joined(commands[:-1])} {commands[-1]}") place="{_joined(commands)}";;' for commands in known]
    after, here = [], []
    for place in places:
        name = _joined(place.commands)
        after += [f'"{name} {option}") found="{_words(words)}";;' for option, words in place.choices.items()]
        for option, is_path in place.takes_path.items():
            after.append(f'"{name} {option}") {"_catscale_files" if is_path else ":"} "$current"; return;;')
        here.append(f'"{name}") found="{_words(place.subcommands)}"; paths={int(place.has_paths)}')
        here.append(f'    [[ "$current" == -* ]] && found="{_words(place.options)}";;')
    return "\n".join(
        [
            "# bash completion of catscale; load it with: source <(catscale completion bash)",
            "_catscale() {",
            '    local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"',
            '    local place="" word found="" paths=0',
            "    COMPREPLY=()",
            '    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
            '        case "$place $word" in',
            *(f"            {line}" for line in deeper),
            "        esac",
            "    done",
            '    case "$place $previous" in',
            *(f"        {line}" for line in after),
            "    esac",
            '    [[ -z "$found" ]] && case "$place" in',
            *(f"        {line}" for line in here),
            "    esac",
            '    [[ -n "$found" ]] && COMPREPLY=($(compgen -W "$found" -- "$current"))',
            '    [[ "$paths" == 1 && "$current" != -* ]] && _catscale_files "$current"',
            "    return 0",
            "}",
            "_catscale_files() {",
            "    local IFS=$'\\n'",
            "    compopt -o filenames 2>/dev/null",
            '    COMPREPLY=($(compgen -f -- "$1"))',
            "}",
            "complete -F _catscale catscale",
            "",
        ]
    )


def _joined(commands: tuple[str, ...]) -> str:
    return "".join(f"/{command}" for command in commands)


def _zsh(places: list[CommandPlace]) -> str:
    script = _bash(places).split("\n", 1)[1]
    return (
        "#compdef catscale\n"
        "# zsh completion of catscale; load it with: source <(catscale completion zsh)\n"
        "(( ${+functions[compdef]} )) || { autoload -U compinit && compinit; }\n"
        "autoload -U +X bashcompinit && bashcompinit\n" + script
    )


def _fish(places: list[CommandPlace]) -> str:
    known = " ".join(_joined(place.commands) for place in places if place.commands)
    lines = [
        "# fish completion of catscale; load it with: catscale completion fish | source",
        "function __catscale_at",
        "    set -l place ''",
        "    for word in (commandline -opc)[2..-1]",
        f'        if contains -- "$place/$word" {known}',
        '            set place "$place/$word"',
        "        end",
        "    end",
        '    test "$place" = "$argv[1]"',
        "end",
    ]
    for place in places:
        start = f"complete -c catscale -n {_quoted(f'__catscale_at {_quoted(_joined(place.commands))}')}"
        lines += [f"{start} -f -a {name} -d {_quoted(text)}" for name, text in place.subcommands.items()]
        for option, text in place.options.items():
            name = f"-l {option[2:]}" if option.startswith("--") else f"-s {option[1:]}"
            takes = f" -x -a {_quoted(_words(place.choices[option]))}" if option in place.choices else ""
            if option in place.takes_path:
                takes = " -r" if place.takes_path[option] else " -x"
            lines.append(f"{start} {name}{takes} -d {_quoted(text)}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Quote a text for fish, in which a backslash and a quotation mark are escaped between single quotes."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
