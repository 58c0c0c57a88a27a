"""`catscale backtranslate`: text in one language becomes a corpus of pairs, with the run's translations as sources."""

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catscale.data.direction import Direction
from catscale.data.languages.codes import underscored
from catscale.data.preparation.cleaning import INVISIBLE
from catscale.errors import CatscaleError, ConfigError
from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.degenerate import find_fault
from catscale.evaluation.translate import Translation, one_line
from catscale.run.back_translation.synthetic_corpus import BackTranslationState, SyntheticCorpus, list_complete
from catscale.run.decoding import load_decoding, settle_decoding
from catscale.run.folder.best import best_folder
from catscale.run.folder.output import BACK_TRANSLATION
from catscale.run.folder.readback import run_directions
from catscale.run.folder.run_lock import hold_lock
from catscale.system.console.messages import Say
from catscale.system.reading.yaml_file import dump_line
from catscale.system.writing.manifest import MANIFEST, checksum, read_manifest
from catscale.system.writing.markers import claimed

SETTINGS = ("beam", "length_penalty", "max_length", "max_length_ratio", "precision", "tag", "draw_temperature")
"""Settings of `evaluation` that decide what is written."""
NEWS = 30.0
"""Seconds between two lines of progress."""
WEIGHTS = "model.safetensors"


Translate = Callable[..., Iterator[list[Translation]]]
"""Translates chunks of lines with a run: folder, target, source, chunks, device, say, overrides."""


@dataclass(frozen=True)
class BackTranslation:
    """The text and the run of a back-translation, and the corpus that it becomes.

    Attributes:
        run: The folder of the run that translates.
        source: The language of the text.
        target: The language to translate into; None where only one direction leads there.
        out: The folder of the corpus, which may hold other directions.
        tag: The tag of the corpus in the configuration that it is for.
        device: The device to compute on; None for the run's setting.
        overrides: `evaluation.KEY=VALUE`.
    """

    run: Path
    source: str
    target: str | None
    out: Path
    tag: str
    device: str | None = None
    overrides: Sequence[str] = ()


def backtranslate(asked: BackTranslation, chunks: Iterable[Sequence[str]], translate: Translate, say: Say) -> str:
    """Translate text, and write a corpus that trains the opposite direction; go on with one that was cut off.

    Args:
        asked: The text, the run and the corpus.
        chunks: Lines of the text, as many together as are to be decoded together.
        translate: `catscale.run.commands.translate.translate`, or what does the same.
        say: Receives plain lines.

    Returns:
        The entry of `data.corpora` that reads the corpus, as a line of YAML.

    Raises:
        CatscaleError: If the run does not translate from the language, or the corpus is of something else.
    """
    config = load_decoding(asked.run, asked.overrides)  # refuses what is no run
    direction = choose_back(asked, run_directions(asked.run))
    best = best_folder(asked.run, say)
    maker = describe_maker(best, settle_decoding(best, config, asked.device), direction)
    corpus = SyntheticCorpus(asked.out, Direction(direction.target, direction.source))

    def with_run(lines: Iterator[list[str]]) -> Iterator[list[Translation]]:
        where = asked.run, direction.target, direction.source
        settled = f"evaluation.precision={state.maker['settings']['precision']}"
        return translate(*where, lines, asked.device, say, [*asked.overrides, settled])

    with claimed(asked.out, BACK_TRANSLATION), hold_lock(asked.out, "backtranslate"):
        state = corpus.begin(maker, config.evaluation.left_open)
        if state.lines:
            say(f"going on behind line {state.lines:,}, of which {state.kept:,} were kept")
        _write_all(corpus, state, skip_lines(chunks, state), with_run, say)
        say(describe_state(state))
        if not state.kept:
            raise CatscaleError(
                f"no translation of {asked.run} is one, so that {asked.out} holds no pair; train the run for longer, "
                "or look at its scores with `catscale evaluate`"
            )
        corpus.finish()
        complete = list_complete(asked.out)
    return write_entry(asked.out, asked.tag, complete)


def choose_back(asked: BackTranslation, directions: Sequence[Direction]) -> Direction:
    """Find the run's direction from the language of the text.

    Raises:
        ConfigError: If there is none, or there are several.
    """
    source, target = underscored(asked.source), None if asked.target is None else underscored(asked.target)
    found = [d for d in directions if d.source == source and target in (None, d.target)]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(map(str, sorted(found or directions)))
    what = "several directions" if found else "no direction"
    into = "" if target is None else f" to {target!r}"
    raise ConfigError(f"{asked.run} has {what} from {source!r}{into}; it has {listed}; choose one with --from and --to")


