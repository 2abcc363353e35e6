"""``onedriver KIND NAME``: the process of a driver; ``--describe`` prints what the driver can do.

``onedriver check KIND`` holds a driver to the protocol; it is a program of the test kit.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from opennebula_core.config import Config, Location
from opennebula_core.contracts.kinds import group_of
from opennebula_core.errors import OpenNebulaError
from opennebula_core.plugins.discovery import describe
from opennebula_core.plugins.log_levels import apply_levels
from opennebula_core.wire.framing import flatten
from opennebula_core.wire.services.auth import AuthService
from opennebula_core.wire.services.channel import Channel
from opennebula_core.wire.services.datastore import DatastoreService
from opennebula_core.wire.services.dispatcher import Dispatcher
from opennebula_core.wire.services.drivers import DriverSet, ProcessSettings
from opennebula_core.wire.services.im import ImService
from opennebula_core.wire.services.service import Service
from opennebula_core.wire.services.tm import TmService
from opennebula_core.wire.services.vmm import VmmService

LOG = logging.getLogger("onedriver")

SERVICES: Final[Mapping[str, type[Service]]] = {
    "vmm": VmmService,
    "tm": TmService,
    "im": ImService,
    "datastore": DatastoreService,
    "auth": AuthService,
}
CHECK: Final = "check"
CONFORMANCE: Final = "opennebula_core.testing.conformance"
"""The program behind ``onedriver check``: drivers that the core starts need not load it."""

CLOSE_S: Final = 0.5
"""How long drivers may take to close their connections."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a driver until the core ends it or is gone."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if len(given) == 1:  # OpenNebula's core hands its whole ARGUMENTS over as one word
        given = shlex.split(given[0])
    if given[:1] == [CHECK]:
        os.execv(sys.executable, [sys.executable, "-m", CONFORMANCE, *given[1:]])
    options = _parser().parse_args(given)
    if options.describe:
        sys.exit(_describe(options.kind, options.name))
    channel = Channel.standard()
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    status = asyncio.run(_run(channel, options))
    channel.flush()
    logging.shutdown()
    os._exit(status)  # threads that are stuck in a driver's method must not keep the process


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="onedriver",
        description="Run a driver, speaking OpenNebula's driver protocol. `onedriver check KIND` tests one.",
    )
    parser.add_argument("kind", choices=sorted([*SERVICES, "vnm"]), help="kind of driver")
    parser.add_argument("name", help="name of the driver, as `one plugin list` shows it")
    parser.add_argument("--describe", action="store_true", help="print what the driver can do, as JSON")
    parser.add_argument(
        "--settings", type=Path, help="file with the drivers' settings, as the core writes it"
    )
    return parser


def _describe(kind: str, name: str) -> int:
    try:
        text = describe(group_of(kind), name).to_json()
    except OpenNebulaError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{text}\n")
    return 0


async def _run(channel: Channel, options: argparse.Namespace) -> int:
    try:
        service = _service(options)
    except (OpenNebulaError, OSError, ValueError) as error:
        return await _refuse(channel, str(error))
    dispatcher = Dispatcher(service, channel.send)
    for ending in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(ending, dispatcher.finished.set)
    channel.open(dispatcher.feed, dispatcher.lose)
    await dispatcher.finished.wait()
    await dispatcher.finish()
    await service.close()
    try:
        await asyncio.wait_for(service.drivers.close(), CLOSE_S)
    except TimeoutError:
        LOG.warning("driver %s/%s: does not close its connections", options.kind, options.name)
    return 0


def _service(options: argparse.Namespace) -> Service:
    location = Location.from_environment()
    if options.settings is not None:
        settings = ProcessSettings.read(options.settings)
    else:
        settings = ProcessSettings.from_config(Config.load(location), options.kind, options.name)
    looks_only = options.kind == ImService.kind  # one look at a time at a host, however long it takes
    apply_levels(settings.levels)
    drivers = DriverSet(location, settings, host_threads=1 if looks_only else 0)
    service = SERVICES[options.kind](options.name, drivers)
    service.load()
    return service


async def _refuse(channel: Channel, reason: str) -> int:
    """Say at INIT why the driver cannot work."""
    LOG.error("%s", reason)
    asked = asyncio.Event()
    channel.open(lambda _: asked.set(), asked.set)
    await asked.wait()
    channel.send(f"INIT FAILURE - {flatten(reason)}")
    channel.flush()
    return 1


if __name__ == "__main__":
    main()
