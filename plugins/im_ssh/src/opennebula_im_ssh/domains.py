"""The guests of a host, from what ``virsh domstats --raw`` prints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from opennebula_core.contracts.im import GuestReport
from opennebula_im_ssh.answer import counter, refusal
from opennebula_im_ssh.domain_states import guest_state

WILD = -1
"""The VM id of a guest that the cloud did not start."""

MAX_DEVICES = 256
"""Of one kind in one domain; more is nothing that libvirt would say."""

BYTES_PER_MIB = 1024 * 1024

PASSING_DOMAINS = frozenset({"one-kvm-probe"})
"""What drivers run for a moment to see whether a host's KVM works; no guest of anybody's."""

_HEAD = re.compile(r"Domain: '(.{1,256})'\Z")
_OURS = re.compile(r"one-(0|[1-9][0-9]{0,9})\Z", re.ASCII)
_DISK = re.compile(r"/disk\.([0-9]{1,4})\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Domain:
    """One domain's figures, as libvirt names them: ``state.state``, ``cpu.time``, ``net.0.rx.bytes``, ..."""

    name: str
    values: Mapping[str, str]

    @property
    def vm_id(self) -> int:
        """Which VM it is, by its name."""
        match = _OURS.match(self.name)
        return int(match[1]) if match else WILD

    @property
    def cpu_time_ns(self) -> int:
        """Processor time used since its start."""
        return counter(self.values, "cpu.time")

    def report(self, cpu_percent: float) -> GuestReport | None:
        """Return what the core is told of it; None when it has gone to another host.

        :raises DriverError: a figure is no number
        """
        state = guest_state(counter(self.values, "state.state"), counter(self.values, "state.reason"))
        if state is None:
            return None
        return GuestReport(
            vm_id=self.vm_id,
            deploy_id=self.name,
            state=state,
            cpu_percent=cpu_percent,
            memory_kib=counter(self.values, "balloon.rss") or counter(self.values, "balloon.current"),
            net_rx_bytes=self._sum("net", "rx.bytes"),
            net_tx_bytes=self._sum("net", "tx.bytes"),
            disk_read_bytes=self._sum("block", "rd.bytes"),
            disk_write_bytes=self._sum("block", "wr.bytes"),
            disk_read_ops=self._sum("block", "rd.reqs"),
            disk_write_ops=self._sum("block", "wr.reqs"),
            disk_sizes_mib=tuple(self._disk_sizes()),
        )

    def _sum(self, kind: str, figure: str) -> int:
        return sum(counter(self.values, f"{kind}.{index}.{figure}") for index in self._devices(kind))

    def _devices(self, kind: str) -> range:
        return range(min(counter(self.values, f"{kind}.count"), MAX_DEVICES))

    def _disk_sizes(self) -> Iterable[tuple[int, int]]:
        """Yield the cloud's disks with the room that they take on the host."""
        for index in self._devices("block"):
            match = _DISK.search(self.values.get(f"block.{index}.path", ""))
            if match:
                # the end of what was written, known after the first write, and of the file
                sizes = [counter(self.values, f"block.{index}.{name}") for name in ("allocation", "physical")]
                yield int(match[1]), -(-min(filter(None, sizes), default=0) // BYTES_PER_MIB)


def parse_domains(lines: Iterable[str]) -> list[Domain]:
    """Return the domains.

    :raises DriverError: a line is not of the form that virsh has
    """
    domains: list[Domain] = []
    values: dict[str, str] = {}
    for line in lines:
        head = _HEAD.match(line)
        if head and head[1].isprintable():
            values = {}
            domains.append(Domain(head[1], values))
            continue
        name, equals, value = line.strip().partition("=")
        if not (domains and equals):
            raise refusal("domains", f"{line[:80]!r} is neither a domain nor a figure of one")
        values[name] = value
    return [domain for domain in domains if domain.name not in PASSING_DOMAINS]
