"""Finds out whether a host's KVM truly runs guests, by running one."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass

from opennebula_core.errors import DriverError, XmlError
from opennebula_core.model.elements import parse_element
from opennebula_vmm_kvm.boot_sector import BOOT_SECTOR
from opennebula_vmm_kvm.scripts import BOOT_ID, PROBE
from opennebula_vmm_kvm.virsh import Virsh, reason_of

LOG = logging.getLogger(__name__)

TRUSTED_FOR_S = 60.0
"""For so long nobody asks whether the host has been started again."""

DOUBTED_AFTER_S = 3600.0
"""After so long a host that could not run the probe gets another try: it may only have been very busy."""

PROBED_ARCHITECTURE = "x86_64"


@dataclass(slots=True)
class _Known:
    boot_id: str
    can: bool
    checked_at: float
    probed_at: float


class Acceleration:
    """Remembers of each host, for as long as it stays up, whether its KVM runs guests.

    In the driver's process alone: after the driver was started anew the first deployment on a host costs a
    probe again, which is less than keeping what may be stale by then.
    """

    def __init__(self, virsh: Virsh) -> None:
        self._virsh = virsh
        self._known: dict[str, _Known] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    async def has_kvm(self, host: str) -> bool:
        """Return whether guests can run under KVM on ``host``.

        The first call for a host boots a guest of one disk sector there, which takes under a second, or up
        to eight where KVM does not work.

        :raises DriverError: libvirt does not answer there
        """
        async with self._turns.setdefault(host, asyncio.Lock()):
            known = self._known.get(host)
            now = time.monotonic()
            if known and now - known.checked_at < TRUSTED_FOR_S:
                return known.can
            boot_id, _, capabilities = (await self._virsh.script(host, BOOT_ID, [])).partition("\n")
            if known and known.boot_id == boot_id and (known.can or now - known.probed_at < DOUBTED_AFTER_S):
                known.checked_at = now
                return known.can
            can = await self._find_out(host, capabilities)
            self._known[host] = _Known(boot_id, can, now, now)
            return can

    async def _find_out(self, host: str, capabilities: str) -> bool:
        if not offers_kvm(capabilities):
            LOG.info("host %s: its libvirt offers no KVM; guests are emulated", host)
            return False
        if architecture_of(capabilities) != PROBED_ARCHITECTURE:
            return True
        completed = await self._virsh.feed(host, PROBE, [], BOOT_SECTOR, lock="kvm-probe")
        outcome = completed.stdout.strip()
        if outcome.startswith("crashed"):
            LOG.info("host %s: its KVM runs guests", host)
            return True
        if outcome or "kvm" in completed.stderr.lower().replace("one-kvm-probe", ""):
            why = outcome or reason_of(completed)
            LOG.warning("host %s: its KVM does not run guests (%s); they are emulated", host, why)
            return False
        # Something else stood in the way: then libvirt's word must do.
        LOG.warning("host %s: KVM could not be tried: %s", host, reason_of(completed))
        return True


def offers_kvm(capabilities: str) -> bool:
    """Return whether libvirt would start guests of the host's own architecture under KVM.

    :raises DriverError: the text is not what ``virsh capabilities`` prints
    """
    architecture = architecture_of(capabilities)
    guests = parse_element(capabilities).iter("arch")
    return any(
        domain.get("type") == "kvm"
        for arch in guests
        if arch.get("name") == architecture
        for domain in arch.iter("domain")
    )


def architecture_of(capabilities: str) -> str:
    """Return the host's own architecture, such as ``x86_64``.

    :raises DriverError: the text is not what ``virsh capabilities`` prints
    """
    try:
        return parse_element(capabilities).findtext("host/cpu/arch", "")
    except XmlError as error:
        raise DriverError(f"virsh capabilities: {error}") from error
