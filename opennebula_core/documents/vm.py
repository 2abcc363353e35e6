"""VM documents, rendered at a VM's change in parts between which monitoring is spliced on reading.

::

    one.vm.info            head LAST_POLL middle MONITORING tail
    one.vmpool.info        short_head LAST_POLL short_middle MONITORING short_tail
    one.vmpool.infoextended as info, with extended_tail (the last history record only)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from opennebula_core.documents.escape import escape_document, unescape_document
from opennebula_core.documents.fragments import element, ids, lock, owned, permissions, text
from opennebula_core.documents.history import NO_RECORDS, render_records, render_short_records
from opennebula_core.documents.snapshots import render_snapshots
from opennebula_core.model.disk_snapshots import HIDDEN
from opennebula_core.model.objects import Vm
from opennebula_core.model.template import Template, Value, Vector
from opennebula_core.model.template_xml import render_attributes, render_leaf, render_vector

NO_MONITORING: Final = escape_document("<MONITORING></MONITORING>")

_VM, _END = escape_document("<VM>"), escape_document("</VM>")
_LAST_POLL = escape_document("<LAST_POLL>%d</LAST_POLL>")
_MIDDLE = escape_document(
    "<STATE>%d</STATE><LCM_STATE>%d</LCM_STATE><PREV_STATE>%d</PREV_STATE><PREV_LCM_STATE>%d</PREV_LCM_STATE>"
    "<RESCHED>%d</RESCHED><STIME>%d</STIME><ETIME>%d</ETIME><DEPLOY_ID>%s</DEPLOY_ID>"
)
_SHORT_MIDDLE = escape_document(
    "<STATE>%d</STATE><LCM_STATE>%d</LCM_STATE><RESCHED>%d</RESCHED><STIME>%d</STIME><ETIME>%d</ETIME>"
    "<DEPLOY_ID>%s</DEPLOY_ID>"
)
_NOT_IN_TEMPLATE: Final = ("BACKUP_CONFIG", *HIDDEN)
_SHORT_SINGLES: Final = ("CPU", "MEMORY", "VCPU")
_SHORT_DISK: Final = """DISK_ID DATASTORE DATASTORE_ID IMAGE IMAGE_ID SIZE TYPE CLONE CLONE_TARGET LN_TARGET
    DISK_SNAPSHOT_TOTAL_SIZE"""
_SHORT_NIC: Final = """IP IP6 IP6_ULA IP6_LINK IP6_GLOBAL EXTERNAL_IP MAC NETWORK NETWORK_ID NETWORK_MODE
    NIC_ID SCHED_RANK SCHED_REQUIREMENTS SECURITY_GROUPS"""
_SHORT_VECTORS: Final[dict[str, frozenset[str] | None]] = {
    "DISK": frozenset(_SHORT_DISK.split()),
    "NIC": frozenset(_SHORT_NIC.split()),
    "GRAPHICS": None,
}
_SHORT_USER: Final = (
    "ERROR", "LABELS", "SCHED_ACTION", "SCHED_DS_RANK", "SCHED_DS_REQUIREMENTS", "SCHED_MESSAGE",
    "SCHED_RANK", "SCHED_REQUIREMENTS", "USER_PRIORITY",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class VmDocuments:
    """The parts of a VM's documents, escaped.

    :param extended_tail: None when it is the same as ``tail``: with one history record or none
    """

    head: str
    middle: str
    tail: str
    extended_tail: str | None
    short_head: str
    short_middle: str
    short_tail: str

    def info(self, last_poll: int = 0, monitoring: str = NO_MONITORING) -> str:
        """Return the document of ``one.vm.info``.

        :param monitoring: the MONITORING element, escaped
        """
        return f"{self.head}{_LAST_POLL % last_poll}{self.middle}{monitoring}{self.tail}"

    def extended(self, last_poll: int = 0, monitoring: str = NO_MONITORING) -> str:
        """Return the document in ``one.vmpool.infoextended``."""
        tail = self.extended_tail or self.tail
        return f"{self.head}{_LAST_POLL % last_poll}{self.middle}{monitoring}{tail}"

    def short(self, last_poll: int = 0, monitoring: str = NO_MONITORING) -> str:
        """Return the document in ``one.vmpool.info``."""
        return f"{self.short_head}{_LAST_POLL % last_poll}{self.short_middle}{monitoring}{self.short_tail}"


def render_vm(vm: Vm) -> VmDocuments:
    """Return all that a VM's own values decide of its documents."""
    start, locked, deploy_id = _VM + owned(vm), lock(vm.lock), text(vm.deploy_id)
    body, backups = _body(vm), render_snapshots(vm.template) + _backups(vm.template)
    middle = _MIDDLE % (
        vm.state, vm.lcm_state, vm.prev_state, vm.prev_lcm_state, vm.resched, vm.stime, vm.etime, deploy_id,
    )  # fmt: skip
    short_middle = _SHORT_MIDDLE % (vm.state, vm.lcm_state, vm.resched, vm.stime, vm.etime, deploy_id)
    extended = None
    if len(vm.history) > 1:
        extended = f"{body}{render_records(vm.history[-1:])}{backups}"
    return VmDocuments(
        head=start + permissions(vm.permissions),
        middle=middle + locked,
        tail=f"{body}{render_records(vm.history)}{backups}",
        extended_tail=extended,
        short_head=start,
        short_middle=short_middle + locked + _short_template(vm.template),
        short_tail=_short_user_template(vm.user_template) + render_short_records(vm.last_record) + _END,
    )


