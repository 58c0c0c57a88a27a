"""The text of a first configuration: settings, and comments that say why they are so and what else there is."""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from textwrap import wrap

from catscale import __version__
from catscale.data.corpus_config import CorpusPart, SplitNames
from catscale.data.direction import Direction, list_old
from catscale.run.starting.first_settings import BALANCED, FirstSettings
from catscale.run.starting.folder_content import FolderContent
from catscale.sampling.replay import REPLAY
from catscale.system.console.numbers import name_some
from catscale.system.console.safe_text import for_terminal
from catscale.system.reading.yaml_file import dump_line

WIDTH = 100
"""Columns of a comment."""
SHOWN = 40
"""Directions that a table lists."""


def write_document(
    content: FolderContent, chosen: FirstSettings, config: str, model: Iterable[str], added: Collection[str] = ()
) -> str:
    """Return the configuration as YAML.

    Args:
        content: The content of the folder.
        chosen: The settings.
        config: The name of the file that it will be, for the command in the comment.
        model: Lines of the sections on vocabulary, model and optimiser.
        added: The languages that the model to start from lacks.
    """
    head = comment(
        f"Written by catscale {__version__}, `catscale init {content.folder}`. All of it is a first guess and may be "
        f"changed; what is not here has its default (docs/configuration.md). Train with: catscale train {config}"
    )
    sections = [head, _data(content), _sampling(content, chosen, added), list(model), _training(chosen)]
    return "\n".join("\n".join(section) + "\n" for section in sections)


def comment(text: str, indent: str = "") -> list[str]:
    """Return lines of a comment, in which nothing foreign can end the line."""
    lines = wrap(for_terminal(text), WIDTH - len(indent) - 2, break_long_words=False, break_on_hyphens=False)
    return [f"{indent}# {line}" for line in lines]


def write_path(path: Path | None) -> str:
    """Return a path as a configuration names it: one that begins with a tilde is no home folder."""
    return f"./{path}" if str(path).startswith("~") else str(path)


def _data(content: FolderContent) -> list[str]:
    parts = content.parts.parts
    lines = ["data:"]
    if len(parts) == 1:
        lines += [f"  {key}: {dump_line(value)}" for key, value in _settings(parts[0]).items()]
    else:
        lines += ["  corpora:", *(f"    - {dump_line(_settings(part))}" for part in parts)]
    lines += [*_remarks(content), f"  directions: {_listed(content.directions)}", *_other_directions(content)]
    lines += [*_table(content), *_holdout(content)]
    return lines


def _settings(part: CorpusPart) -> dict[str, object]:
    """Return the keys of a corpus that differ from the defaults."""
    found: dict[str, object] = {"format": part.format, "path": write_path(part.path)}
    if part.pattern is not None:
        found["pattern"] = part.pattern
    names, usual = part.splits.model_dump(), SplitNames().model_dump()
    if names != usual:
        found["splits"] = {key: name for key, name in names.items() if name != usual[key]}
    return found


def _remarks(content: FolderContent) -> Iterator[str]:
    for note in content.notes:
        yield from comment(f"Note: {note}", "  ")
    for direction, why in content.unreadable.items():
        yield from comment(f"{direction} is left out, since its train files cannot be read: {why}", "  ")
    if content.parts.held_out:
        names = ", ".join(content.parts.held_out[:10])
        yield from comment(
            f"Not read, since their names say that they are dev or test, of which others are read or none: {names}",
            "  ",
        )
    if content.empty:
        yield from comment(f"Without a pair that has both sides, and so left out: {_named(content.empty)}", "  ")


def _other_directions(content: FolderContent) -> list[str]:
    turned = [Direction(d.target, d.source) for d in content.directions]
    number, other = len(content.directions), "The other way, instead or in the same list:"
    why = f"{content.hub} is in most pairs of languages ({number} of {number + len(content.others)}), so all directions"
    lines = comment(other if len(content.languages) == 2 else f"{why} begin from it. {other}", "  ")
    lines += [f"  # directions: {_listed(turned)}"]
    if content.others:
        lines += [*comment("Pairs without it, which may be added:", "  "), f"  # {_listed(content.others)}"]
    return lines


def _table(content: FolderContent) -> list[str]:
    pairs = content.volume.pairs
    width = max(len(str(direction)) for direction in pairs)
    rows = [f"  #   {d!s:<{width}}  {pairs[d]:>13,}" for d in content.directions[:SHOWN]]
    more = len(content.directions) - SHOWN
    return ["  # Train pairs, before cleaning:", *rows, *([f"  #   and {more} more"] if more > 0 else [])]


def _holdout(content: FolderContent) -> list[str]:
    lacking = {split: found for split, found in content.lacking.items() if found}
    if not lacking:
        return []
    said = "; ".join(f"no {split} files of {_named(found)}" for split, found in lacking.items())
    return [
        *comment(f"{said}: that is taken out of train, at most a tenth of a direction's sentences.", "  "),
        "  holdout: {dev: 500, test: 1000}",
    ]


def _sampling(content: FolderContent, chosen: FirstSettings, added: Collection[str]) -> list[str]:
    smallest, largest = content.directions[0], content.directions[-1]
    if chosen.temperature == 1:
        balance = "There is one direction." if len(content.directions) == 1 else ""
        why = balance or f"No direction has more than {BALANCED:g} times the pairs of another: drawn as they come."
        return [*comment(f"{why}{_replay(content, added)}"), "sampling:", "  temperature: 1"]
    return [
        *comment(
            f"{largest} has {chosen.ratio:,.0f} times the pairs of {smallest}. A direction is drawn in proportion to "
            "its pairs to the power 1/temperature: 1 draws as the data come, and the small ones are hardly seen; 5 is "
            "the usual upsampling, and they are seen many times over. docs/sampling has the methods that choose "
            "for you; the table before training says how often each direction is seen."
            f"{_replay(content, added)}"
        ),
        "sampling:",
        "  temperature: 5",
        "  # method: unimax          # instead: equal shares of the tokens, at most so many epochs of each direction",
        "  # method: cats_sampling   # or: learns the mixture; level with the best temperature in our tables",
    ]


def _replay(content: FolderContent, added: Collection[str]) -> str:
    """Return a sentence on the share of old directions, where there are old and new ones."""
    old = list_old(content.directions, added)
    if not 0 < len(old) < len(content.directions):
        return ""
    return (
        f" This is so among old directions and among new ones: the old ones, between languages that the model knows "
        f"({_named(old)}), have {REPLAY:.0%} of every step together, whatever their pairs (sampling.replay)."
    )


def _training(chosen: FirstSettings) -> list[str]:
    steps = f"# about {chosen.epochs:.3g} times through the text; more where the validation still falls at the end"
    lines = [
        "training:",
        f"  max_steps: {chosen.max_steps}   {steps}",
        f"  batch_tokens: {chosen.batch_tokens}   # target tokens of an update",
        f"  validate_every: {chosen.validate_every}",
    ]
    if chosen.validate_sentences is not None:
        lines.append(f"  validate_sentences: {chosen.validate_sentences}   # of each direction: dev is large")
    lines.append("  # patience: 10        # ends after so many validations without improvement")
    lines.append(
        "  # average: {last: 5}  # the mean of the last models competes with the best one on dev; or {ema: 0.999}"
    )
    return [*lines, "  # seed: 2             # one run decides nothing: repeat what matters with other seeds"]


def _listed(directions: Iterable[Direction]) -> str:
    return dump_line([str(direction) for direction in directions])


def _named(directions: Iterable[Direction]) -> str:
    return name_some([str(direction) for direction in directions], 10)
