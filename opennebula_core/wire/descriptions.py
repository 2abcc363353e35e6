"""What drivers can do: asked of each once, in a process of its own, so that the core never imports them."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress

from opennebula_core.config import Location
from opennebula_core.errors import PluginError
from opennebula_core.plugins.description import Description
from opennebula_core.wire.launching import environment, own_command

DESCRIBE_S = 30.0
"""How long a driver may take to describe itself."""


class Descriptions:
    """Asks drivers what they can do and keeps the answers; failures are asked about again."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._known: dict[tuple[str, str], asyncio.Task[Description]] = {}

    async def of(self, kind: str, name: str) -> Description:
        """Return what the driver says of itself.

        :raises PluginError: it cannot be loaded; the message says why
        """
        key = kind, name
        task = self._known.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = asyncio.create_task(_ask(self._location, kind, name), name=f"describe {kind}/{name}")
            self._known[key] = task
        return await asyncio.shield(task)

    async def stop(self) -> None:
        """End the questions that are still open."""
        tasks = [task for task in self._known.values() if not task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


async def _ask(location: Location, kind: str, name: str) -> Description:
    process = await asyncio.create_subprocess_exec(
        *own_command(kind, name),
        "--describe",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(location),
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(DESCRIBE_S):
            text, problem = await process.communicate()
    except TimeoutError:
        raise PluginError(
            f"describe driver {kind}/{name}: no answer in {DESCRIBE_S:g} s; upgrade its package"
        ) from None
    finally:
        with suppress(ProcessLookupError):  # the driver, and what importing it has started
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    if process.returncode != 0:
        lines = problem.decode("utf-8", "replace").strip().splitlines()
        raise PluginError(lines[-1] if lines else f"describe driver {kind}/{name}: it ended without a word")
    return Description.from_json(text.decode("utf-8", "replace"))
