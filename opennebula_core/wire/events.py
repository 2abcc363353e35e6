"""What a supervisor tells the core while drivers work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from opennebula_core.wire.monitoring.messages import MonitorMessage


def _ignore(*_: object) -> None:
    """Let an event pass that nobody asked for."""


@dataclass(frozen=True, slots=True)
class DriverEvents:
    """Where the events of one driver go. All are called on the event loop and must not block it.

    :param on_log: severity, object id (-1: none), text
    :param on_progress: object id, done, total, in the unit of ``total``
    :param on_message: a monitoring value
    :param on_ready: the driver answered INIT, for the first time or after a restart
    :param on_gone: the driver's process ended by itself; the reason
    """

    on_log: Callable[[str, int, str], None] = _ignore
    on_progress: Callable[[int, int, int], None] = _ignore
    on_message: Callable[[MonitorMessage], None] = _ignore
    on_ready: Callable[[], None] = _ignore
    on_gone: Callable[[str], None] = _ignore
