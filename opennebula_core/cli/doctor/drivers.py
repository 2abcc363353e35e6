"""Drivers and policies: whether they load and answer, and whether those that objects name are there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import Element

from opennebula_core.cli.doctor.findings import Finding, error, ok, warning
from opennebula_core.config import Config
from opennebula_core.contracts.kinds import DRIVER_KINDS, SCHEDULER, group_of
from opennebula_core.errors import DriverNotFoundError
from opennebula_core.plugins import PluginStatus

NO_DRIVER: Final = ("", "-")


@dataclass(slots=True)
class DriversInUse:
    """The drivers that objects name.

    :param names: kind and name of the driver, and one of the objects that name it
    """

    names: dict[tuple[str, str], str] = field(default_factory=dict)

    def note(
        self, hosts: Iterable[Element], datastores: Iterable[Element], networks: Iterable[Element]
    ) -> None:
        """Take the drivers of hosts, datastores and networks."""
        for kind, path, title, items in (
            ("im", "IM_MAD", "host", hosts),
            ("vmm", "VM_MAD", "host", hosts),
            ("datastore", "DS_MAD", "datastore", datastores),
            ("tm", "TM_MAD", "datastore", datastores),
            ("vnm", "VN_MAD", "network", networks),
        ):
            for item in items:
                name = item.findtext(path, "")
                if name not in NO_DRIVER:
                    self.names.setdefault((kind, name), f"{title} {item.findtext('NAME')}")


def examine_drivers(
    config: Config, statuses: Sequence[PluginStatus], used: DriversInUse
) -> Iterator[Finding]:
    """Yield what does not load, and what is named but not there.

    :param statuses: of all that is installed, see :func:`.describe_all`
    """
    wanted = {*used.names, (SCHEDULER, config.scheduler.policy)}
    findings = [*_broken(statuses, wanted), *_missing(config, statuses, used), *_executables(config)]
    if not findings:
        kinds = [status.info.kind for status in statuses]
        drivers = sum(kind in DRIVER_KINDS for kind in kinds)
        yield ok("drivers", f"{drivers} drivers and {len(kinds) - drivers} other plugins load and answer")
    yield from findings


def _broken(statuses: Sequence[PluginStatus], wanted: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    for status in statuses:
        info = status.info
        if status.error:
            tell = error if (info.kind, info.name) in wanted else warning
            yield tell("drivers", f"{info.kind} {info.name}: {status.error}",
                       f"one plugin show {info.kind} {info.name}")  # fmt: skip


def _missing(config: Config, statuses: Sequence[PluginStatus], used: DriversInUse) -> Iterator[Finding]:
    there = {(status.info.kind, status.info.name) for status in statuses}
    for (kind, name), user in used.names.items():
        if (kind, name) not in there and not config.driver(kind, name).executable:
            known = [other for of_kind, other in there if of_kind == kind]
            problem = DriverNotFoundError(group_of(kind), name, known)
            yield error("drivers", f"{user}: {problem}", f"one plugin list {kind}")


def _executables(config: Config) -> Iterator[Finding]:
    for kind, drivers in config.drivers.items():
        for name, settings in drivers.items():
            path = config.file(settings.executable) if settings.executable else None
            if path is not None and not os.access(path, os.X_OK):
                yield error("drivers", f"{kind} {name}: {path} is no program that can be run",
                            f"chmod +x {path}, or correct [drivers.{kind}.{name}] executable")  # fmt: skip
