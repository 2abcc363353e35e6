from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable

from opennebula_core.documents.history import (
    NO_RECORDS,
    render_accounting,
    render_records,
    render_short_records,
)
from opennebula_core.documents.vm import render_vm_of_record
from opennebula_core.model.objects import HistoryRecord, Vm

Read = Callable[..., ET.Element]

RECORD = HistoryRecord(7, 1, 3, "node<3>", 0, "kvm", "ssh", 100, 10, 60, 11, 20, 21, 50, 51, 59, uid=2, gid=1)


def test_a_record_has_its_times_in_their_places(read: Read) -> None:
    element = read(render_records([RECORD]))

    (record,) = element
    assert [record.findtext(name) for name in ("STIME", "ETIME", "PSTIME", "PETIME")] == [
        "10",
        "60",
        "11",
        "20",
    ]
    assert [record.findtext(name) for name in ("RSTIME", "RETIME", "ESTIME", "EETIME")] == [
        "21",
        "50",
        "51",
        "59",
    ]
    assert record.findtext("HOSTNAME") == "node<3>"


def test_accounting_carries_the_vm_in_each_record(read: Read) -> None:
    document = render_vm_of_record(Vm(id=7, name="web"))

    element = read(render_accounting([(RECORD, document), (RECORD, document)]))

    assert [record.findtext("VM/NAME") for record in element] == ["web", "web"]


def test_without_records_there_is_one_empty_element() -> None:
    assert render_records([]) == render_short_records(None) == NO_RECORDS
