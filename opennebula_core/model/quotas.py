"""Quotas: what may be limited, the texts that limit it, and limits with what is used of them.

Source of names, special values and rules: OpenNebula 6.10, quotas of users and groups.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from opennebula_core.errors import InternalError
from opennebula_core.model.template import Template, Vector

DEFAULT: Final = -1
"""A limit that is left to the defaults; among those: no limit."""
UNLIMITED: Final = -2
NO_ID: Final = -1
"""The id of the entry for VMs, of which there is one for each owner."""
MAX_LIMIT: Final = 10**15
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,6})?")
_USED = "_USED"


class Owner(StrEnum):
    """Who has quotas; the value is the word in the database."""

    USER = "USER"
    GROUP = "GROUP"


class Resource(StrEnum):
    """What a quota is about; the value is the word in texts, documents and the database."""

    DATASTORE = "DATASTORE"
    NETWORK = "NETWORK"
    VM = "VM"
    IMAGE = "IMAGE"


@dataclass(frozen=True, slots=True)
class Metric:
    """One number of a quota.

    :param column: of its limit in the database; what is used of it is in ``<column>_used``
    :param scale: what the document's number is multiplied by there: CPU is counted in percent of a core
    """

    name: str
    column: str
    scale: int = 1

    def text(self, number: int) -> str:
        """Return a number as documents and messages show it; those below 0 have a meaning, no unit."""
        if number < 0 or number % self.scale == 0:
            return str(number if number < 0 else number // self.scale)
        return f"{number / self.scale:.2f}"

    def number(self, text: str) -> int:
        """Return the number that a limit's text means.

        :raises InternalError: it is none, or below -2
        """
        value = float(text) if _NUMBER.fullmatch(text) else UNLIMITED - 1.0
        number = value if value < 0 else value * self.scale
        is_whole = number == int(number) or (number >= 0 and self.scale > 1)
        if not UNLIMITED <= number <= MAX_LIMIT or not is_whole:
            raise InternalError(
                f"Wrong limit {text[:40]!r} for {self.name}; "
                "use a number, -1 for the default or -2 for no limit"
            )
        return round(number)


METRICS: Final[dict[Resource, tuple[Metric, ...]]] = {
    Resource.DATASTORE: (Metric("IMAGES", "items"), Metric("SIZE", "size_mib")),
    Resource.NETWORK: (Metric("LEASES", "items"),),
    Resource.VM: (
        Metric("VMS", "vms"),
        Metric("RUNNING_VMS", "running_vms"),
        Metric("CPU", "cpu_percent", 100),
        Metric("RUNNING_CPU", "running_cpu_percent", 100),
        Metric("MEMORY", "memory_mib"),
        Metric("RUNNING_MEMORY", "running_memory_mib"),
        Metric("SYSTEM_DISK_SIZE", "system_disk_mib"),
    ),
    Resource.IMAGE: (Metric("RVMS", "items"),),
}
"""In the order of documents; metrics in the order in which they are checked."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one entry, in the order of :data:`METRICS`."""

    resource: Resource
    resource_id: int
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Quota:
    """One entry: limits and what is used, in the order of :data:`METRICS`."""

    resource: Resource
    resource_id: int
    limits: tuple[int, ...]
    used: tuple[int, ...]

    @property
    def is_shown(self) -> bool:
        """Whether a document has the entry: something is limited or used."""
        return any(self.used) or any(limit != DEFAULT for limit in self.limits)


def parse_limits(text: Template) -> list[Limits]:
    """Return the limits that a quota text sets; metrics that an entry does not name are left to the default.

    What is used (``VMS_USED``, as documents have it) is passed over.

    :raises InternalError: a vector or a metric is not known, an ID is missing, or a limit is no limit
    """
    found: dict[tuple[Resource, int], Limits] = {}
    for name, value in text:
        if name not in list(Resource) or isinstance(value, str):
            raise InternalError(f"Wrong quota {name!r}; use vectors {', '.join(Resource)}")
        limits = _limits(Resource(name), value)
        found[limits.resource, limits.resource_id] = limits
    return list(found.values())


def _limits(resource: Resource, vector: Vector) -> Limits:
    metrics = METRICS[resource]
    known = {metric.name for metric in metrics}
    unknown = [name for name in vector if name not in known and name != "ID" and not name.endswith(_USED)]
    if unknown:
        names = ", ".join(sorted(known))
        raise InternalError(f"Wrong metric {unknown[0]!r} in {resource} quota; use {names}")
    numbers = tuple(metric.number(vector.get(metric.name) or str(DEFAULT)) for metric in metrics)
    if resource is Resource.VM:
        return Limits(resource, NO_ID, numbers)
    if not re.fullmatch(r"\d{1,9}", vector.get("ID", "")):
        raise InternalError(f"Wrong or missing ID {vector.get('ID', '')[:40]!r} in {resource} quota")
    return Limits(resource, int(vector["ID"]), numbers)


def refusal_text(owner: str, owner_id: int, limit: str, metric: str, place: str) -> str:
    """Return why a request is refused. Source: OpenNebula 6.10."""
    return f"{owner.lower()} [{owner_id}] limit of {limit} reached for {metric} quota in {place}."
