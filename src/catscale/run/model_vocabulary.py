"""The section `vocabulary` of a configuration whose model brings its vocabulary along."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from catscale.model.table import ModelConfig
from catscale.settings import Settings
from catscale.settings.problems import shorten
from catscale.vocabulary.table import VocabularyConfig

MODEL: TypeAdapter[Any] = TypeAdapter(ModelConfig)
VOCABULARY: TypeAdapter[Any] = TypeAdapter(VocabularyConfig)


def join_vocabulary(content: Mapping[str, Any], context: Any = None) -> dict[str, Any]:
    """Fill in the vocabulary that follows from the model; what is wrong in either section is left for its own check.

    Args:
        content: The sections, as read or as settings.
        context: The context of their validation.

    Raises:
        ValueError: If the section `vocabulary` says something else than the model.
    """
    model = _validate(MODEL, content.get("model"), context)
    implied: dict[str, Any] = {} if model is None else model.imply_vocabulary()
    if not implied:
        return dict(content)
    given = content.get("vocabulary") or {}
    written = given.model_dump(mode="json", exclude_unset=True) if isinstance(given, Settings) else dict(given)
    joined = _validate(VOCABULARY, {**implied, **written}, context)
    found = written if joined is None else joined.model_dump(mode="json")
    for key in implied.keys() & written.keys():
        if found.get(key) != implied[key]:
            raise ValueError(
                f"vocabulary.{key} contradicts model.pretrained, whose vocabulary is the folder's, found "
                f"{shorten(written[key])} for {shorten(implied[key])}; leave vocabulary.{key} out"
            )
    return {**content, "vocabulary": {**written, **implied}}


def _validate(section: TypeAdapter[Any], content: Any, context: Any) -> Any:
    """Return the settings of a section; None for a section that is missing or wrong."""
    try:
        return None if content is None else section.validate_python(content, context=context)
    except ValidationError:
        return None
