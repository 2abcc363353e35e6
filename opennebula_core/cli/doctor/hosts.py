"""Hosts: their states and reasons, how old their figures are, and whether their clocks agree."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from opennebula_core.cli.columns import figure
from opennebula_core.cli.doctor.findings import Finding, error, limited, ok, warning
from opennebula_core.cli.states import full_name
from opennebula_core.config import Config
from opennebula_core.config.settings import MonitoringSettings
from opennebula_core.model.states import HostState

CLOCK_SLACK_S: Final = 60


def examine_hosts(hosts: Sequence[Element], config: Config | None) -> Iterator[Finding]:
    """Yield what is wrong with hosts.

    :param config: says after which silence a host counts as failed; None for the default
    """
    if not hosts:
        yield warning("hosts", "there are none: no VM can be placed", "onehost create NAME")
        return
    timeout_s = (config.monitoring if config is not None else MonitoringSettings()).host_timeout_s
    findings = [finding for host in hosts for finding in _of_host(host, timeout_s)]
    counts = Counter(full_name(HostState, host.findtext("STATE")) for host in hosts)
    said = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    usable = counts[HostState.MONITORED.name] + counts[HostState.INIT.name]
    if not usable:
        yield error("hosts", f"none can be used: {said}", "onehost list; onehost enable NAME")
    else:
        yield ok("hosts", f"{len(hosts)}: {said}")
    yield from limited(findings, "onehost list -l ID,NAME,STAT,ERROR")


def _of_host(host: Element, timeout_s: int) -> Iterator[Finding]:
    name, host_id = host.findtext("NAME", ""), host.findtext("ID", "")
    state = full_name(HostState, host.findtext("STATE"))
    reason = host.findtext("TEMPLATE/ERROR") or ""
    if state == HostState.ERROR.name:
        yield error("hosts", f"{name} is in ERROR: {reason or 'see the daemon log'}",
                    f"correct that, then: onehost enable {host_id}")  # fmt: skip
    elif state == HostState.INIT.name:
        yield warning("hosts", f"{name} has not been monitored yet{f': {reason}' if reason else ''}",
                      f"onehost show {host_id}")  # fmt: skip
    stamp = figure(host, "MONITORING/TIMESTAMP")
    if state == HostState.MONITORED.name and stamp:
        yield from _of_age(name, host_id, time.time() - stamp, timeout_s)


def _of_age(name: str, host_id: str, age_s: float, timeout_s: int) -> Iterator[Finding]:
    if age_s > timeout_s:
        yield warning("hosts", f"{name} was last looked at {age_s:.0f} s ago",
                      f"onehost disable {host_id}; onehost enable {host_id} (looks again)")  # fmt: skip
    elif age_s < -CLOCK_SLACK_S:
        yield warning("clock", f"{name} sends figures of {-age_s:.0f} s in the future: a clock is wrong",
                      "timedatectl set-ntp true, there and here")  # fmt: skip
