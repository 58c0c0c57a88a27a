"""The sections of a first configuration that begin from a model that exists: model and optimiser."""

from pathlib import Path

from catscale.model.licence import read_licence
from catscale.run.starting.document import comment, write_path
from catscale.run.starting.first_settings import FirstSettings
from catscale.run.starting.language_tags import ChosenTags
from catscale.system.reading.yaml_file import dump_line

NAMED = 8
"""Tags that are named as relatives a language may have."""
LEARNING_RATE = 2e-4
"""As SIL's tool for NLLB has it, with a cosine."""


def write_pretrained(folder: Path, tags: ChosenTags, chosen: FirstSettings) -> list[str]:
    """Return the lines of model and optimiser for a training that starts from a folder.

    Args:
        folder: The model's.
        tags: The tags of the data's languages.
        chosen: The settings.
    """
    return [
        *comment(
            "The vocabulary, the sizes and the dropouts are the folder's. Characters that new languages have and the "
            "tokenizer lacks are added; the first lines of the training tell which."
        ),
        *_licence(folder),
        "model:",
        f"  pretrained: {dump_line(write_path(folder))}",
        *_known(tags),
        *_new(tags),
        "  # pieces: 500                            # trained on the new languages' text, and added",
        "  # trim: true                             # drops the embeddings that no language here needs",
        "  # adapters: {method: lora, rank: 16}     # trains little beside the model; less memory",
        "  # freeze: [embeddings]                   # or encoder, decoder, layer_norm …",
        "",
        "optimizer:",
        f"  learning_rate: {LEARNING_RATE}",
        "  schedule: cosine",
        f"  warmup_steps: {chosen.warmup_steps}",
    ]


def _licence(folder: Path) -> list[str]:
    name = read_licence(folder).name
    return [] if name is None else comment(f"The folder's licence is {name}: what is trained from it stays under it.")


def _known(tags: ChosenTags) -> list[str]:
    lines = []
    for language, others in tags.others.items():
        lines += comment(f"{language} may mean {', '.join(others)} too.", "  ")
    return [*lines, f"  languages: {dump_line(tags.known)}"] if tags.known else []


def _new(tags: ChosenTags) -> list[str]:
    if not tags.new:
        return []
    lines = comment(
        "No tag of the folder fits these languages: they get one of their own, written as a guess. It starts from the "
        "mean of all tags, or from that of a relative: name a tag of the folder behind like. Beside it stand those of "
        "the same script, languages of the same countries first, which need not be relatives.",
        "  ",
    )
    lines.append("  new_languages:")
    for language, tag in tags.new.items():
        relatives = tags.relatives[language]
        names = ", ".join(relatives[:NAMED]) + (" …" if len(relatives) > NAMED else "")
        lines += [f"    {dump_line(language)}:", f"      tag: {dump_line(tag)}"]
        lines.append(f"      # like: TAG   # {names}")
    return lines
