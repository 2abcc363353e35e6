"""What is installed and whether it works, found out in processes of their own: for ``one plugin list``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from opennebula_core.contracts.driver import Option
from opennebula_core.contracts.kinds import PLUGIN_KINDS, group_of, plugin_word
from opennebula_core.plugins.description import Description
from opennebula_core.plugins.discovery import PluginInfo, conflict, installed

IMPORT_LIMIT: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class PluginStatus:
    """An installed extension.

    :param actions: what a driver carries out, the steps that a policy overrides, the hooks of a plugin
    :param error: why it cannot be used, empty when it can
    :param is_disabled: left out by ``[plugins] disabled``
    :param warnings: what its author should change
    """

    info: PluginInfo
    actions: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    error: str = ""
    is_disabled: bool = False
    warnings: tuple[str, ...] = ()


def describe_all(
    kinds: Collection[str] = PLUGIN_KINDS,
    *,
    disabled: Collection[str] = (),
    limit: timedelta = IMPORT_LIMIT,
) -> list[PluginStatus]:
    """Return every installed extension of the kinds, with what it can do or why it cannot be used.

    They are imported in a process of their own. One that ends that process or does not come to an end
    within ``limit`` is stopped and shown so; the others follow in a new one. Takes about 0.3 s when all is
    well.
    """
    statuses: dict[PluginInfo, PluginStatus] = {}
    found = [info for kind in kinds for info in installed(group_of(kind))]
    counts = Counter((info.kind, info.name) for info in found)
    for info in found:
        if plugin_word(info.kind, info.name) in disabled:
            statuses[info] = PluginStatus(info, is_disabled=True)
        elif counts[info.kind, info.name] > 1:
            offers = [other for other in found if (other.kind, other.name) == (info.kind, info.name)]
            statuses[info] = PluginStatus(info, error=str(conflict(group_of(info.kind), info.name, offers)))
    waiting = [info for info in found if info not in statuses]
    while waiting:
        done = _probe(waiting, limit)
        statuses.update((status.info, status) for status in done)
        waiting = waiting[len(done) :]
    return [statuses[info] for info in found]


def _probe(waiting: Sequence[PluginInfo], limit: timedelta) -> list[PluginStatus]:
    """Return the status of the first of those waiting, and of as many more as one process gets through."""
    names = [word for info in waiting for word in (group_of(info.kind), info.name)]
    process = subprocess.Popen(
        [sys.executable, "-m", "opennebula_core.plugins.probe", *names],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    statuses: list[PluginStatus] = []
    with process:
        for info in waiting:
            line, is_late = _line(process, limit)
            if line:
                statuses.append(_status(info, line))
            else:
                statuses.append(PluginStatus(info, error=_broken(info, process, limit, is_late=is_late)))
            if is_late or not line:
                break
        _end(process)
    return statuses


def _line(process: subprocess.Popen[str], limit: timedelta) -> tuple[str, bool]:
    """Return the next line of a process and whether the process was stopped for taking too long."""
    is_late = threading.Event()

    def stop() -> None:
        is_late.set()
        _end(process)

    timer = threading.Timer(limit.total_seconds(), stop)
    timer.start()
    try:
        assert process.stdout is not None
        return process.stdout.readline(), is_late.is_set()
    finally:
        timer.cancel()


def _end(process: subprocess.Popen[str]) -> None:
    """End the process and whatever a plugin has started in its session."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _status(info: PluginInfo, line: str) -> PluginStatus:
    answer = json.loads(line)
    if answer["error"]:
        return PluginStatus(info, error=answer["error"])
    description = Description.from_json(answer["description"])
    return PluginStatus(info, description.actions, description.options, warnings=description.warnings)


def _broken(info: PluginInfo, process: subprocess.Popen[str], limit: timedelta, *, is_late: bool) -> str:
    where = f"load {info.title}"
    remedy = f"upgrade {info.distribution}, or uninstall it"
    if is_late:
        return f"{where}: importing it took more than {limit.total_seconds():g} s; {remedy}"
    status = process.wait()
    how = f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
    return f"{where}: importing it ended the process with {how}; {remedy}"
