"""The order in which a cloud is looked at: what the rest needs comes first."""

from __future__ import annotations

import os
from collections.abc import Iterator

from opennebula_core.cli.application import Application
from opennebula_core.cli.declared import installed_plugins, plugin_problems
from opennebula_core.cli.dependents import Dependents, objects_of
from opennebula_core.cli.doctor.database import examine_database
from opennebula_core.cli.doctor.drivers import examine_drivers
from opennebula_core.cli.doctor.files import examine_certificate, examine_files, examine_room
from opennebula_core.cli.doctor.filters import examine_filters
from opennebula_core.cli.doctor.findings import Finding, error, ok, warning
from opennebula_core.cli.doctor.hosts import examine_hosts
from opennebula_core.cli.doctor.machines import examine_machines
from opennebula_core.cli.doctor.programs import examine_api, examine_programs
from opennebula_core.cli.doctor.storage import examine_images, examine_storage
from opennebula_core.cli.endpoint import own_location
from opennebula_core.cli.kinds import DATASTORE, HOST, NETWORK, VM
from opennebula_core.config import Config
from opennebula_core.config.location import Location
from opennebula_core.errors import ConfigError, OpenNebulaError


def examine(application: Application) -> Iterator[Finding]:
    """Yield what is found, as it is found; of a cloud on another machine, what its API tells."""
    try:
        yield from _examine(application)
    except PermissionError as problem:
        yield error(
            "location",
            f"{problem.filename}: {problem.strerror}",
            "run this as the user that the cloud runs as",
        )


def _examine(application: Application) -> Iterator[Finding]:
    if os.environ.get("ONE_XMLRPC"):
        yield ok("location", f"{os.environ['ONE_XMLRPC']}, named by ONE_XMLRPC: its files are not looked at")
        yield from _of_api(application, None)
        return
    location = Location.from_environment()
    if own_location(os.environ) is None:
        yield error(
            "location", f"there is no cloud at {location}: {location.config_file} is missing",
            "one start (or name the cloud's folder in ONE_LOCATION, its API in ONE_XMLRPC)",
        )  # fmt: skip
        return
    yield from _of_location(application, location)


def _of_location(application: Application, location: Location) -> Iterator[Finding]:
    try:
        config = Config.load(location)
    except ConfigError as problem:
        for line in str(problem).splitlines():
            yield error("configuration", line, f"edit {location.config_file}, then: one config check")
        yield from examine_files(location, None)
        return
    yield ok("configuration", f"{location.config_file}")
    yield from examine_files(location, config)
    yield from examine_certificate(config)
    yield from examine_room(config)
    yield from examine_database(config.database_file)
    yield from examine_programs(location)
    yield from _of_api(application, config)


def _of_api(application: Application, config: Config | None) -> Iterator[Finding]:
    """Yield what the API tells of the cloud; drivers can be judged without it."""
    used = Dependents()
    findings: list[Finding] = list(examine_api(application))
    yield from findings
    is_reached = not any(finding.level for finding in findings)
    if is_reached:
        try:
            yield from _of_objects(application, config, used)
        except OpenNebulaError as problem:
            yield error("api", str(problem), "one doctor (again), or see var/log/oned.log")
    else:
        yield warning(
            "objects", "hosts, datastores, images and VMs were not looked at", "get the API to answer"
        )
    if config is not None:
        statuses = installed_plugins(config)
        for text in plugin_problems(config, statuses):
            yield error("configuration", text, f"edit {config.location.config_file}, then: one config check")
        yield from examine_drivers(config, statuses, used)


def _of_objects(application: Application, config: Config | None, used: Dependents) -> Iterator[Finding]:
    objects = objects_of(application.client)
    used.note(objects)
    hosts = objects[HOST]
    yield from examine_hosts(hosts, config)
    yield from examine_storage(objects[DATASTORE], hosts)
    yield from examine_images(application)
    yield from examine_machines(application, objects[VM])
    network_drivers = {network.findtext("VN_MAD", "") for network in objects[NETWORK]}
    yield from examine_filters(application, hosts, network_drivers)
