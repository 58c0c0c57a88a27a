"""The base of every configuration class."""

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """A frozen group of settings: unknown keys are errors, and so are values that do not read as their type."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
