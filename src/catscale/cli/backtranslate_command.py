"""`catscale backtranslate`: arguments and action."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from catscale.cli.decoding_options import add_search, decoding_overrides
from catscale.errors import ConfigError
from catscale.system.console.messages import Say, print_result
from catscale.system.console.streams import require_output

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

TAG = "bt"


def add_backtranslate(commands: "Commands") -> None:
    """Add the command.

    Args:
        commands: All commands.
    """
    text = "translate text of one language into a corpus of pairs, to train the opposite direction on"
    back = commands.add_parser("backtranslate", help=text, description=f"{text[:1].upper()}{text[1:]}.")
    back.add_argument("run", type=Path, metavar="RUN", help="the folder of the run that translates")
    back.add_argument("--from", dest="source", required=True, metavar="XX", help="language of the text")
    back.add_argument("--to", dest="target", metavar="XX", help="language to translate into, where there are several")
    back.add_argument("--input", type=Path, required=True, metavar="F", help="file to read, a sentence a line")
    back.add_argument("--out", type=Path, required=True, metavar="CORPUS", help="folder of the corpus, new or its own")
    text = f"tag of the corpus in data.corpora ({TAG})"
    back.add_argument("--tag", dest="corpus_tag", default=TAG, metavar="TAG", help=text)  # none of the search
    back.add_argument("--device", help="cpu, cuda, cuda:1 … (the run's setting)")
    add_search(back)


def run_backtranslate(options: argparse.Namespace, say: Say) -> None:
    """Run `catscale backtranslate`."""
    from catscale.cli.lines_in import open_lines
    from catscale.data.corpus_config import check_tag
    from catscale.evaluation.translate import CHUNK
    from catscale.run.commands.backtranslate import BackTranslation, backtranslate
    from catscale.run.commands.translate import translate

    require_output("open it, as a shell does unless >&- is written")
    try:
        tag = check_tag(options.corpus_tag)
    except ValueError as error:
        raise ConfigError(f"--tag: {error}") from error
    asked = BackTranslation(
        options.run, options.source, options.target, options.out, tag, options.device, decoding_overrides(options)
    )
    with open_lines(options.input, max(CHUNK, options.batch or 0)) as chunks:
        entry = backtranslate(asked, chunks, translate, say)
    say("the entry of data.corpora for a configuration that trains with it:")
    print_result(f"    {entry}")
