"""Reports of monitoring taken in, and a listing with the figures that they brought."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from bench.api import listing_ms
from bench.figures import Figure
from bench.front_end import FrontEnd
from opennebula_core.contracts.im import GuestReport
from opennebula_core.contracts.vmm import GuestState
from opennebula_core.errors import ClientError
from opennebula_core.wire.monitoring.writing import message, metrics_texts

ROUNDS: Final = 20
ROUND_TIMEOUT_S: Final = 20.0


def measure_reports(
    front_end: FrontEnd, guests: Mapping[int, Sequence[int]], scale: float
) -> Iterator[Figure]:
    """Send the figures of running VMs round by round; each has to be shown before the next is sent.

    :param guests: the VMs of each host, by the ids of both
    """
    rounds, started_at = max(int(ROUNDS * scale), 2), int(time.time()) + 1000
    count = sum(map(len, guests.values()))
    prepared = [list(_datagrams(guests, started_at + number)) for number in range(rounds)]
    last_vm = [vm_ids[-1] for vm_ids in guests.values() if vm_ids][-1]
    before_s, started = front_end.cpu_s(), time.perf_counter()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number, datagrams in enumerate(prepared):
            for datagram in datagrams:
                sender.sendto(datagram, ("127.0.0.1", front_end.monitor_port))
            _wait_for(front_end, last_vm, started_at + number)
    taken_s = time.perf_counter() - started
    yield Figure("reports", count * rounds / taken_s)
    yield Figure("reports-cpu", (front_end.cpu_s() - before_s) / (count * rounds) * 1000)
    first, last = min(map(min, guests.values())), max(map(max, guests.values()))
    yield Figure("pool-figures", listing_ms(front_end, "one.vmpool.info", -2, first, last, -1))


def _datagrams(guests: Mapping[int, Sequence[int]], timestamp: int) -> Iterator[bytes]:
    for host_id, vm_ids in guests.items():
        reports = [
            GuestReport(
                vm_id,
                f"one-{vm_id}",
                GuestState.RUNNING,
                cpu_percent=12.5,
                memory_kib=131072,
                net_rx_bytes=123456789,
                net_tx_bytes=123456789,
                disk_read_bytes=12345678,
                disk_write_bytes=12345678,
                disk_read_ops=1234,
                disk_write_ops=1234,
            )
            for vm_id in vm_ids
        ]
        for text in metrics_texts(reports):
            yield message("MONITOR_VM", host_id, timestamp, text).encode()


def _wait_for(front_end: FrontEnd, vm_id: int, timestamp: int) -> None:
    deadline = time.monotonic() + ROUND_TIMEOUT_S
    while front_end.client.element("one.vm.info", vm_id).findtext("LAST_POLL") != str(timestamp):
        if time.monotonic() > deadline:
            raise ClientError(
                f"waited {ROUND_TIMEOUT_S:.0f} s for a report to be taken in; see the log of oned"
            )
        time.sleep(0.001)
