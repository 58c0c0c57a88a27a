"""A section of a configuration whose settings are those of a method."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catscale.settings.base import Settings


@dataclass(frozen=True)
class Section:
    """The methods that a section may name, and what another method does to its settings.

    Attributes:
        methods: Settings classes by name.
        default: The method where the section names none; None where it must.
        is_shared: Whether a setting means the same in every method that has it, so that another method keeps it.
        key: The key that names the method.
        own: The base of classes of the user's own; None where there may be none.
    """

    methods: Mapping[str, type[Settings]]
    default: str | None = None
    is_shared: bool = False
    key: str = "method"
    own: type[Settings] | None = None

    def settings_kept(self, content: Mapping[str, Any], method: object) -> dict[str, Any]:
        """Return the settings that stay when the section gets another method.

        Args:
            content: The section's.
            method: Name of the new one; what is none keeps nothing.
        """
        chosen = self.methods.get(method) if isinstance(method, str) else None
        return {} if chosen is None else self.settings_kept_by(content, chosen)

    def settings_kept_by(self, content: Mapping[str, Any], chosen: type[Settings]) -> dict[str, Any]:
        """Return the settings that stay when the section gets a method of a class.

        Args:
            content: The section's.
            chosen: The settings class of the new method.
        """
        if not self.is_shared:
            return {}
        known = {field.alias or key for key, field in chosen.model_fields.items()} - {self.key}
        return {key: value for key, value in content.items() if key in known}
