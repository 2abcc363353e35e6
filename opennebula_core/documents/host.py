"""HOST documents. The template's part is rendered at its change, the rest on reading."""

from __future__ import annotations

from collections.abc import Iterable

from opennebula_core.documents.escape import escape_document, unescape_document
from opennebula_core.documents.fragments import cdata, ids, text
from opennebula_core.model.objects import Host
from opennebula_core.model.template import Template
from opennebula_core.model.template_xml import render_vector

NO_MONITORING = escape_document("<MONITORING></MONITORING>")

_HOST = escape_document(
    "<HOST><ID>%d</ID><NAME>%s</NAME><STATE>%d</STATE><PREV_STATE>%d</PREV_STATE><IM_MAD>%s</IM_MAD>"
    "<VM_MAD>%s</VM_MAD><CLUSTER_ID>%d</CLUSTER_ID><CLUSTER>%s</CLUSTER><HOST_SHARE><MEM_USAGE>%d</MEM_USAGE>"
    "<CPU_USAGE>%d</CPU_USAGE><TOTAL_MEM>%d</TOTAL_MEM><TOTAL_CPU>%d</TOTAL_CPU><MAX_MEM>%d</MAX_MEM>"
    "<MAX_CPU>%d</MAX_CPU><RUNNING_VMS>%d</RUNNING_VMS><VMS_THREAD>1</VMS_THREAD>"
    "<DATASTORES><DISK_USAGE>%d</DISK_USAGE>"
)
_SHARE_END = escape_document("</DATASTORES><PCI_DEVICES></PCI_DEVICES><NUMA_NODES></NUMA_NODES></HOST_SHARE>")
_DISK = escape_document("<FREE_DISK>%d</FREE_DISK><MAX_DISK>%d</MAX_DISK><USED_DISK>%d</USED_DISK>")
_END = escape_document("</HOST>")
_DS_KEYS = ("FREE_MB", "ID", "TOTAL_MB", "USED_MB")
_DISK_NAMES = ("DS_LOCATION_FREE_MB", "DS_LOCATION_TOTAL_MB", "DS_LOCATION_USED_MB")


def template_fragment(template: Template) -> str:
    """Return what the template alone decides, to be kept: the end of HOST_SHARE, and TEMPLATE.

    Probes report the room of datastores as ``DS`` vectors and ``DS_LOCATION_*``; these belong to HOST_SHARE.
    """
    shown = template
    if "DS" in template or any(name in template for name in _DISK_NAMES):
        shown = template.copy()
        for name in ("DS", *_DISK_NAMES):
            shown.remove(name)
    return f"{_datastores(template)}{_SHARE_END}{shown.to_xml(escaped=True)}"


def render_host(
    host: Host, fragment: str, vm_ids: Iterable[int] = (), monitoring: str = NO_MONITORING
) -> str:
    """Return the HOST document.

    :param fragment: what :func:`template_fragment` gave for the host's template, which is not looked at
    :param vm_ids: the VMs that hold capacity on the host
    :param monitoring: the MONITORING element, escaped
    """
    datastores, share_end, template = fragment.partition(_SHARE_END)
    start = _HOST % (
        host.id, text(host.name), host.state, host.prev_state, cdata(host.im_mad), cdata(host.vm_mad),
        host.cluster_id, text(host.cluster), host.mem_usage, host.cpu_usage, host.total_mem, host.total_cpu,
        host.max_mem, host.max_cpu, host.running_vms, host.disk_usage,
    )  # fmt: skip
    return f"{start}{datastores}{share_end}{ids('VMS', vm_ids)}{template}{monitoring}{_END}"


def host_xml(host: Host, vm_ids: Iterable[int] = (), monitoring: str = "") -> str:
    """Return the document as plain XML, for drivers.

    :param monitoring: the MONITORING element, plain; empty when there is none
    """
    spliced = escape_document(monitoring) if monitoring else NO_MONITORING
    return unescape_document(render_host(host, template_fragment(host.template), vm_ids, spliced))


def _datastores(template: Template) -> str:
    free, total, used = (_whole(template.get(name)) for name in _DISK_NAMES)
    described = [
        render_vector("DS", {key: str(_whole(ds.get(key, ""))) for key in _DS_KEYS}, escaped=True)
        for ds in template.vectors("DS")
        if ds.get("ID", "").isdecimal()
    ]
    return "".join(described) + _DISK % (free, total, used)


def _whole(value: str) -> int:
    """Return a probe's figure; clients fail on a document whose numbers are none."""
    try:
        return int(float(value))
    except (ValueError, OverflowError):
        return 0
