from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable

from pyone import bindings

from opennebula_core.documents.escape import escape_document
from opennebula_core.documents.host import host_xml
from opennebula_core.documents.monitoring import host_monitoring
from opennebula_core.model.objects import Host
from opennebula_core.model.states import HostState
from opennebula_core.model.template import Template

Read = Callable[..., ET.Element]

PROBED = """
ARCH="x86_64" HYPERVISOR="kvm" MODELNAME="A <fast> & cheap CPU" RESERVED_CPU="" RESERVED_MEM=""
DS_LOCATION_TOTAL_MB=5000 DS_LOCATION_USED_MB=1000 DS_LOCATION_FREE_MB=4000
DS=[ID=0, TOTAL_MB=5000, USED_MB=1000, FREE_MB=4000] DS=[ID=100, TOTAL_MB="rubbish", USED_MB="nan", OTHER=1]
"""


def a_host() -> Host:
    return Host(
        id=3,
        name="node-3",
        template=Template.parse(PROBED),
        state=HostState.MONITORED,
        im_mad="kvm",
        vm_mad="kvm",
        total_cpu=400,
        total_mem=8388608,
        max_cpu=400,
        max_mem=8388608,
        cpu_usage=50,
        mem_usage=524288,
        running_vms=1,
    )


def test_a_host_has_every_element_in_its_place(read: Read) -> None:
    host = a_host()
    sample = host_monitoring(
        3, 99, Template.parse("FREECPU=350.7 USEDCPU=50 FREEMEMORY=1 USEDMEMORY=2 NETRX=3 NETTX=4")
    )

    element = read(escape_document(host_xml(host, (7, 9), sample)))

    assert [item.text for item in element.iterfind("VMS/ID")] == ["7", "9"]
    assert element.findtext("HOST_SHARE/CPU_USAGE") == "50"
    assert element.findtext("MONITORING/CAPACITY/FREE_CPU") == "350"
    assert element.findtext("MONITORING/SYSTEM/NETTX") == "4"
    assert element.findtext("TEMPLATE/MODELNAME") == "A <fast> & cheap CPU"
    assert element.findtext("TEMPLATE/RESERVED_CPU") == ""


def test_room_of_datastores_is_shown_in_host_share(read: Read) -> None:
    element = read(escape_document(host_xml(a_host())))

    assert element.findtext("HOST_SHARE/DATASTORES/FREE_DISK") == "4000"
    assert [ds.findtext("ID") for ds in element.iterfind("HOST_SHARE/DATASTORES/DS")] == ["0", "100"]
    assert element.findtext("HOST_SHARE/DATASTORES/DS[2]/TOTAL_MB") == "0"
    assert element.find("TEMPLATE/DS") is None
    assert element.find("TEMPLATE/DS_LOCATION_FREE_MB") is None


def test_a_new_host_has_the_empty_elements(read: Read) -> None:
    plain = host_xml(Host(id=0, name="new"))

    read(escape_document(plain))
    for part in (
        "<VMS></VMS>",
        "<TEMPLATE></TEMPLATE>",
        "<MONITORING></MONITORING>",
        "<PCI_DEVICES></PCI_DEVICES>",
    ):
        assert part in plain


def test_pyone_reads_the_pool() -> None:
    host = a_host()
    document = host_xml(host, (7,))

    (read_host,) = bindings.parseString(f"<HOST_POOL>{document}</HOST_POOL>".encode(), True).HOST

    assert (read_host.ID, read_host.STATE, read_host.CLUSTER_ID, read_host.CLUSTER) == (3, 2, 0, "default")
    assert read_host.HOST_SHARE.MAX_MEM == 8388608
    assert list(read_host.VMS.ID) == [7]
    assert read_host.TEMPLATE["ARCH"] == "x86_64"
