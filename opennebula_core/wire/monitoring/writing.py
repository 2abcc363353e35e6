"""From what a driver saw on a host to the texts of monitoring messages. Source: 6.10-im.txt, 7.4-im.txt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from opennebula_core.contracts.im import GuestReport, HostReport
from opennebula_core.contracts.vmm import GuestState
from opennebula_core.model.template import Value, Vector
from opennebula_core.wire.monitoring.attributes import render_attributes
from opennebula_core.wire.monitoring.packing import encode_base64, pack

GUESTS_PER_MESSAGE: Final = 100
"""So that a message of figures fits a datagram: 100 guests pack into about 12 KB."""


def message(type_: str, host_id: int, timestamp: int, text: str, *, success: bool = True) -> str:
    """Return a message as it travels; there is no line feed at its end."""
    return f"{type_} {'SUCCESS' if success else 'FAILURE'} {host_id} {timestamp} {pack(text)}"


def bundle(report: HostReport, timestamp: int) -> str:
    """Return the answer to START_MONITOR with everything that the first look found."""
    parts = [("SYSTEM_HOST", system_text(report)), ("MONITOR_HOST", capacity_text(report))]
    parts.append(("STATE_VM", states_text(report.guests, sync=report.complete)))
    parts += [("MONITOR_VM", text) for text in metrics_texts(report.guests)]
    body = "".join(f"<{name}>{encode_base64(text)}</{name}>" for name, text in parts)
    return f"<MONITOR_MESSAGES>{body}<TIMESTAMP>{timestamp}</TIMESTAMP></MONITOR_MESSAGES>"


def system_text(report: HostReport) -> str:
    """Return what does not change from minute to minute."""
    items: list[tuple[str, Value]] = [
        ("TOTALCPU", str(report.total_cpu_percent)),
        ("TOTALMEMORY", str(report.total_memory_kib)),
    ]
    items += report.attributes
    if report.disk_total_mib:
        items += (
            ("DS_LOCATION_TOTAL_MB", str(report.disk_total_mib)),
            ("DS_LOCATION_USED_MB", str(report.disk_used_mib)),
            ("DS_LOCATION_FREE_MB", str(report.disk_free_mib)),
        )
    for store in report.datastores:
        room = {"TOTAL_MB": store.total_mib, "USED_MB": store.used_mib, "FREE_MB": store.free_mib}
        items.append(("DS", _vector({"ID": store.datastore_id, **room})))
    return render_attributes(items)


def capacity_text(report: HostReport) -> str:
    """Return what is in use now."""
    return render_attributes(
        (
            ("USEDCPU", str(report.used_cpu_percent)),
            ("FREECPU", str(max(0, report.total_cpu_percent - report.used_cpu_percent))),
            ("USEDMEMORY", str(report.used_memory_kib)),
            ("FREEMEMORY", str(max(0, report.total_memory_kib - report.used_memory_kib))),
            ("NETTX", str(report.net_tx_bytes)),
            ("NETRX", str(report.net_rx_bytes)),
        )
    )


def states_text(guests: Iterable[GuestReport], *, sync: bool, vanished: Sequence[GuestReport] = ()) -> str:
    """Return the guests' states.

    :param sync: the list is complete
    :param vanished: guests that were there at the last look and are gone
    """
    items: list[tuple[str, Value]] = []
    if sync:
        items += (("SYNC_STATE", "yes"), ("MISSING_STATE", GuestState.POWEROFF.value))
    items += [("VM", _state(guest, guest.state)) for guest in guests]
    items += [("VM", _state(guest, GuestState.POWEROFF)) for guest in vanished]
    return render_attributes(items)


def metrics_texts(guests: Sequence[GuestReport]) -> Iterator[str]:
    """Return the guests' figures, in as many texts as they need."""
    for start in range(0, len(guests), GUESTS_PER_MESSAGE):
        part = guests[start : start + GUESTS_PER_MESSAGE]
        yield render_attributes(("VM", _figures(guest)) for guest in part)


def _state(guest: GuestReport, state: GuestState) -> Vector:
    return _vector({"ID": guest.vm_id, "DEPLOY_ID": guest.deploy_id, "STATE": state.value})


def _figures(guest: GuestReport) -> Vector:
    values: dict[str, object] = {
        "CPU": f"{guest.cpu_percent:.2f}",
        "MEMORY": guest.memory_kib,
        "NETRX": guest.net_rx_bytes,
        "NETTX": guest.net_tx_bytes,
        "DISKRDBYTES": guest.disk_read_bytes,
        "DISKWRBYTES": guest.disk_write_bytes,
        "DISKRDIOPS": guest.disk_read_ops,
        "DISKWRIOPS": guest.disk_write_ops,
    }
    lines = [f'{name}="{value}"\n' for name, value in values.items()]
    lines += [f'DISK_SIZE=[ID="{disk}", SIZE="{size}"]\n' for disk, size in guest.disk_sizes_mib]
    return _vector(
        {"ID": guest.vm_id, "DEPLOY_ID": guest.deploy_id, "MONITOR": encode_base64("".join(lines))}
    )


def _vector(values: dict[str, object]) -> Vector:
    return Vector((name, str(value)) for name, value in values.items())
