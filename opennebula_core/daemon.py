"""``oned``: puts the core together, runs it in the foreground, and ends it in order."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from opennebula_core.api.additions import check_additions
from opennebula_core.api.authentication import Authenticator
from opennebula_core.api.changes import ChangeFeed
from opennebula_core.api.configuration import shown_configuration
from opennebula_core.api.dispatch import Dispatcher
from opennebula_core.api.http import HttpApplication
from opennebula_core.api.methods import MethodTable
from opennebula_core.api.request_hooks import RequestHooks
from opennebula_core.api.server import Server
from opennebula_core.api.system_methods import system_methods
from opennebula_core.config import Config
from opennebula_core.config.allocator import keep_little_free
from opennebula_core.config.location import Location
from opennebula_core.config.pid_file import take_pid_file
from opennebula_core.contracts.kinds import DRIVER_KINDS, group_of
from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.db.connection import Clock
from opennebula_core.db.outbox import keep_outbox_short
from opennebula_core.db.store import Store
from opennebula_core.errors import OpenNebulaError
from opennebula_core.managers.absent.methods import absent_methods
from opennebula_core.managers.builtin import builtin_managers
from opennebula_core.managers.core import Core
from opennebula_core.managers.driver_events import DriverEventSink
from opennebula_core.managers.drivers import Drivers
from opennebula_core.managers.first_start import prepare_database
from opennebula_core.managers.hooks import CoreHooks
from opennebula_core.managers.monitoring import MonitoringCache
from opennebula_core.managers.state_changes import StateAnnouncer
from opennebula_core.managers.vm.log import VmLog
from opennebula_core.plugins import HookManager, create_hook_manager
from opennebula_core.plugins.discovery import installed
from opennebula_core.plugins.log_levels import apply_levels
from opennebula_core.wire.monitoring.listener import MonitorListener
from opennebula_core.wire.pool import DriverPool

LOG = logging.getLogger(__name__)
RESTART_PAUSE_S = 5.0
THREAD_SWITCH_S = 0.0005
"""How long a thread may keep the interpreter from one that waits. The writer lets go of it at each statement,
and gets it back from a busy event loop only after this time: Python's own 5 ms would rule its pace."""


@dataclass(slots=True)
class Daemon:
    """One running core."""

    config: Config
    location: Location
    store: Store
    core: Core
    registry: ManagerRegistry
    dispatcher: Dispatcher
    server: Server
    authenticator: Authenticator
    feed: ChangeFeed
    listener: MonitorListener
    pool: DriverPool
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self) -> None:
        """Go on where the last process ended, and answer requests."""
        await self.listener.start()
        self.core.host_watch.listen_on(self.listener.port)
        await self.core.executor.resume_all()
        for begin in self.core.on_start:
            begin()
        self._keep("outbox", partial(keep_outbox_short, self.store))
        for name, task in self.registry.background_tasks.items():
            owner = self.registry.owner("background task", name)
            self._keep(name if owner == name else f"{name} (plugin {owner})", task)
        await self.server.start()

    def _keep(self, name: str, task: Callable[[], Awaitable[None]]) -> None:
        self.tasks.append(asyncio.create_task(_keep_running(name, task), name=name))

    async def stop(self) -> None:
        """End in order: no new requests, no background work, no drivers, then the database."""
        self.feed.close()
        await self.server.stop()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.core.close()
        await self.pool.stop()
        await self.listener.stop()
        self.authenticator.close()
        await asyncio.to_thread(self.core.vm_log.close)
        await asyncio.to_thread(self.store.close)


async def _keep_running(name: str, task: Callable[[], Awaitable[None]]) -> None:
    """Run a background task; one that fails is started again."""
    while True:
        try:
            await task()
        except Exception:
            LOG.exception("%s: failed; it is started again in %g s", name, RESTART_PAUSE_S)
        await asyncio.sleep(RESTART_PAUSE_S)


