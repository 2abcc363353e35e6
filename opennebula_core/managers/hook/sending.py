"""Commands of the front-end's hooks' folder, brought to the hosts that they are to run on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

from opennebula_core.managers.hook.commands import local_command
from opennebula_core.remote import Remote

LIMIT: Final = timedelta(seconds=60)
_SETTLE: Final = 'chmod 700 -- "$1" && mv -f -T -- "$1" "$2"'
"""What is there may be running: it is replaced at once, and never written to."""


class CommandSender:
    """Sends each command once to each host, and again when it has changed.

    :param folder: of the commands; what is not in it is taken to be on the hosts already
    """

    def __init__(self, folder: Path, allowed_folders: Iterable[str]) -> None:
        self._folder = folder
        self._allowed = tuple(allowed_folders)
        self._sent: dict[tuple[str, str], tuple[int, int]] = {}
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def bring(self, remote: Remote, host: str, command: str, path: str) -> None:
        """Have a command lie on a host.

        :param path: where on the host
        :raises CommandError: it may not be run
        :raises DriverError: the host cannot take it, or cannot be reached
        """
        if command.startswith("/") or not await asyncio.to_thread((self._folder / command).exists):
            return
        key = (host, path)
        turn = self._turns.setdefault(key, asyncio.Lock())
        async with turn:
            local = Path(await asyncio.to_thread(local_command, command, self._folder, self._allowed))
            facts = await asyncio.to_thread(local.stat)
            mark = (facts.st_mtime_ns, facts.st_size)
            if self._sent.get(key) == mark:
                return
            content = await asyncio.to_thread(local.read_bytes)
            await remote.write(host, f"{path}.sent", content, timeout=LIMIT)
            await remote.script(host, _SETTLE, (f"{path}.sent", path), timeout=LIMIT)
            self._sent[key] = mark

    def forget(self, host: str, path: str) -> None:
        """Send a command again the next time: the host has not found it."""
        self._sent.pop((host, path), None)
