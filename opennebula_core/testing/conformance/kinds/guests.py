"""Guests for a VMM driver under test: the requests about them, and what they are found to be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from opennebula_core.model.marks import ATTACHED, RESIZED, YES
from opennebula_core.model.template import Template
from opennebula_core.testing.conformance.bench import Bench
from opennebula_core.wire.requests import VmmRequest

MARK: Final = {
    "ATTACHDISK": ("DISK", ATTACHED),
    "DETACHDISK": ("DISK", ATTACHED),
    "ATTACHNIC": ("NIC", ATTACHED),
    "DETACHNIC": ("NIC", ATTACHED),
    "RESIZEDISK": ("DISK", RESIZED),
    "SNAPSHOTCREATE": ("SNAPSHOT", "ACTIVE"),
    "SNAPSHOTREVERT": ("SNAPSHOT", "ACTIVE"),
    "SNAPSHOTDELETE": ("SNAPSHOT", "ACTIVE"),
}
"""What is marked in the template of a VM that an action changes."""

SECURITY_GROUP_ID: Final = 100
PARTS: Final = {
    "DISK": {
        "DISK_ID": "1",
        "TARGET": "vdb",
        "DRIVER": "raw",
        "SIZE": "2",
        "TYPE": "FILE",
        "TM_MAD": "dummy",
    },
    "NIC": {"NIC_ID": "1", "MAC": "02:00:0a:00:00:09", "BRIDGE": "onetest0", "MODEL": "virtio"},
    "SNAPSHOT": {"SNAPSHOT_ID": "0", "NAME": "first", "TIME": "1700000000"},
}


@dataclass(frozen=True, slots=True)
class TestGuest:
    """A VM of the bench's.

    :param slow: attributes for its user template
    :param nic_driver: the driver of its one NIC; empty: it has none
    """

    __test__ = False

    bench: Bench
    vm_id: int
    deploy_id: str = ""
    slow: str = ""
    nic_driver: str = ""

    @property
    def directory(self) -> str:
        """Its folder on the hosts; one that the author names is there, and all guests have it."""
        return self.bench.subject.folder or f"{self.bench.folder}/datastores/0/{self.vm_id}"

    @property
    def checkpoint(self) -> str:
        """Where its memory is saved."""
        return f"{self.directory}/checkpoint.{self.vm_id}"

    def named(self, deploy_id: str) -> TestGuest:
        """Return it as it is after its deployment."""
        return replace(self, deploy_id=deploy_id)

    def request(self, action: str, *, attempt: int = 1, snapshot: str = "", size: int = 0) -> VmmRequest:
        """Return the request for an action."""
        subject = self.bench.subject
        saves = action in ("SAVE", "RESTORE")
        request = VmmRequest(
            action=action,
            vm_id=self.vm_id,
            host=subject.host,
            vm_xml=self._document(action, snapshot, size),
            datastore_xml=f"<DATASTORE><ID>0</ID><BASE_PATH>{self._base}</BASE_PATH></DATASTORE>",
            deploy_id="" if action == "DEPLOY" else self.deploy_id or f"one-{self.vm_id}",
            checkpoint_file=self.checkpoint if saves else "",
            migr_host=subject.destination if action == "MIGRATE" else "",
            disk_target_path=f"{self.directory}/disk.{self.vm_id}" if "DISK" in action else "",
            security_group_id=SECURITY_GROUP_ID if action == "UPDATESG" else None,
            attempt=attempt,
        )
        return self._with_description(request) if action == "DEPLOY" else request

    def elsewhere(self, action: str) -> VmmRequest:
        """Return the request for an action on the other host."""
        return replace(self.request(action), host=self.bench.subject.destination)

    def without_description(self) -> VmmRequest:
        """Return a DEPLOY that names a file that is not there."""
        absent = str(self.bench.folder / f"absent.{self.vm_id}")
        remote = f"{self.directory}/absent.0"
        return replace(self.request("DEPLOY"), local_deployment_file=absent, remote_deployment_file=remote)

    @property
    def _base(self) -> str:
        return self.directory.rpartition("/")[0]

    def _with_description(self, request: VmmRequest) -> VmmRequest:
        """Name a deployment description, as the core does, unless the driver is to write its own."""
        subject = self.bench.subject
        remote = f"{self.directory}/deployment.0"
        if subject.is_own and not subject.deployment_file:
            return replace(request, remote_deployment_file=remote)
        local = subject.deployment_file
        if not local:
            file = self.bench.location / "var" / "vms" / str(self.vm_id) / "deployment.0"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"<domain><name>one-{self.vm_id}</name></domain>\n")
            local = str(file)
        return replace(request, local_deployment_file=local, remote_deployment_file=remote)

    def _nic(self) -> dict[str, str]:
        """Return the guest's one NIC."""
        own = {"NIC_ID": "0", "BRIDGE": f"onet{self.vm_id}", "TARGET": f"one-{self.vm_id}-0"}
        network = {"VN_MAD": self.nic_driver, "NETWORK_ID": "0", "SECURITY_GROUPS": str(SECURITY_GROUP_ID)}
        return {**PARTS["NIC"], **own, **network}

    def _document(self, action: str, snapshot: str, size: int) -> str:
        template = Template.parse(self.bench.subject.template)
        if self.nic_driver:
            template.add("NIC", self._nic())
        if action in MARK:
            name, mark = MARK[action]
            vector = {**PARTS[name], mark: YES}
            if snapshot:
                vector["HYPERVISOR_ID"] = snapshot
            if size:
                vector["SIZE"] = str(size)
            template.add(name, vector)
        subject = self.bench.subject
        history = (
            f"<HISTORY><OID>{self.vm_id}</OID><SEQ>0</SEQ><HOSTNAME>{subject.host}</HOSTNAME><HID>0</HID>"
            f"<DS_ID>0</DS_ID><VM_MAD>{subject.name}</VM_MAD><TM_MAD>dummy</TM_MAD></HISTORY>"
        )
        user_template = Template.parse(self.slow) if self.slow else Template()
        return (
            f"<VM><ID>{self.vm_id}</ID><NAME>check-{self.vm_id}</NAME><STATE>3</STATE><LCM_STATE>3</LCM_STATE>"
            f"<DEPLOY_ID>{self.deploy_id}</DEPLOY_ID>{template.to_xml()}{user_template.to_xml('USER_TEMPLATE')}"
            f"<HISTORY_RECORDS>{history}</HISTORY_RECORDS></VM>"
        )
