"""HISTORY: one stay of a VM on a host."""

from __future__ import annotations

from collections.abc import Iterable

from opennebula_core.documents.escape import escape_document
from opennebula_core.documents.fragments import cdata, element, text
from opennebula_core.model.objects import HistoryRecord

_FULL = escape_document(
    "<HISTORY><OID>%d</OID><SEQ>%d</SEQ><HOSTNAME>%s</HOSTNAME><HID>%d</HID><CID>%d</CID><STIME>%d</STIME>"
    "<ETIME>%d</ETIME><VM_MAD>%s</VM_MAD><TM_MAD>%s</TM_MAD><DS_ID>%d</DS_ID><PSTIME>%d</PSTIME>"
    "<PETIME>%d</PETIME><RSTIME>%d</RSTIME><RETIME>%d</RETIME><ESTIME>%d</ESTIME><EETIME>%d</EETIME>"
    "<ACTION>%d</ACTION><UID>%d</UID><GID>%d</GID><REQUEST_ID>%d</REQUEST_ID>%s</HISTORY>"
)
_SHORT = escape_document(
    "<HISTORY><OID>%d</OID><SEQ>%d</SEQ><HOSTNAME>%s</HOSTNAME><HID>%d</HID><CID>%d</CID><DS_ID>%d</DS_ID>"
    "<VM_MAD>%s</VM_MAD><TM_MAD>%s</TM_MAD><ACTION>%d</ACTION></HISTORY>"
)
NO_RECORDS = escape_document("<HISTORY_RECORDS/>")


def render_records(records: Iterable[HistoryRecord]) -> str:
    """Return HISTORY_RECORDS as ``one.vm.info`` has it."""
    inner = "".join(render_record(record) for record in records)
    return element("HISTORY_RECORDS", inner) if inner else NO_RECORDS


def render_record(record: HistoryRecord, vm_document: str = "") -> str:
    """Return one HISTORY.

    :param vm_document: the VM's document inside the record, escaped; accounting has it
    """
    times = (
        record.prolog_stime, record.prolog_etime, record.running_stime, record.running_etime,
        record.epilog_stime, record.epilog_etime,
    )  # fmt: skip
    return _FULL % (
        record.vm_id, record.seq, text(record.hostname), record.host_id, record.cluster_id, record.stime,
        record.etime, cdata(record.vm_mad), cdata(record.tm_mad), record.datastore_id, *times, record.action,
        record.uid, record.gid, record.request_id, vm_document,
    )  # fmt: skip


def render_short_records(record: HistoryRecord | None) -> str:
    """Return HISTORY_RECORDS as ``one.vmpool.info`` has it: the last record only."""
    if record is None:
        return NO_RECORDS
    short = _SHORT % (
        record.vm_id, record.seq, text(record.hostname), record.host_id, record.cluster_id,
        record.datastore_id, cdata(record.vm_mad), cdata(record.tm_mad), record.action,
    )  # fmt: skip
    return element("HISTORY_RECORDS", short)


def render_accounting(records: Iterable[tuple[HistoryRecord, str]]) -> str:
    """Return the document of ``one.vmpool.accounting``: records with the document of their VM."""
    return element("HISTORY_RECORDS", "".join(render_record(record, vm) for record, vm in records))
