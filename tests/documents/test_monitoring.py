from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from opennebula_core.documents.escape import unescape_document
from opennebula_core.documents.monitoring import host_monitoring, render_monitoring_data, vm_monitoring
from opennebula_core.model.template import Template


def test_a_vms_figures_are_sorted_and_carry_id_and_time() -> None:
    sample = vm_monitoring(
        7, 99, Template.parse('NETTX=2 CPU="0.5" MEMORY=1024 DISK_SIZE=[ID=0,SIZE=12] STATE="a"')
    )

    element = ET.fromstring(sample)
    assert [child.tag for child in element] == [
        "CPU",
        "DISK_SIZE",
        "ID",
        "MEMORY",
        "NETTX",
        "STATE",
        "TIMESTAMP",
    ]
    assert (element.findtext("ID"), element.findtext("TIMESTAMP")) == ("7", "99")


@pytest.mark.parametrize("rubbish", ["YES", "nan", "inf", "1e5", "", "1.2.3", "5 MB"])
def test_a_vms_figure_that_is_no_number_is_left_out(rubbish: str) -> None:
    sample = vm_monitoring(
        7, 99, Template([("CPU", rubbish), ("MEMORY", "5"), ("DISK_SIZE", {"ID": "0", "SIZE": "x"})])
    )

    assert [child.tag for child in ET.fromstring(sample)] == ["ID", "MEMORY", "TIMESTAMP"]


def test_what_a_probe_says_of_id_and_time_is_not_believed() -> None:
    sample = vm_monitoring(7, 99, Template.parse("ID=1 ID=2 TIMESTAMP=3"))

    assert ET.fromstring(sample).findtext("ID") == "7"
    assert len(ET.fromstring(sample)) == 2


def test_a_hosts_figures_are_whole_numbers() -> None:
    sample = host_monitoring(3, 99, Template.parse("USEDCPU=12.7 FREECPU=x FREEMEMORY=1e999 NETRX=5"))

    assert sample == (
        "<MONITORING><TIMESTAMP>99</TIMESTAMP><ID>3</ID><CAPACITY><USED_CPU>12</USED_CPU></CAPACITY>"
        "<SYSTEM><NETRX>5</NETRX></SYSTEM></MONITORING>"
    )


def test_a_series_is_one_document() -> None:
    series = [host_monitoring(3, time, Template()) for time in (1, 2)]

    element = ET.fromstring(unescape_document(render_monitoring_data(series)))

    assert element.tag == "MONITORING_DATA"
    assert [item.findtext("TIMESTAMP") for item in element] == ["1", "2"]
