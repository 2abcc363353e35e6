"""How virtualisation drivers are asked: words from 1.2 to 3.0, one word of base64 XML from 3.2 on."""

from __future__ import annotations

import base64
import re
from typing import Final
from xml.sax.saxutils import escape

from opennebula_core.errors import DriverError
from opennebula_core.wire.dialects.base import Dialect, Release
from opennebula_core.wire.requests import Request, VmmRequest
from opennebula_core.wire.transfer_script import PRAGMA, translate_script

SINCE: Final[dict[str, Release]] = {
    "DEPLOY": (1, 2), "SHUTDOWN": (1, 2), "CANCEL": (1, 2), "SAVE": (1, 2), "RESTORE": (1, 2),
    "MIGRATE": (1, 2), "POLL": (1, 2),
    "REBOOT": (3, 2),
    "RESET": (3, 6), "ATTACHDISK": (3, 6), "DETACHDISK": (3, 6),
    "ATTACHNIC": (4, 0), "DETACHNIC": (4, 0), "CLEANUP": (4, 0),
    "SNAPSHOTCREATE": (4, 0), "SNAPSHOTREVERT": (4, 0), "SNAPSHOTDELETE": (4, 0),
    "DISKSNAPSHOTCREATE": (4, 14),
    "UPDATESG": (5, 0), "RESIZEDISK": (5, 4), "UPDATECONF": (5, 10), "RESIZE": (6, 0),
    "BACKUP": (6, 6), "UPDATENIC": (6, 6), "BACKUPCANCEL": (6, 8),
}  # fmt: skip
"""Since when the drivers know an action. Source: OpenNebula 1.2 to 6.10, VirtualMachineManagerDriver."""

XML_SINCE: Final[Release] = (3, 2)
TM_COMMAND_SINCE: Final[Release] = (3, 6)
DATASTORE_SINCE: Final[Release] = (5, 0)
"""Here NET_DRV and MIGR_NET_DRV went and DATASTORE came."""

CONTEXT_IN_DEPLOY_SINCE: Final[Release] = (5, 0)
"""From here on the CONTEXT line goes with DEPLOY; before, it stands in the prolog's transfer script."""


class VmmDialect(Dialect):
    """Common to both forms: which actions there are and which may be repeated."""

    kind = "vmm"

    @property
    def actions(self) -> frozenset[str]:
        """The actions of the release."""
        return frozenset(action for action, since in SINCE.items() if since <= self.release)

    @property
    def resend_safe(self) -> frozenset[str]:
        """Looking is always safe, and ending what shall be gone; CANCEL of a gone guest failed before 5.0."""
        safe = {"POLL", "CLEANUP"} | ({"CANCEL"} if self.release >= (5, 0) else set())
        return frozenset(safe) & self.actions

    @property
    def context_in_deploy(self) -> bool:
        """Whether DEPLOY carries the CONTEXT line; else the core puts it into the prolog."""
        return self.release >= CONTEXT_IN_DEPLOY_SINCE

    def _expect(self, request: Request) -> VmmRequest:
        assert isinstance(request, VmmRequest)
        if request.action not in self.actions:
            raise DriverError(
                f"{request.action} of VM {request.vm_id}: drivers of OpenNebula "
                f"{self.release[0]}.{self.release[1]} do not know it; do without, or use a newer driver"
            )
        return request


class WordsVmmDialect(VmmDialect):
    """1.2 to 3.0: always four words after the action. Source: 1.4-vmm-kvm.txt, 2.0-vmm.txt, 3.0-vmm.txt."""

    def encode(self, request: Request) -> str:
        """Return ``ACTION ID HOST FIRST SECOND``."""
        vmm = self._expect(request)
        first, second = self._operands(vmm)
        words = (vmm.action, str(vmm.vm_id), vmm.host, first or "-", second or "-")
        if any(not word or any(c.isspace() for c in word) for word in words):
            raise DriverError(
                f"{vmm.action} of VM {vmm.vm_id}: a word of {words!r} holds a blank or is empty; "
                f"drivers before 3.2 take none"
            )
        return " ".join(words)

    def _operands(self, request: VmmRequest) -> tuple[str, str]:
        match request.action:
            case "DEPLOY":
                return request.remote_deployment_file, ""
            case "RESTORE" if self.release < (1, 4):
                return request.checkpoint_file, ""
            case "SAVE" | "RESTORE":
                return request.deploy_id, request.checkpoint_file
            case "MIGRATE":
                return request.deploy_id, request.migr_host
            case _:
                return request.deploy_id, ""


