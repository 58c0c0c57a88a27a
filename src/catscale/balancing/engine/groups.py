"""Named groups of the shared parameters, over which gradients may be compared by themselves."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from catscale.errors import ConfigError
from catscale.system.misuse import describe

REST = "rest"


def check_groups(groups: Any) -> None:
    """Refuse what is no mapping of names to parameters.

    Raises:
        ConfigError: Saying what to write.
    """
    what = "groups must be parameters by the name of a group"
    if groups is not None and not isinstance(groups, Mapping):
        raise ConfigError(f"{what}, found {describe(groups)}; write {{name: module.parameters()}}")
    for name, members in (groups or {}).items():
        if isinstance(members, nn.Module | Tensor | str) or not isinstance(members, Iterable):
            raise ConfigError(
                f"{what}, found {describe(members)} for {name!r}; write module.parameters(), or a list of tensors"
            )


class ParameterGroups:
    """Groups of parameters by name.

    Args:
        parameters: The shared parameters.
        groups: Parameters of each group; parameters that are not shared are left out.

    Raises:
        ConfigError: If a group holds none of the shared parameters, or is called "rest" or "last".
    """

    def __init__(self, parameters: Sequence[Tensor], groups: Mapping[str, Iterable[Tensor]] | None) -> None:
        check_groups(groups)
        places = {id(parameter): index for index, parameter in enumerate(parameters)}
        self._members = {
            name: sorted({places[id(p)] for p in members if id(p) in places})
            for name, members in (groups or {}).items()
        }
        self._count = len(parameters)
        for name, members in self._members.items():
            if not members or name in (REST, "last"):
                raise ConfigError(
                    f"group {name!r} must hold trainable shared parameters and not be called rest or last, found "
                    f"{len(members)} of them; leave it out or rename it"
                )

    @property
    def names(self) -> list[str]:
        """Names of the groups, the parameters of none of them last, as "rest"."""
        return [*self._members, *([REST] if self._rest() else [])]

    def _rest(self) -> list[int]:
        taken = {index for members in self._members.values() for index in members}
        return [index for index in range(self._count) if index not in taken]

    def members(self, name: str | None) -> list[int]:
        """Return the positions of a group's parameters; all for None; the last group given for "last", all where none
        was.

        Raises:
            ConfigError: If there is no such group.
        """
        if name is None:
            return list(range(self._count))
        if name == REST and self._rest():
            return self._rest()
        if name == "last":
            return self._members[list(self._members)[-1]] if self._members else self.members(None)
        if name not in self._members:
            raise ConfigError(
                f"the method measures gradients of the group {name!r}; the groups are {', '.join(self.names)}; name "
                "one of them, or give groups={name: parameters} to TaskBalancer"
            )
        return self._members[name]

    def partition(self) -> list[list[int]]:
        """Return the positions of every group's parameters, in the order of `names`.

        Raises:
            ConfigError: If two groups share a parameter.
        """
        parts = [self.members(name) for name in self.names]
        if sum(len(part) for part in parts) != self._count:
            raise ConfigError(f"groups must not share parameters for weights per group, found {self.names}; part them")
        return parts