def vm_xml(head: str, middle: str, tail: str) -> str:
    """Return the whole document as plain XML, without figures, for drivers.

    :param head: and ``middle``, ``tail``: of :class:`VmDocuments`, as the VM's row keeps them
    """
    return unescape_document(f"{head}{_LAST_POLL % 0}{middle}{NO_MONITORING}{tail}")


def render_vm_of_record(vm: Vm) -> str:
    """Return the document that accounting puts into a history record: without history records itself."""
    documents = render_vm(vm)
    tail = f"{_body(vm)}{NO_RECORDS}{_backups(vm.template)}"
    return f"{documents.head}{_LAST_POLL % 0}{documents.middle}{NO_MONITORING}{tail}"


def _body(vm: Vm) -> str:
    """Return SCHED_ACTIONS, TEMPLATE and USER_TEMPLATE."""
    template = vm.template
    actions = [
        int(action["ID"]) for action in template.vectors("SCHED_ACTION") if action.get("ID", "").isdecimal()
    ]
    if any(name in template for name in _NOT_IN_TEMPLATE):
        template = template.copy()
        for name in _NOT_IN_TEMPLATE:
            template.remove(name)
    return (
        ids("SCHED_ACTIONS", actions)
        + template.to_xml(escaped=True)
        + vm.user_template.to_xml("USER_TEMPLATE", escaped=True)
    )


def _backups(template: Template) -> str:
    configuration = template.vector("BACKUP_CONFIG") or Vector()
    inner = render_vector("BACKUP_CONFIG", configuration, escaped=True) + ids("BACKUP_IDS", ())
    return element("BACKUPS", inner) + _END


def _short_template(template: Template) -> str:
    parts = [
        render_leaf(name, template.get(name), escaped=True) for name in _SHORT_SINGLES if name in template
    ]
    for name, kept in _SHORT_VECTORS.items():
        for vector in template.vectors(name):
            parts.append(render_vector(name, vector, escaped=True, kept=kept))
    return element("TEMPLATE", "".join(parts))


def _short_user_template(template: Template) -> str:
    kept: dict[str, list[Value]] = {
        name: [*template.values(name), *template.vectors(name)] for name in _SHORT_USER if name in template
    }
    return element("USER_TEMPLATE", render_attributes(kept, escaped=True))
