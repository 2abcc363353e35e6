"""HOST documents. The template's part is rendered at its change, the rest on reading."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from opennebula_core.documents.escape import escape_document, unescape_document
from opennebula_core.documents.fragments import cdata, text
from opennebula_core.model.objects import Host
from opennebula_core.model.template import Template
from opennebula_core.model.template_xml import render_vector

NO_MONITORING = escape_document("<MONITORING></MONITORING>")

_HEAD = escape_document(
    "<HOST><ID>%d</ID><NAME>%s</NAME><STATE>%d</STATE><PREV_STATE>%d</PREV_STATE><IM_MAD>%s</IM_MAD>"
    "<VM_MAD>%s</VM_MAD><CLUSTER_ID>%d</CLUSTER_ID><CLUSTER>%s</CLUSTER>"
)
_SHARE = escape_document(
    "<HOST_SHARE><MEM_USAGE>%d</MEM_USAGE><CPU_USAGE>%d</CPU_USAGE><TOTAL_MEM>%d</TOTAL_MEM>"
    "<TOTAL_CPU>%d</TOTAL_CPU><MAX_MEM>%d</MAX_MEM><MAX_CPU>%d</MAX_CPU><RUNNING_VMS>%d</RUNNING_VMS>"
    "<VMS_THREAD>1</VMS_THREAD><DATASTORES><DISK_USAGE>%d</DISK_USAGE>"
).encode()
_SHARE_END = escape_document("</DATASTORES><PCI_DEVICES></PCI_DEVICES><NUMA_NODES></NUMA_NODES></HOST_SHARE>")
_SHARE_END_BYTES = _SHARE_END.encode()
_DISK = escape_document("<FREE_DISK>%d</FREE_DISK><MAX_DISK>%d</MAX_DISK><USED_DISK>%d</USED_DISK>")
_VMS, _VMS_END = escape_document("<VMS><ID>").encode(), escape_document("</ID></VMS>").encode()
_NO_VMS = escape_document("<VMS></VMS>").encode()
_NEXT_ID = escape_document("</ID><ID>").encode()
_TIMESTAMP, _TAG = (escape_document(mark).encode() for mark in ("<TIMESTAMP>", "<"))
_END = escape_document("<LAST_MON_TIME>%d</LAST_MON_TIME><VN_MAD></VN_MAD></HOST>").encode()
"""The first two are for python-oca, which cannot do without: OpenNebula had them before its release 5.0."""

HostIdentity = tuple[int, str, int, int, str, str, int, str]
"""ID, NAME, STATE, PREV_STATE, IM_MAD, VM_MAD, CLUSTER_ID, CLUSTER."""
HostShare = tuple[int, int, int, int, int, int, int, int]
"""MEM_USAGE, CPU_USAGE, TOTAL_MEM, TOTAL_CPU, MAX_MEM, MAX_CPU, RUNNING_VMS, DISK_USAGE."""

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


def splice_host(
    identity: HostIdentity, share: HostShare, fragment: bytes, vm_ids: bytes, monitoring: bytes
) -> tuple[bytes, ...]:
    """Return the HOST document in pieces to be joined, escaped; made for listings of thousands.

    :param fragment: what :func:`template_fragment` gave for the host's template
    :param vm_ids: the VMs that hold capacity on the host, with commas between them
    :param monitoring: the MONITORING element, escaped
    """
    datastores, share_end, template = fragment.partition(_SHARE_END_BYTES)
    vms = (_VMS, vm_ids.replace(b",", _NEXT_ID), _VMS_END) if vm_ids else (_NO_VMS,)
    end = _END % int(monitoring.partition(_TIMESTAMP)[2].partition(_TAG)[0] or 0)
    return (_head(*identity), _SHARE % share, datastores, share_end, *vms, template, monitoring, end)


@lru_cache(maxsize=8192)
def _head(
    host_id: int,
    name: str,
    state: int,
    prev_state: int,
    im_mad: str,
    vm_mad: str,
    cluster_id: int,
    cluster: str,
) -> bytes:
    """Return what changes rarely: kept, for escaping names costs more than all the rest."""
    values = (host_id, text(name), state, prev_state, cdata(im_mad), cdata(vm_mad), cluster_id, text(cluster))
    return (_HEAD % values).encode()


def host_text(identity: HostIdentity, share: HostShare, fragment: bytes) -> str:
    """Return the document as plain XML, without VMs and figures; see :func:`splice_host`."""
    pieces = splice_host(identity, share, fragment, b"", NO_MONITORING.encode())
    return unescape_document(b"".join(pieces).decode())


def host_xml(host: Host, vm_ids: Iterable[int] = (), monitoring: str = "") -> str:
    """Return the document as plain XML, for drivers.

    :param monitoring: the MONITORING element, plain; empty when there is none
    """
    pieces = splice_host(
        (
            host.id, host.name, host.state, host.prev_state, host.im_mad, host.vm_mad, host.cluster_id,
            host.cluster,
        ),
        (
            host.mem_usage, host.cpu_usage, host.total_mem, host.total_cpu, host.max_mem, host.max_cpu,
            host.running_vms, host.disk_usage,
        ),
        template_fragment(host.template).encode(),
        ",".join(map(str, vm_ids)).encode(),
        (escape_document(monitoring) if monitoring else NO_MONITORING).encode(),
    )  # fmt: skip
    return unescape_document(b"".join(pieces).decode())


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
