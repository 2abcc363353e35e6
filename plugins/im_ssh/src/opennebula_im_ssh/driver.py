"""Looks at KVM hosts over ssh."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from opennebula_core.contracts.driver import DriverContext, Option
from opennebula_core.contracts.im import HostReport, ImDriver, MonitoredHost
from opennebula_core.errors import DriverError, RemoteError
from opennebula_core.remote import REMOTE_OPTIONS, Completed, Remote, RemoteOptions
from opennebula_im_ssh.answer import Answer
from opennebula_im_ssh.domains import parse_domains
from opennebula_im_ssh.facts import Attributes, facts
from opennebula_im_ssh.figures import clock, disks, memory, processors, traffic
from opennebula_im_ssh.looks import PERCENT, Look, guest_cpu_percent, used_cpu_percent

FORGET_AFTER_S = 24 * 3600
"""A host not looked at for so long is no longer the cloud's."""


@dataclass(slots=True)
class Known:
    """What is kept of a host between looks; nothing that another look could not find again."""

    look: Look
    attributes: Attributes
    attributes_at_s: float
    seen_at_s: float


class KvmMonitorDriver(ImDriver):
    """Finds out what KVM hosts and their guests are doing: one remote call for each look."""

    options = (
        Option("libvirt_uri", str, "qemu:///system", "The libvirt that runs the guests, as seen on a host."),
        Option("timeout_s", int, 20, "Seconds that a look at a host may take, connecting included."),
        Option("facts_period_s", int, 600, "Seconds between two looks at what changes rarely."),
        *REMOTE_OPTIONS,
    )

    def __init__(self, context: DriverContext) -> None:
        super().__init__(context)
        self._remote = Remote(RemoteOptions.from_driver(self))
        self._timeout = timedelta(seconds=int(self.setting("timeout_s")))
        self._facts_period_s = int(self.setting("facts_period_s"))
        self._script = (Path(__file__).parent / "probe.sh").read_text()
        self._known: dict[str, Known] = {}

    async def probe(self, host: MonitoredHost) -> HostReport:
        """Look at the host once, in one remote call.

        :raises DriverError: the host cannot be reached, its libvirt does not answer, or the answer is not of
            the form that it must have
        """
        now_s = time.monotonic()
        known = self._known.get(host.name)
        is_due = known is None or now_s - known.attributes_at_s >= self._facts_period_s
        try:
            answer = await self._ask(host.name, with_facts=is_due)
            report, self._known[host.name] = _taken_in(answer, known, now_s)
        except DriverError as error:
            # its facts may have changed while we could not see it
            self._known.pop(host.name, None)
            raise type(error)(f"monitor host {host.name!r}: {error}") from error
        self._forget_others(now_s)
        return report

    async def close(self) -> None:
        """Close the connections to hosts."""
        await self._remote.close()

    async def _ask(self, host: str, *, with_facts: bool) -> Answer:
        # a word that no guest's name can be made to contain
        mark = f"--{secrets.token_hex(16)}"
        uri, datastores = str(self.setting("libvirt_uri")), self.driver_context.datastores
        arguments = [mark, uri, datastores.rstrip("/"), "facts" if with_facts else ""]
        try:
            completed = await self._remote.script(
                host, self._script, arguments, timeout=self._timeout, check=False
            )
        except RemoteError as error:
            raise DriverError(str(error)) from error
        if completed.status:
            raise DriverError(_said(completed))
        return Answer(completed.stdout, mark)

    def _forget_others(self, now_s: float) -> None:
        for name, known in list(self._known.items()):
            if now_s - known.seen_at_s > FORGET_AFTER_S:
                del self._known[name]


def _said(completed: Completed) -> str:
    """Return in one line what the programs of a look complained of, each complaint once."""
    lines = (line.strip().removeprefix("error: ") for line in completed.stderr.splitlines())
    return "; ".join(dict.fromkeys(filter(None, lines))) or f"the probe ended with {completed.status}"


def _taken_in(answer: Answer, known: Known | None, now_s: float) -> tuple[HostReport, Known]:
    """Return what an answer says, and what is to be remembered of it."""
    count, cpu = processors(answer)
    domains = parse_domains(answer.lines("domains"))
    look = Look(clock(answer), cpu, {domain.name: domain.cpu_time_ns for domain in domains})
    before = known.look if known else None
    if "machine" in answer or known is None:
        attributes, attributes_at_s = facts(answer), now_s
    else:
        attributes, attributes_at_s = known.attributes, known.attributes_at_s
    reports = [domain.report(guest_cpu_percent(domain.name, look, before)) for domain in domains]
    room, datastores = disks(answer)
    main, cards = memory(answer), traffic(answer)
    report = HostReport(
        total_cpu_percent=count * PERCENT,
        used_cpu_percent=used_cpu_percent(look, before, count),
        total_memory_kib=main.total_kib,
        used_memory_kib=main.used_kib,
        attributes=attributes,
        guests=tuple(guest for guest in reports if guest is not None),
        datastores=tuple(datastores),
        disk_total_mib=room.total_mib,
        disk_used_mib=room.used_mib,
        disk_free_mib=room.free_mib,
        net_rx_bytes=cards.received,
        net_tx_bytes=cards.sent,
    )
    return report, Known(look, attributes, attributes_at_s, now_s)
