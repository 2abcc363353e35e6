from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest

from opennebula_core.model.template import Template
from opennebula_core.scheduling.attributes import DATASTORE_SECTIONS, HOST_SECTIONS, Attributes

HOST = fromstring(
    "<HOST><ID>4</ID><NAME>big</NAME><HOST_SHARE><RUNNING_VMS>2</RUNNING_VMS><DATASTORES><FREE_DISK>9</FREE_DISK>"
    "</DATASTORES></HOST_SHARE><VMS><ID>7</ID><ID>8</ID></VMS><TEMPLATE><ARCH>x86_64</ARCH><NAME>nick</NAME>"
    "<NODE><SPEED>3</SPEED></NODE></TEMPLATE><MONITORING><CAPACITY><FREE_CPU>350</FREE_CPU></CAPACITY>"
    "<SYSTEM><NETRX>5</NETRX></SYSTEM></MONITORING></HOST>"
)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("ID", ("4",)),
        ("RUNNING_VMS", ("2",)),
        ("FREE_DISK", ("9",)),
        ("ARCH", ("x86_64",)),
        ("FREE_CPU", ("350",)),
        ("NETRX", ("5",)),
        ("NAME", ("big", "nick")),
        ("VMS/ID", ("7", "8")),
        ("NODE/SPEED", ("3",)),
        ("/HOST/TEMPLATE/ARCH", ("x86_64",)),
        ("/VM/TEMPLATE/ARCH", ()),
        ("NODE", ()),
        ("MISSING", ()),
    ],
)
def test_a_hosts_attributes_are_found_in_all_its_sections(name: str, values: tuple[str, ...]) -> None:
    assert Attributes(HOST, HOST_SECTIONS)(name) == values


@pytest.mark.parametrize("name", ["*", "..", "ID[1]", "//ID", "", "/", "a//b", "ID | NAME"])
def test_what_is_no_name_finds_nothing(name: str) -> None:
    assert Attributes(HOST, HOST_SECTIONS)(name) == ()


def test_the_clusters_template_comes_last() -> None:
    attributes = Attributes(HOST, HOST_SECTIONS, Template([("ARCH", "any"), ("PRIORITY", "5")]))
    assert attributes("ARCH") == ("x86_64", "any")
    assert attributes("PRIORITY") == ("5",)


def test_a_datastores_clusters_are_a_list() -> None:
    datastore = fromstring(
        "<DATASTORE><ID>1</ID><CLUSTERS><ID>0</ID><ID>100</ID></CLUSTERS><TEMPLATE/></DATASTORE>"
    )
    assert Attributes(datastore, DATASTORE_SECTIONS)("CLUSTERS/ID") == ("0", "100")
