from __future__ import annotations

from xml.etree.ElementTree import fromstring

from opennebula_core.cli.vdc import LISTING
from tests.cli.shell import Shell


def test_a_cloud_without_virtual_data_centres_lists_none(cloud: Shell) -> None:
    header = ["ID", "NAME", "GROUPS", "CLUSTERS", "HOSTS", "VNETS", "DATASTORES"]

    assert cloud.ok("onevdc list").split() == header
    assert "there are no VDCs" in cloud.refused("onevdc show research")


def test_making_one_says_that_there_are_none(cloud: Shell) -> None:
    assert "Cannot make a VDC: this release has none" in cloud.refused("onevdc create --name research")


def test_one_that_is_not_there_gets_no_members(cloud: Shell) -> None:
    for line in ("addgroup 4 oneadmin", "addhost 4 OpenNebula ALL", "delcluster 4 0 default", "delete 4"):
        assert "[4]" in cloud.refused(f"onevdc {line}"), line


def test_members_are_shown_with_their_zone() -> None:
    item = fromstring(
        "<VDC><ID>1</ID><NAME>research</NAME><GROUPS><ID>100</ID><ID>101</ID></GROUPS><CLUSTERS><CLUSTER>"
        "<ZONE_ID>0</ZONE_ID><CLUSTER_ID>-10</CLUSTER_ID></CLUSTER></CLUSTERS><HOSTS><HOST><ZONE_ID>0</ZONE_ID>"
        "<HOST_ID>7</HOST_ID></HOST></HOSTS></VDC>"
    )

    cells = [column.read(item) for column in LISTING.chosen(None)]

    assert cells == ["1", "research", "100,101", "0:ALL", "0:7", "-", "-"]
