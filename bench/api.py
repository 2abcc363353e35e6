"""The API: allocating, looking at one VM, listing all; then what a full cloud costs to restart and keep."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median
from typing import Final

from bench.figures import Figure
from bench.front_end import SESSION, FrontEnd
from bench.load import Load, drive
from opennebula_core.client.values import write_call
from opennebula_core.model.acl import parse_rule

TEMPLATE: Final = """
NAME = "bench-{number}"
CPU = "0.5"
VCPU = "1"
MEMORY = "128"
OS = [ ARCH = "x86_64", BOOT = "" ]
GRAPHICS = [ TYPE = "VNC", LISTEN = "0.0.0.0" ]
CONTEXT = [ NETWORK = "YES", SSH_PUBLIC_KEY = "$USER[SSH_PUBLIC_KEY]" ]
DESCRIPTION = "a VM of the benchmark"
SCHED_REQUIREMENTS = "ARCH = \\"x86_64\\""
"""
REPEATS: Final = 15


def vm_count(front_end: FrontEnd) -> int:
    """Return how many VMs there are; their ids count from 0."""
    newest = list(front_end.client.element("one.vmpool.info", -2, 0, -2, -2))  # a page of two
    return int(newest[0].findtext("ID", "-1")) + 1 if newest else 0


def allocate_calls(first: int, count: int) -> Iterator[bytes]:
    """Return calls that make so many VMs, on hold."""
    for number in range(first, first + count):
        yield write_call("one.vm.allocate", (SESSION, TEMPLATE.format(number=number), True))


def measure_allocate(front_end: FrontEnd, scale: float) -> Iterator[Figure]:
    """Allocate VMs with 1, 4 and 64 clients."""
    for clients, count in ((1, 500), (4, 2000), (64, 6500)):
        first, before_s = vm_count(front_end), front_end.cpu_s()
        load = drive(front_end.port, allocate_calls(first, max(int(count * scale), clients)), clients)
        yield Figure(f"allocate-{clients}", load.per_s)
        if clients == 1:
            yield Figure("allocate-p50", load.latency_ms(0.5))
            yield Figure("allocate-p99", load.latency_ms(0.99))
        if clients == 64:
            cpu_s = front_end.cpu_s() - before_s
            yield Figure("allocate-cpu", cpu_s / len(load.latencies_s) * 1000)


def fill(front_end: FrontEnd, total: int) -> None:
    """Allocate VMs until there are ``total``."""
    first = vm_count(front_end)
    if first < total:
        drive(front_end.port, allocate_calls(first, total - first), 64)


def measure_info(front_end: FrontEnd, scale: float) -> Iterator[Figure]:
    """Look at single VMs with 1 and 8 clients."""
    count, total = max(int(20_000 * scale), 100), vm_count(front_end)

    def calls(number: int) -> Iterator[bytes]:
        return (write_call("one.vm.info", (SESSION, step * 7919 % total)) for step in range(number))

    yield Figure("info-1", drive(front_end.port, list(calls(count // 4)), 1).per_s)
    prepared = list(calls(count))
    before_s = front_end.cpu_s()
    load = drive(front_end.port, prepared, 8)
    yield Figure("info-8", load.per_s)
    yield Figure("info-cpu", (front_end.cpu_s() - before_s) / count * 1000)
    yield Figure("info-p99", load.latency_ms(0.99))


def listing_ms(front_end: FrontEnd, method: str, *params: object, session: str = SESSION) -> float:
    """Return how long a listing takes, from the call to its last byte: the median of several."""
    body = write_call(method, (session, *params))
    loads: list[Load] = [drive(front_end.port, [body], 1) for _ in range(REPEATS)]
    return median(load.latencies_s[0] for load in loads) * 1000


def measure_pool(front_end: FrontEnd, scale: float) -> Iterator[Figure]:
    """List VMs: the newest thousand, all, all in full, and a page."""
    total = max(int(10_000 * scale), 100)
    fill(front_end, total)
    last = vm_count(front_end) - 1
    yield Figure("pool-1000", listing_ms(front_end, "one.vmpool.info", -2, max(last - 999, 0), last, -1))
    first = max(last + 1 - total, 0)
    yield Figure("pool-10000", listing_ms(front_end, "one.vmpool.info", -2, first, last, -1))
    document = front_end.client.text("one.vmpool.info", -2, first, last, -1)
    yield Figure("pool-size", len(document) / 1e6)
    yield Figure("pool-extended", listing_ms(front_end, "one.vmpool.infoextended", -2, first, last, -1))
    yield Figure("pool-page", listing_ms(front_end, "one.vmpool.info", -2, 2000, -100, -1))


def measure_sharing(front_end: FrontEnd, scale: float) -> Iterator[Figure]:
    """List VMs as oneadmin, and as a user whose right to each has to be found out."""
    total = max(int(10_000 * scale), 100)
    fill(front_end, total)
    last = vm_count(front_end) - 1
    user_id = front_end.client.integer("one.user.allocate", "bench", "bench", "core", [])
    rule = parse_rule(f"#{user_id} VM/@0 USE #0")
    front_end.client.call(
        "one.acl.addrule", *(f"{number:x}" for number in (rule.user, rule.resource, rule.rights))
    )
    for key, session in (("all", SESSION), ("shared", "bench:bench")):
        params = (-2, max(last + 1 - total, 0), last, -1)
        listing_ms(front_end, "one.vmpool.info", *params, session=session)  # who calls is known from here on
        before_s = front_end.cpu_s()
        taken_ms = listing_ms(front_end, "one.vmpool.info", *params, session=session)
        yield Figure(f"pool-{key}-cpu", (front_end.cpu_s() - before_s) / REPEATS * 1000)
        if key == "shared":
            yield Figure("pool-shared", taken_ms)


def measure_hosts(front_end: FrontEnd, scale: float) -> Iterator[Figure]:
    """Register hosts and list them."""
    count = max(int(1000 * scale), 10)
    calls = [
        write_call("one.host.allocate", (SESSION, f"bench-host-{number:04}", "dummy", "dummy", -1))
        for number in range(count)
    ]
    yield Figure("host-allocate", drive(front_end.port, calls, 1).per_s)
    yield Figure("host-pool", listing_ms(front_end, "one.hostpool.info"))


def measure_memory(front_end: FrontEnd, scale: float) -> Iterator[Figure]:
    """Weigh the daemon and its drivers with 10,000 VMs."""
    fill(front_end, max(int(10_000 * scale), 100))
    front_end.client.call("one.vmpool.info", -2, -1, -1, -1)
    yield Figure("memory", front_end.memory_mib())


def measure_restart(front_end: FrontEnd, scale: float) -> Iterator[Figure]:
    """Kill the daemon and start it again until it tells of a VM."""
    fill(front_end, max(int(10_000 * scale), 100))
    taken_s = []
    for _ in range(3):
        front_end.kill()
        started = time.perf_counter()
        front_end.start()
        front_end.client.call("one.vm.info", 0)
        taken_s.append(time.perf_counter() - started)
    yield Figure("restart", median(taken_s))
