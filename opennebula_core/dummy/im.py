"""The dummy information driver: hosts of a given size, and the dummy hypervisor's guests on them."""

from __future__ import annotations

import math
import time
import zlib
from typing import ClassVar, Final
from xml.etree.ElementTree import Element

from opennebula_core.contracts.driver import DriverContext, Option
from opennebula_core.contracts.im import GuestReport, HostReport, ImDriver, MonitoredHost
from opennebula_core.contracts.vmm import GuestState
from opennebula_core.dummy.behaviour import OPTIONS, Act, Behaviour
from opennebula_core.dummy.guests import DummyGuest, GuestFiles

TOTAL_CPU: Final = 800
TOTAL_MEMORY_KIB: Final = 16 * 1024 * 1024
"""Eight cores, 16 GiB. Source: OpenNebula's dummy probes, 6.10-im.txt."""

DISK_TOTAL_MIB: Final = 20480
DISK_USED_MIB: Final = 9720
WAVE_S: Final = 120.0
"""Figures rise and fall with this period, each guest's with a phase of its own."""

BYTES_PER_S: Final = 10_000


class DummyIm(ImDriver):
    """Reports hosts that need not exist; figures follow from the time alone.

    ``DUMMY_TOTALCPU`` (percent) and ``DUMMY_TOTALMEMORY`` (KiB) in a host's template set its own size.
    """

    options: ClassVar[tuple[Option, ...]] = (
        *OPTIONS,
        Option("total_cpu", int, TOTAL_CPU, "CPU of a host in percent, 100 for a core."),
        Option("total_memory_kib", int, TOTAL_MEMORY_KIB, "Memory of a host in KiB."),
    )

    def __init__(self, context: DriverContext) -> None:
        super().__init__(context)
        self._guests = GuestFiles(context.location)
        self._behaviour = Behaviour("im", self)

    async def probe(self, host: MonitoredHost) -> HostReport:
        """Return the host's size, and its guests with plausible figures."""
        await self._behaviour.before(Act("PROBE", host.host_id, host.name))
        now = time.time()
        guests = tuple(_report(guest, now) for guest in self._guests.on(host.name))
        total_cpu = _number(host.document, "DUMMY_TOTALCPU", int(self.setting("total_cpu")))
        total_memory = _number(host.document, "DUMMY_TOTALMEMORY", int(self.setting("total_memory_kib")))
        return HostReport(
            total_cpu_percent=total_cpu,
            used_cpu_percent=min(total_cpu, round(sum(guest.cpu_percent for guest in guests))),
            total_memory_kib=total_memory,
            used_memory_kib=min(total_memory, sum(guest.memory_kib for guest in guests)),
            attributes=(
                ("HYPERVISOR", "dummy"),
                ("ARCH", "x86_64"),
                ("HOSTNAME", host.name),
                ("MODELNAME", "Dummy(R) Core @ 3.2GHz"),
                ("CPUSPEED", "3200"),
            ),
            guests=guests,
            disk_total_mib=DISK_TOTAL_MIB,
            disk_used_mib=DISK_USED_MIB,
            disk_free_mib=DISK_TOTAL_MIB - DISK_USED_MIB,
            net_rx_bytes=sum(guest.net_rx_bytes for guest in guests),
            net_tx_bytes=sum(guest.net_tx_bytes for guest in guests),
        )


def _report(guest: DummyGuest, now: float) -> GuestReport:
    phase = zlib.crc32(str(guest.vm_id).encode()) / 2**32
    load = 0.5 + 0.4 * math.sin(2 * math.pi * (now / WAVE_S + phase))
    traffic = max(0, int(now) - guest.started_at) * BYTES_PER_S
    is_running = guest.state is GuestState.RUNNING
    return GuestReport(
        vm_id=guest.vm_id,
        deploy_id=guest.deploy_id,
        state=guest.state,
        cpu_percent=round(100 * guest.cpu * load, 2) if is_running else 0.0,
        memory_kib=int(guest.memory_mib * 1024 * (0.5 + load / 2)) if is_running else 0,
        net_rx_bytes=traffic,
        net_tx_bytes=traffic // 2,
        disk_read_bytes=traffic * 2,
        disk_write_bytes=traffic,
        disk_read_ops=traffic // 2048,
        disk_write_ops=traffic // 4096,
        disk_sizes_mib=tuple((int(disk), 64) for disk in guest.disks if disk.isdecimal()),
    )


def _number(document: Element, name: str, default: int) -> int:
    text = document.findtext(f"TEMPLATE/{name}", "").strip()
    return int(text) if text.isdecimal() else default