async def build(
    location: Location,
    *,
    synchronous: str = "FULL",
    clock: Clock = time.time,
    plugins: Iterable[tuple[str, object]] = (),
) -> Daemon:
    """Return a core that is ready to start.

    :param synchronous: of the database; ``OFF`` is for tests
    :param clock: what changes are stamped by
    :param plugins: name and object of plugins beside the installed ones
    :raises OpenNebulaError: configuration, database or a built-in manager is broken
    """
    config = Config.load(location)
    hooks = create_hook_manager((*builtin_managers(), *plugins), config.plugins.disabled)
    async with AsyncExitStack() as undo:
        store = await asyncio.to_thread(_open_store, config, synchronous, clock)
        undo.push_async_callback(asyncio.to_thread, store.close)
        sink = DriverEventSink()
        pool = DriverPool(config, sink.log, sink.message, sink.progress)
        core = _core(config, location, store, pool, hooks)
        registry = ManagerRegistry(core)
        hooks.register_managers(registry, check_additions)
        for plugin, reason in await store.write(
            lambda tx: prepare_database(tx, location, config, registry, frozenset(hooks.outside()))
        ):
            hooks.reject(hooks.plugins[plugin], reason)
        core.step_kinds.update(registry.step_kinds)
        sink.connect(core)
        authenticator = Authenticator(
            store,
            session_s=config.api.session_s,
            umask=int(config.users.umask, 8),
            drivers=pool,
            default_auth=config.users.default_auth,
            token_lookup=core.tokens.find,
        )
        undo.callback(authenticator.close)
        dispatcher, feed = _dispatcher(core, authenticator, registry, hooks)
        application = HttpApplication(
            dispatcher, store, registry.routes, max_body_bytes=config.api.max_request_mib << 20
        )
        store.on_commit(StateAnnouncer(core).committed)
        listener = MonitorListener(config.monitoring.listen, config.monitoring.port, sink.monitored)
        server = Server(config.api, application, etc=location.etc)
        undo.pop_all()
    return Daemon(
        config, location, store, core, registry, dispatcher, server, authenticator, feed, listener, pool
    )


def _core(config: Config, location: Location, store: Store, pool: DriverPool, hooks: HookManager) -> Core:
    core_hooks = CoreHooks(hooks)
    return Core(
        config,
        location,
        store,
        Drivers(pool, config, core_hooks),
        core_hooks,
        socket.gethostname(),
        MonitoringCache(),
        VmLog(location),
    )


def _dispatcher(
    core: Core, authenticator: Authenticator, registry: ManagerRegistry, hooks: HookManager
) -> tuple[Dispatcher, ChangeFeed]:
    feed = ChangeFeed(core.store)
    dispatcher = Dispatcher(
        core.store,
        authenticator,
        method_table(core.config, feed, registry),
        version=core.config.api.version,
        hooks=RequestHooks(hooks),
        recorder=core.call_recorder,
    )
    return dispatcher, feed


def method_table(config: Config, feed: ChangeFeed, registry: ManagerRegistry) -> MethodTable:
    """Return every method of the API: the managers', the core's own, and answers for what is not there."""
    offered = {kind: [plugin.name for plugin in installed(group_of(kind))] for kind in DRIVER_KINDS}
    shown = shown_configuration(config, offered)
    system = system_methods(feed, lambda: shown, version=config.api.version)
    present = {method.name for method in (*registry.methods.values(), *system)}
    absent = (method for method in absent_methods() if method.name not in present)
    return MethodTable((*registry.methods.values(), *system, *absent))


def _open_store(config: Config, synchronous: str, clock: Clock) -> Store:
    config.database_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Store(config.database_file, synchronous=synchronous, clock=clock)


async def serve(location: Location) -> None:
    """Run a core until SIGTERM or SIGINT; SIGHUP makes it read its certificate again."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    daemon = await build(location)
    try:
        await daemon.start()
        loop.add_signal_handler(signal.SIGHUP, daemon.server.reload_certificate)
        LOG.info("oned: ready on %s, process %d", daemon.config.endpoint, os.getpid())
        await ended.wait()
        LOG.info("oned: ending")
    finally:
        await daemon.stop()
    LOG.info("oned: ended")


def set_up_logging(config: Config) -> None:
    """Write the log to standard error; ``one start`` sends that to ``var/log/oned.log``."""
    logging.basicConfig(
        level=config.log.level.upper(),
        format="%(asctime)s [%(levelname).1s] %(name)s: %(message)s",
        stream=sys.stderr,
        force=True,
    )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    apply_levels(config.log.levels)


def run(main: Callable[[Location], Any], location: Location) -> None:
    """Run the event loop."""
    asyncio.run(main(location))


def main() -> None:
    """Run the daemon in the foreground; the program ``oned``."""
    location = Location.from_environment()
    try:
        location.create()
        set_up_logging(Config.load(location))
        keep_little_free()
        sys.setswitchinterval(THREAD_SWITCH_S)
        lock = take_pid_file(location, "oned")
        run(serve, location)
    except (OpenNebulaError, OSError) as error:
        sys.stderr.write(f"oned: {error}\n")
        sys.exit(1)
    lock.close()
    location.pid_file("oned").unlink(missing_ok=True)
