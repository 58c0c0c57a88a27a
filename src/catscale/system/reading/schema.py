"""Schemas of files that are read back: a pydantic model beside the code that owns the file, checked on reading."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from catscale.settings.problems import shorten

SHOWN = 3
"""Problems of one file that a message names."""


class FileSchema(BaseModel):
    """The keys of a file that we read; others, as later versions may write them, are left alone.

    Types are strict: a truth value is no number and a text is none either. Fields are numbers that are finite.
    """

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, allow_inf_nan=False)


def _check_encodable(text: str) -> str:
    if "\0" in text or text != text.encode(errors="ignore").decode():
        raise ValueError("text holds a NUL character or half of a surrogate pair")
    return text


Count = Annotated[int, Field(ge=0, lt=2**63)]
"""A count of something."""
Number = Annotated[float, Field(allow_inf_nan=False)]
"""A finite number."""
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""A finite number that is not negative."""
Text = Annotated[str, Field(max_length=10_000), AfterValidator(_check_encodable)]
"""A text that can be written and shown."""


def check(content: Any, schema: type[BaseModel]) -> None:
    """Check what a file holds.

    Args:
        content: The parsed content.
        schema: The schema of its content.

    Raises:
        ValueError: If it does not, naming the first problems with their keys.
    """
    try:
        schema.model_validate(content)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False)
        named = "; ".join(_describe(dict(problem)) for problem in problems[:SHOWN])
        more = f"; and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise ValueError(named + more) from None


def _describe(problem: dict[str, Any]) -> str:
    """Describe one problem: the key, what is wrong, what was found."""
    place = ".".join(str(part)[:60] for part in problem["loc"][:6])
    text = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] in ("model_type", "dict_type"):
        text = "must hold keys"
    found = "" if problem["type"] in ("missing", "value_error") else f", found {shorten(problem['input'])}"
    return f"{place + ': ' if place else ''}{text[:1].lower()}{text[1:]}{found}"
