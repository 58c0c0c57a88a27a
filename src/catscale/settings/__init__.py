"""Configuration classes: their base, and their problems in words."""

from catscale.settings.base import LARGE, READ_AS, STEPS, Settings

__all__ = ["LARGE", "READ_AS", "STEPS", "Settings"]