def describe_maker(best: Path, settings: EvaluationConfig, direction: Direction) -> dict[str, Any]:
    """Describe the model and the settings that decide what is written.

    Args:
        best: The folder of the model, as `best_folder` checked it.
        settings: The settings of decoding, none left open.
        direction: The direction that is translated.
    """
    known = settings.model_dump(mode="json")
    sums = read_manifest(best)[WEIGHTS] if (best / MANIFEST).exists() else checksum(best / WEIGHTS)
    return {
        "direction": str(direction),
        "model": str(sums["sha256"]),
        "settings": {key: known[key] for key in SETTINGS},
    }


def skip_lines(chunks: Iterable[Sequence[str]], state: BackTranslationState) -> Iterator[list[str]]:
    """Pass over the lines that are done, and yield those behind them.

    The checksum of the state follows the lines that are yielded, once the next are asked for.

    Raises:
        ConfigError: If the lines are not those that were translated.
    """
    digest, left, known = hashlib.sha256(), state.lines, state.sha256
    for chunk in chunks:
        done, rest = list(chunk[:left]), list(chunk[left:])
        left -= len(done)
        digest.update("".join(f"{line}\n" for line in done).encode())
        if done and not left and digest.hexdigest() != known:
            raise _other_text(state)
        if rest:
            digest.update("".join(f"{line}\n" for line in rest).encode())
            state.sha256 = digest.hexdigest()
            yield rest
    if left:
        raise _other_text(state)


def _other_text(state: BackTranslationState) -> ConfigError:
    return ConfigError(
        f"the first {state.lines:,} lines of the input are not those that were translated; give the same text, behind "
        "which more may stand, or another folder with --out"
    )


def _write_all(
    corpus: SyntheticCorpus,
    state: BackTranslationState,
    rest: Iterable[list[str]],
    translate: Callable[[Iterator[list[str]]], Iterator[list[Translation]]],
    say: Say,
) -> None:
    """Translate chunk by chunk, and write each when it is whole."""
    pending: deque[list[str]] = deque()

    def watched() -> Iterator[list[str]]:
        for chunk in rest:
            pending.append(chunk)
            yield chunk

    found: list[Translation] = []
    begun = told = time.monotonic()
    first = state.lines
    for translations in translate(watched()):
        found.append(translations[0])
        if len(found) < len(pending[0]):
            continue
        keep(corpus, state, pending.popleft(), found)
        found = []
        if time.monotonic() - told > NEWS:
            told = time.monotonic()
            say(f"{state.lines:,} lines, {(state.lines - first) / (told - begun):,.0f} a second")


def keep(
    corpus: SyntheticCorpus, state: BackTranslationState, lines: Sequence[str], found: Sequence[Translation]
) -> None:
    """Write the translations of some lines that are translations, and count the others by what is wrong."""
    pairs = []
    for line, translation in zip(map(one_line, lines), found, strict=True):
        blank = not line.strip(INVISIBLE)
        fault = "blank" if blank else find_fault(translation.text, line, translation.finished)
        if fault is None:
            pairs.append((translation.text, line))
        else:
            state.dropped[fault] += 1
    state.lines += len(lines)
    corpus.append(state, pairs)


def describe_state(state: BackTranslationState) -> str:
    """Return a line on what was kept and what was left out."""
    words = {
        "blank": "blank",
        "empty": "without translation",
        "loop": "that repeat themselves",
        "copy": "copied",
        "cut": "cut at the length limit",
    }
    dropped = [f"{count:,} {words[name]}" for name, count in state.dropped.items() if count]
    left_out = f"; left out: {', '.join(dropped)}" if dropped else ""
    return f"{state.lines:,} lines translated, {state.kept:,} pairs kept{left_out}"


def write_entry(folder: Path, tag: str, directions: Sequence[Direction]) -> str:
    """Return the entry of `data.corpora` for a corpus of back-translated text."""
    entry = {"format": "moses", "path": str(folder), "use": ["train"], "tag": tag}
    return f"- {dump_line({**entry, 'directions': [str(direction) for direction in directions]})}"
