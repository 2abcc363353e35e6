"""The version of the plugin API, and which versions of it a package may be written for.

A package says in its metadata, where it can be read before any of its code runs, what it is written for::

    [project.entry-points."opennebula.plugin_api"]
    "1.0" = "acme_paper"

The rules by which the number changes stand in ``docs/plugins/compatibility.md``.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Self

PLUGIN_API_GROUP: Final = "opennebula.plugin_api"
"""The entry-point group whose names are the versions that a package is written for."""


@dataclass(frozen=True, slots=True, order=True)
class ApiVersion:
    """A version of the plugin API: what breaks plugins changes ``major``, what is added ``minor``."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the version that a text such as ``1.0`` names.

        :raises ValueError: it names none
        """
        found = re.fullmatch(r"(\d{1,4})\.(\d{1,4})", text)
        if found is None:
            raise ValueError(f"{text!r} is no version of the plugin API, such as '1.0'")
        return cls(int(found[1]), int(found[2]))

    def runs(self, written_for: ApiVersion) -> bool:
        """Say whether a core with this version runs what was written for another one."""
        return written_for.major == self.major and written_for.minor <= self.minor

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


PLUGIN_API: Final = ApiVersion(1, 0)
"""What this core offers: the contracts, the hooks and the names that plugins may import."""

UNDECLARED: Final = "1.0"
"""What a package that says nothing is taken to be written for."""


def misfit(declared: Collection[str], offered: ApiVersion = PLUGIN_API) -> str:
    """Say why a package does not fit this core, empty when it does.

    :param declared: the versions that it names; one that fits is enough
    """
    versions = []
    for text in declared or (UNDECLARED,):
        try:
            versions.append(ApiVersion.parse(text))
        except ValueError as error:
            return str(error)
    if any(offered.runs(version) for version in versions):
        return ""
    named = " and ".join(str(version) for version in sorted(versions))
    return f"it is written for plugin API {named}, and this core has {offered}"
