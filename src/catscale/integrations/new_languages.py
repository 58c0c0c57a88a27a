"""New languages for a model and a tokenizer of transformers, as `model.new_languages` of a configuration adds them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from catscale.errors import ConfigError, DataError
from catscale.model.new_rows import make_rows
from catscale.system.console.messages import Say, say
from catscale.system.reading.json_file import load_json
from catscale.system.writing.files import scratch_folder, user_errors, write_json
from catscale.vocabulary.extension import RowOrigins
from catscale.vocabulary.pretrained.adapting import Changed, Changes, change_tokenizer, check_new, say_all
from catscale.vocabulary.pretrained.content import list_tags
from catscale.vocabulary.pretrained.tokenizer_file import read_tokenizer_file
from catscale.vocabulary.sentencepiece import FAST_TOKENIZER, TOKENIZER


def add_languages(
    model: Any,
    tokenizer: Any,
    new_languages: Mapping[str, str | None],
    lines: Mapping[str, Sequence[str]] | None = None,
    *,
    characters: bool = True,
    pieces: int = 0,
    seed: int = 0,
    say: Say = say,
) -> Any:
    """Add languages to a model of NLLB's class, in place, and return the tokenizer that knows them.

    Tags, characters and pieces are appended as `catscale.vocabulary.extension.extend` describes: old ids stay, and the
    logits of old tokens too. The tables of embeddings stay one, with rows as `catscale.model.new_rows` makes them.
    Build the optimiser afterwards.

    Args:
        model: An `M2M100ForConditionalGeneration`.
        tokenizer: Its `NllbTokenizer`, which stays as it is.
        new_languages: New tag → the tag of the language that it resembles most; None for the mean of all.
        lines: Tag → text, to find missing characters and to learn pieces from; that of old languages is reported on and
            shows what new pieces change for them.
        characters: Whether the characters that new languages miss are added.
        pieces: Number of pieces to learn for the new languages.
        seed: Decides the noise on new rows.
        say: Receives what was found and done, line by line.

    Raises:
        ConfigError: If the model or the tokenizer is of another class, a tag exists, a relative does not, or the lines
            give fewer pieces.
    """
    _check_class(model)
    texts = dict(lines or {})
    with scratch_folder() as folder:
        content = _read_content(tokenizer, folder, len(model.get_input_embeddings().weight))
        tags = list_tags(content)
        _check_tags(tags, new_languages, texts)
        asked = {tag: tag for tag in (*texts, *new_languages)}
        changes = Changes(asked, dict(new_languages), characters, pieces)
        changed = change_tokenizer(content, tags, changes, texts)
        say_all(changed.notes, say)
        if changed.rows is None:
            return tokenizer
        made = _make_tokenizer(tokenizer, folder, changed)
    _change_tables(model, changed.rows, seed)
    return made


def _check_class(model: Any) -> None:
    kind = getattr(getattr(model, "config", None), "model_type", None)
    if kind != "m2m_100" or not hasattr(model, "resize_token_embeddings"):
        raise ConfigError(
            f"add_languages extends models of the class M2M100ForConditionalGeneration (M2M-100, NLLB), found "
            f"{type(model).__name__}; add languages before adapters are put on it"
        )


def _read_content(tokenizer: Any, folder: Path, size: int) -> dict[str, Any]:
    """Save a tokenizer into a folder, and return the content of its `tokenizer.json`.

    Raises:
        ConfigError: If it has none that can be extended.
    """
    with user_errors("write the tokenizer", folder):
        tokenizer.save_pretrained(folder)
    try:
        return read_tokenizer_file(folder / FAST_TOKENIZER, size)
    except (OSError, ValueError, DataError) as error:
        raise ConfigError(
            f"add_languages extends an NllbTokenizer, found {type(tokenizer).__name__}, which saves no usable "
            f"{FAST_TOKENIZER} ({error}); catscale train with model.pretrained reads M2M-100's tokenizer too"
        ) from error


def _check_tags(tags: Sequence[str], new: Mapping[str, str | None], texts: Mapping[str, Sequence[str]]) -> None:
    """Refuse what is no new tag, a relative that does not exist, and text of an unknown language.

    Raises:
        ConfigError: Naming the first.
    """
    check_new(tags, {}, {tag: (tag, like) for tag, like in new.items()})
    for tag in texts:
        if tag not in tags and tag not in new:
            raise ConfigError(
                f"lines must be of new languages or of those of the tokenizer, found {tag!r}; name it in new_languages "
                "too, or leave it out"
            )


def _make_tokenizer(tokenizer: Any, folder: Path, changed: Changed) -> Any:
    """Return a tokenizer of the same class with another `tokenizer.json`."""
    write_json(folder / FAST_TOKENIZER, changed.content)
    settings = dict(load_json(folder / TOKENIZER))
    settings.pop("additional_special_tokens", None)
    settings["extra_special_tokens"] = list(list_tags(changed.content))
    write_json(folder / TOKENIZER, settings)
    return type(tokenizer).from_pretrained(folder, local_files_only=True)


def _change_tables(model: Any, rows: RowOrigins, seed: int) -> None:
    """Give a model the rows of an extended tokenizer; tables that are tied stay tied."""
    read, written = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    new_read = make_rows(read.detach(), rows, seed)
    new_written = new_read if read.data_ptr() == written.data_ptr() else make_rows(written.detach(), rows, seed)
    model.resize_token_embeddings(len(rows.bases), mean_resizing=False)
    tables = model.get_input_embeddings(), model.get_output_embeddings()
    with torch.no_grad():
        for table, made in zip(tables, (new_read, new_written), strict=True):
            table.weight.copy_(made)
            table.weight.requires_grad_(read.requires_grad)