class XmlVmmDialect(VmmDialect):
    """3.2 and later: VMM_DRIVER_ACTION_DATA in one word. Source: 6.10.5-core-requests.txt."""

    def encode(self, request: Request) -> str:
        """Return ``ACTION ID BASE64``, from 6.0 with the empty status word."""
        vmm = self._expect(request)
        payload = self.payload(vmm).encode()
        return f"{self.head(vmm.action, vmm.vm_id)} {base64.b64encode(payload).decode()}"

    def payload(self, request: VmmRequest) -> str:
        """Return the document that travels in base64."""
        parts = ["<VMM_DRIVER_ACTION_DATA>", _leaf("HOST", request.host)]
        networks = self._network_drivers(request)
        if networks:
            parts.append(_leaf("NET_DRV", networks[0]))
        parts.append(_leaf("MIGR_HOST", request.migr_host))
        if networks:
            parts.append(_leaf("MIGR_NET_DRV", networks[1]))
        parts += (
            _leaf("DEPLOY_ID", request.deploy_id),
            _leaf("LOCAL_DEPLOYMENT_FILE", request.local_deployment_file),
            _leaf("REMOTE_DEPLOYMENT_FILE", request.remote_deployment_file),
            _leaf("CHECKPOINT_FILE", request.checkpoint_file),
        )
        parts += self._transfer_parts(request)
        parts += self._tail(request)
        parts.append("</VMM_DRIVER_ACTION_DATA>")
        return "".join(parts)

    def _transfer_parts(self, request: VmmRequest) -> tuple[str, ...]:
        if self.release < TM_COMMAND_SINCE:
            return ()
        return (
            _cdata("TM_COMMAND", self.transfer_lines(request.tm_command)),
            _cdata("TM_COMMAND_ROLLBACK", self.transfer_lines(request.tm_command_rollback)),
            _leaf("DISK_TARGET_PATH", request.disk_target_path),
        )

    def transfer_lines(self, text: str) -> str:
        """Return transfer lines without our own comments: drivers take the first word for the verb."""
        lines = text.splitlines(keepends=True)
        return translate_script("".join(line for line in lines if not line.startswith(PRAGMA)), self.release)

    def _tail(self, request: VmmRequest) -> list[str]:
        parts = []
        if request.security_group_id is not None:
            parts.append(_leaf("SECURITY_GROUP_ID", str(request.security_group_id)))
        if request.virtual_network_id is not None:
            parts.append(_leaf("VIRTUAL_NETWORK_ID", str(request.virtual_network_id)))
        parts.append(request.vm_xml)
        if self.release >= DATASTORE_SINCE:
            parts.append(request.datastore_xml)
        return parts

    def _network_drivers(self, request: VmmRequest) -> tuple[str, str] | None:
        """NET_DRV and MIGR_NET_DRV were the hosts' drivers; here networks name them, the first one counts."""
        if self.release >= DATASTORE_SINCE:
            return None
        found = re.search(r"<VN_MAD>(?:<!\[CDATA\[)?([\w.-]+)", request.vm_xml)
        name = found[1] if found else "dummy"
        return name, name if request.migr_host else ""


class OwnVmmDialect(XmlVmmDialect):
    """6.10 as our own drivers speak it: DESCRIBE, the host's document and the attempt number come on top."""

    @property
    def actions(self) -> frozenset[str]:
        """The actions of 6.10 and POLL and DESCRIBE."""
        return super().actions | {"DESCRIBE"}

    def transfer_lines(self, text: str) -> str:
        """Return transfer lines as they are: our drivers read the comments."""
        return text

    def _tail(self, request: VmmRequest) -> list[str]:
        parts = super()._tail(request)
        if request.host_xml:
            parts.append(f"<HOST_DOCUMENT>{request.host_xml}</HOST_DOCUMENT>")
        if request.attempt > 1:
            parts.append(_leaf("ATTEMPT", str(request.attempt)))
        return parts


def vmm_dialect(release: Release) -> VmmDialect:
    """Return how VMM drivers of a release are asked."""
    return WordsVmmDialect(release) if release < XML_SINCE else XmlVmmDialect(release)


def _leaf(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>" if text else f"<{name}/>"


def _cdata(name: str, text: str) -> str:
    if not text:
        return f"<{name}/>"
    return f"<{name}><![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]></{name}>"
