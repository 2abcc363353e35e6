"""The drivers that a process holds: loaded by name when first wanted, called without blocking the process."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar, cast

from opennebula_core.config import Config, Location, OptionValue, PluginSettings, option_values
from opennebula_core.contracts.driver import Driver, DriverContext
from opennebula_core.contracts.kinds import group_of
from opennebula_core.plugins.discovery import load_driver
from opennebula_core.wire.services.gates import HostGates

P = ParamSpec("P")
T = TypeVar("T")

HOST_LIMIT: Final = 32
"""Actions at a time on one host; more wait, and hold up nobody else."""

DEFAULT_THREADS: Final = 16
DEFAULT_DATASTORES: Final = "/var/lib/one/datastores"

LOADED_KINDS: Final[Mapping[str, tuple[str, ...]]] = {"vmm": ("vmm", "tm", "vnm")}
"""The kinds of drivers that a process may load, where they are more than its own."""

THREADS: Final[ContextVar[set[Future[Any]] | None]] = ContextVar("threads", default=None)
"""What is on threads for the request at hand: it goes on when the request is dropped, nothing can end it."""

_CONTRACTS: Final = "opennebula_core.contracts."


@dataclass(frozen=True, slots=True)
class ProcessSettings:
    """What ``oned.toml`` says about the drivers that a process may load.

    :param options: kind -> name -> the driver's own options as written
    :param threads: how many actions of drivers without ``async`` methods run at a time
    :param datastores: the folder of the datastores on every host
    :param plugins: which drivers are not to be used, though they are installed
    :param levels: ``[log.levels]``
    """

    options: Mapping[str, Mapping[str, Mapping[str, OptionValue]]] = field(default_factory=dict)
    threads: int = DEFAULT_THREADS
    datastores: str = DEFAULT_DATASTORES
    plugins: PluginSettings = field(default_factory=PluginSettings)
    levels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_config(cls, config: Config, kind: str, name: str) -> ProcessSettings:
        """Return what a process of that driver is to know: options may hold secrets of other drivers."""
        options = {
            each: {
                driver: dict(settings.options) for driver, settings in config.drivers.get(each, {}).items()
            }
            for each in LOADED_KINDS.get(kind, (kind,))
        }
        threads = config.driver(kind, name).threads
        return cls(options, threads, config.datastores.path, config.plugins, config.log.levels)

    def to_json(self) -> str:
        """Return the text that :meth:`read` takes."""
        return json.dumps(
            {
                "options": self.options,
                "threads": self.threads,
                "datastores": self.datastores,
                "disabled": self.plugins.disabled,
                "levels": dict(self.levels),
            }
        )

    @classmethod
    def read(cls, file: Path) -> ProcessSettings:
        """Read the settings from a file; one that was inherited, ``/dev/fd/N``, is closed then."""
        document = json.loads(file.read_text())
        if file.parent == Path("/dev/fd"):
            os.close(int(file.name))
        return cls(
            document["options"],
            document["threads"],
            document["datastores"],
            PluginSettings(tuple(document["disabled"])),
            document["levels"],
        )


class DriverSet:
    """Loads drivers by kind and name, once each, and calls their methods.

    :param host_threads: methods that block, at a time for one host; 0: half of all
    :param load: finds a class by entry-point group and name
    """

    def __init__(
        self,
        location: Location,
        settings: ProcessSettings,
        host_threads: int = 0,
        load: Callable[[str, str], type] = load_driver,
    ) -> None:
        self.location = location
        self._load = load
        self._settings = settings
        self._drivers: dict[tuple[str, str], Driver] = {}
        self._pool = ThreadPoolExecutor(settings.threads, thread_name_prefix="action")
        self._host_threads = HostGates(host_threads or max(1, settings.threads // 2))
        self._host_actions = HostGates(HOST_LIMIT)

    def get(self, kind: str, name: str) -> Driver:
        """Return the driver of that name; loading has made sure that it keeps the contract of its kind.

        :raises PluginError: it cannot be loaded
        :raises ConfigError: its options are wrong, or it is not to be used
        """
        driver = self._drivers.get((kind, name))
        if driver is None:
            self._settings.plugins.check(kind, name)
            loaded = cast(type[Driver], self._load(group_of(kind), name))
            given = self._settings.options.get(kind, {}).get(name, {})
            options = option_values(loaded.options, given, f"drivers.{kind}.{name}.options")
            driver = loaded(DriverContext(name, self.location.root, options, self._settings.datastores))
            self._drivers[kind, name] = driver
        return driver

    def action_on(self, host: str) -> AbstractAsyncContextManager[None]:
        """Hold a place among the actions on a host; waits while the host has too many."""
        return self._host_actions.holding(host)

    async def call(
        self, host: str, method: Callable[P, Awaitable[T] | T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Call a method of a driver: one that may block runs on a thread, few at a time for one host."""
        if not may_block(method):
            result = method(*args, **kwargs)
        else:
            result = await self._on_thread(host, lambda: method(*args, **kwargs))
        if inspect.isawaitable(result):
            return await result
        return result

    async def _on_thread(self, host: str, work: Callable[[], T]) -> T:
        """Do the work on a thread; its place is taken until it ends, even if nobody waits any more."""
        await self._host_threads.enter(host)
        loop = asyncio.get_running_loop()
        future = self._pool.submit(work)
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._host_threads.leave, host))
        if (threads := THREADS.get()) is not None:
            threads.add(future)
            future.add_done_callback(threads.discard)
        return await asyncio.wrap_future(future)

    async def close(self) -> None:
        """Close all drivers; threads that still work are left to end with the process."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        await asyncio.gather(*(driver.close() for driver in self._drivers.values()), return_exceptions=True)


def may_block(method: Callable[..., object]) -> bool:
    """Say whether a method may take time: ``async`` ones do not block, the contracts' own do nothing."""
    return _may_block(getattr(method, "__func__", method))


@cache
def _may_block(function: Callable[..., object]) -> bool:
    is_default = getattr(function, "__module__", "").startswith(_CONTRACTS)
    return not is_default and not inspect.iscoroutinefunction(function)
