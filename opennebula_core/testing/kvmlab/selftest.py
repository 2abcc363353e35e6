"""The lab's check of itself: two hosts, and a real guest through its life."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from opennebula_core.testing.kvmlab.blueprint import GUEST_IMAGE
from opennebula_core.testing.kvmlab.command import LabError, run
from opennebula_core.testing.kvmlab.context_iso import make_context_iso
from opennebula_core.testing.kvmlab.domain import GuestDomain, domain_xml
from opennebula_core.testing.kvmlab.guest_access import guest_status, wait_for_guest
from opennebula_core.testing.kvmlab.guest_image import cached_guest_image
from opennebula_core.testing.kvmlab.lab import Lab, wait_until
from opennebula_core.testing.kvmlab.preparation import prepare_lab
from opennebula_core.testing.kvmlab.settings import LabSettings

SHARE = "/srv/shared"
NAME = "vm7"
MAC = "02:00:0a:4d:00:65"
SHUTDOWN_LIMIT = timedelta(seconds=60)


@dataclass
class SelfTest:
    """Runs checks one after the other and says how each went; the first that fails ends it.

    :param say: where a line for each check goes
    """

    settings: LabSettings
    say: Callable[[str], None]

    def run(self) -> None:
        """Run all checks.

        :raises LabError: one failed
        """
        with self._check("guest image"):
            image = cached_guest_image(self.settings)
        with self._check("two hosts up"):
            lab = Lab.up(prepare_lab(self.settings, 2, shares=[SHARE], image=image))
        with lab:
            self._check_ssh(lab)
            address = self._start_guest(lab)
            self._migrate(lab, address)
            with self._check("ACPI shutdown"):
                lab.virsh("host1", "shutdown", NAME)
                wait_until(lambda: not lab.virsh("host1", "list", "--name"), "its end", SHUTDOWN_LIMIT)
        self.say("ok            all down")

    def _check_ssh(self, lab: Lab) -> None:
        with self._check("ssh from outside"):
            run(["ssh", "-F", str(lab.ssh_config), "host2", "true"])
        with self._check("ssh from host1 to host2"):
            lab.exec("host1", ["ssh", "host2", "true"])
        with self._check("ping from host1 to host2"):
            lab.exec("host1", ["ping", "-c1", "-W2", "host2"])

    def _start_guest(self, lab: Lab) -> str:
        address = f"{self.settings.network}.101"
        self._make_files(lab, lab.blueprint.shared_folder(SHARE), address)
        with self._check("create"):
            lab.virsh("host1", "create", f"{SHARE}/vm.xml")
        with self._check("guest answers"):
            status = wait_for_guest(lab, address)
        with self._check("its context CD was applied"):
            if (status["hostname"], status["vmid"]) != ("alpha", "7"):
                raise LabError(f"guest says {status}")
        with self._check("suspend, resume"):
            lab.virsh("host1", "suspend", NAME)
            lab.virsh("host1", "resume", NAME)
        return address

    def _make_files(self, lab: Lab, folder: Path, address: str) -> None:
        disk = ["-f", "qcow2", "-F", "qcow2", "-b", GUEST_IMAGE, f"{SHARE}/vm.qcow2"]
        lab.exec("host1", ["qemu-img", "create", "-q", *disk])
        network = {"ETH0_MAC": MAC, "ETH0_IP": address, "ETH0_MASK": "255.255.255.0"}
        make_context_iso(folder / "context.iso", {"VMID": "7", "SET_HOSTNAME": "alpha", **network})
        context = f"{SHARE}/context.iso"
        domain = GuestDomain(NAME, f"{SHARE}/vm.qcow2", lab.accelerator, context=context, nics=[MAC])
        (folder / "vm.xml").write_text(domain_xml(domain))

    def _migrate(self, lab: Lab, address: str) -> None:
        for source, destination, way in (("host1", "host2", "qemu+ssh"), ("host2", "host1", "qemu+tcp")):
            with self._check(f"live migration from {source} to {destination} by {way}"):
                # libvirt cannot know that the share, a bind mount, is one: hence --unsafe
                lab.virsh(source, "migrate", "--live", "--unsafe", NAME, f"{way}://{destination}/system")
            with self._check("still the same boot"):
                wait_for_guest(lab, address)
                if guest_status(lab, address)["boots"] != "1":
                    raise LabError("the guest has booted again")

    @contextmanager
    def _check(self, what: str) -> Iterator[None]:
        start = time.monotonic()
        word = "FAIL"
        try:
            yield
            word = "ok"
        finally:
            self.say(f"{word:<4} {time.monotonic() - start:6.2f} s  {what}")
