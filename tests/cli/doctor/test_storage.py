from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

import pytest

from opennebula_core.cli.doctor.findings import Level
from opennebula_core.cli.doctor.storage import examine_storage


def datastore(total: int, free: int) -> Element:
    return fromstring(
        f"<DATASTORE><ID>1</ID><NAME>default</NAME><TOTAL_MB>{total}</TOTAL_MB><FREE_MB>{free}</FREE_MB>"
        f"</DATASTORE>"
    )


@pytest.mark.parametrize(
    ("free", "level"),
    [(500, Level.OK), (50, Level.WARNING), (5, Level.ERROR)],
    ids=["much", "little", "none"],
)
def test_a_datastore_is_judged_by_its_free_share(free: int, level: Level) -> None:
    assert [finding.level for finding in examine_storage([datastore(1000, free)], [])] == [level]


def test_a_datastore_whose_size_is_not_known_is_not_judged() -> None:
    assert [finding.level for finding in examine_storage([datastore(0, 0)], [])] == [Level.OK]


def test_room_for_disks_on_hosts_is_looked_at() -> None:
    host = fromstring(
        "<HOST><ID>3</ID><NAME>node</NAME><HOST_SHARE><DATASTORES><DS><ID>0</ID><TOTAL_MB>100</TOTAL_MB>"
        "<FREE_MB>1</FREE_MB></DS></DATASTORES></HOST_SHARE></HOST>"
    )

    (finding,) = examine_storage([], [host])

    assert finding.level is Level.ERROR
    assert finding.text.startswith("datastore 0 on host node has 1M of 100M free")
