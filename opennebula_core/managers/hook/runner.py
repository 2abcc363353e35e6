"""Runs the commands of hooks: a few at a time, each at most once, ended with all its children in time."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from opennebula_core.config.settings import HookSettings
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import OpenNebulaError
from opennebula_core.managers.core import Core
from opennebula_core.managers.hook import table
from opennebula_core.managers.hook.commands import CommandError, local_command, remote_command, words_of
from opennebula_core.managers.hook.definition import is_yes
from opennebula_core.managers.hook.sending import CommandSender
from opennebula_core.managers.hook.table import FAILED, Claimed
from opennebula_core.model.template import Template
from opennebula_core.remote import Remote, RemoteOptions

LOG = logging.getLogger(__name__)
_NOT_FOUND: Final = (126, 127)
"""Exit statuses of commands that are not there, or no programs."""
MAX_OUTPUT: Final = 64 * 1024
"""Characters of each output that the log keeps: the last ones."""


MAX_ARGUMENT: Final = 128 * 1024
"""Source: Linux, MAX_ARG_STRLEN; the documents among them are base64."""


@dataclass(frozen=True, slots=True)
class _Work:
    """An execution with the hook as it is now."""

    claimed: Claimed
    hook: Template


class HookRunner:
    """The background task that runs what waits."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._sender = CommandSender(core.location.hooks, core.config.hooks.allowed_folders)

    @property
    def _settings(self) -> HookSettings:
        return self._core.config.hooks

    def wake(self) -> None:
        """Look for what waits, soon; may be called on any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake.set)

    async def run(self) -> None:
        """Run for ever."""
        self._loop = asyncio.get_running_loop()
        lost = await self._core.store.write(table.give_up_interrupted)
        if lost:
            LOG.warning("hooks: %d commands were under way when the last process ended", lost)
        settings = self._settings
        options = RemoteOptions(user=settings.ssh_user, config_file=settings.ssh_config)
        async with Remote(options) as remote:
            try:
                while True:
                    self._wake.clear()
                    await self._start(remote)
                    await self._wake.wait()
            finally:
                await self._end()

    async def _start(self, remote: Remote) -> None:
        free = self._settings.concurrency - len(self._running)
        if free <= 0 or not self._core.store.read(table.any_waits):
            return
        for work in await self._core.store.write(lambda tx: _claim(tx, free)):
            name = f"hook {work.claimed.hook_id}"
            task = asyncio.get_running_loop().create_task(self._carry_out(remote, work), name=name)
            self._running.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._wake.set()
        if not task.cancelled() and task.exception() is not None:
            LOG.error("%s: its outcome could not be kept", task.get_name(), exc_info=task.exception())

    async def _end(self) -> None:
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _carry_out(self, remote: Remote, work: _Work) -> None:
        claimed, command = work.claimed, work.hook.get("COMMAND")
        try:
            command, code, stdout, stderr = await self._run(remote, work)
        except OpenNebulaError as error:
            code, stdout, stderr = FAILED, "", str(error)
        except Exception:  # the border of a background task: one hook must not stop the others
            LOG.exception("hook %d: failed on an internal error", claimed.hook_id)
            code, stdout, stderr = FAILED, "", "internal error"
        if code:
            LOG.error("hook %d: %s failed with %d: %s", claimed.hook_id, command, code, stderr[-500:])

        def keep(tx: Transaction) -> None:
            table.finish(tx, claimed, command, code, stdout[-MAX_OUTPUT:], stderr[-MAX_OUTPUT:])
            table.trim(tx, claimed.hook_id, self._settings.log_kept)

        await self._core.store.write(keep)

    async def _run(self, remote: Remote, work: _Work) -> tuple[str, int, str, str]:
        hook, settings, host = work.hook, self._settings, ""
        command, *words = words_of(hook.get("COMMAND"))
        if is_yes(hook, "REMOTE"):
            host = work.claimed.remote_host
            path = await self._bring(remote, host, command)
        else:
            folder = self._core.location.hooks
            path = await asyncio.to_thread(local_command, command, folder, settings.allowed_folders)
        is_stdin = is_yes(hook, "ARGUMENTS_STDIN")
        arguments = work.claimed.arguments
        done = await remote.run(
            host,
            [path, *words, *([] if is_stdin else _given(command, arguments))],
            stdin=arguments if is_stdin else b"",
            timeout=timedelta(seconds=float(hook.get("TIMEOUT") or settings.timeout_s)),
            check=False,
        )
        if done.status in _NOT_FOUND:
            self._sender.forget(host, path)
        return path, done.status, done.stdout, done.stderr

    async def _bring(self, remote: Remote, host: str, command: str) -> str:
        """Have a command lie on a host, and return its path there."""
        if not host:
            raise CommandError(f"run {command!r}: the object was on no host; REMOTE hooks need one")
        path = remote_command(command, self._settings.remote_folder)
        await self._sender.bring(remote, host, command, path)
        return path


def _given(command: str, arguments: str) -> list[str]:
    """Return the arguments of a command.

    :raises CommandError: one is longer than a program can be given
    """
    given = arguments.split()
    longest = max(map(len, given), default=0)
    if longest >= MAX_ARGUMENT:
        raise CommandError(
            f"run {command!r}: one of its arguments has {longest} characters, more than a program can be "
            f"given; set ARGUMENTS_STDIN=yes in the hook"
        )
    return given


def _claim(tx: Transaction, limit: int) -> list[_Work]:
    claimed = table.claim(tx, limit)
    hooks = {hook.id: hook.template for hook in tx.hooks.many(item.hook_id for item in claimed)}
    return [_Work(item, hooks[item.hook_id]) for item in claimed if item.hook_id in hooks]
