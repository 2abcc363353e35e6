"""Drivers and policies: whether they load and answer, and whether those that objects name are there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from opennebula_core.cli.dependents import Dependents
from opennebula_core.cli.doctor.findings import Finding, error, ok, warning
from opennebula_core.config import Config
from opennebula_core.contracts.kinds import DRIVER_KINDS, SCHEDULER, group_of
from opennebula_core.errors import DriverNotFoundError
from opennebula_core.plugins import PluginStatus


def examine_drivers(config: Config, statuses: Sequence[PluginStatus], used: Dependents) -> Iterator[Finding]:
    """Yield what does not load, and what is named but not there.

    :param statuses: of all that is installed, see :func:`.describe_all`
    """
    wanted = {*used.names(), (SCHEDULER, config.scheduler.policy)}
    findings = [*_broken(statuses, used, wanted), *_missing(config, statuses, used), *_executables(config)]
    if not findings:
        kinds = [status.info.kind for status in statuses]
        drivers = sum(kind in DRIVER_KINDS for kind in kinds)
        yield ok("drivers", f"{drivers} drivers and {len(kinds) - drivers} other plugins load and answer")
    yield from findings


def _broken(
    statuses: Sequence[PluginStatus], used: Dependents, wanted: Iterable[tuple[str, str]]
) -> Iterator[Finding]:
    for status in statuses:
        info = status.info
        if status.error:
            tell = error if (info.kind, info.name) in wanted else warning
            need = f" (needed by {users})" if (users := used.text(info.kind, info.name)) else ""
            yield tell("drivers", f"{info.kind} {info.name}{need}: {status.error}",
                       f"one plugin show {info.kind} {info.name}")  # fmt: skip
        elif status.is_disabled and (need := used.text(info.kind, info.name)):
            yield error("drivers", f"{info.kind} {info.name} is disabled, and needed by {need}",
                        f"one plugin enable {info.kind} {info.name}")  # fmt: skip


def _missing(config: Config, statuses: Sequence[PluginStatus], used: Dependents) -> Iterator[Finding]:
    there = {(status.info.kind, status.info.name) for status in statuses}
    for kind, name in used.names():
        if kind != SCHEDULER and (kind, name) not in there and not config.driver(kind, name).executable:
            known = [other for of_kind, other in there if of_kind == kind]
            problem = DriverNotFoundError(group_of(kind), name, known)
            users = "; ".join(used.lines(kind, name))
            yield error("drivers", f"{users}: {problem}", f"one plugin show {kind} {name}")


def _executables(config: Config) -> Iterator[Finding]:
    for kind, drivers in config.drivers.items():
        for name, settings in drivers.items():
            path = config.file(settings.executable) if settings.executable else None
            if path is not None and not os.access(path, os.X_OK):
                yield error("drivers", f"{kind} {name}: {path} is no program that can be run",
                            f"chmod +x {path}, or correct [drivers.{kind}.{name}] executable")  # fmt: skip
