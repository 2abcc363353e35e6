from __future__ import annotations

import pytest

from opennebula_core.contracts.tm import Location, Transfer
from opennebula_core.errors import DriverError
from opennebula_tm_ssh.places import vm_file

TRANSFER = Transfer(vm_id=7, datastore_id=0)


@pytest.mark.parametrize(
    ("path", "folder", "name"),
    [
        ("/var/lib/one/datastores/0/7", "/var/lib/one/datastores/0/7", ""),
        ("/var/lib/one//datastores/0/7/", "/var/lib/one/datastores/0/7", ""),
        ("/datastores/100/7/disk.0", "/datastores/100/7", "disk.0"),
        ("/datastores/0/7/disk.0.snap/1", "/datastores/0/7", "disk.0.snap/1"),
    ],
)
def test_places_in_a_vms_folder_are_taken_apart(path: str, folder: str, name: str) -> None:
    place = vm_file(Location("host1", path), TRANSFER)
    assert (place.host, place.folder, place.name) == ("host1", folder, name)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "relative/datastores/0/7",
        "/var/lib/one/datastores",
        "/var/lib/one/datastores/0",
        "/var/lib/one/datastores/0/8",
        "/var/lib/one/datastores/0/77",
        "/var/lib/one/datastores/x/7",
        "/var/lib/one/datastores/0/7/../8",
        "/var/lib/one/datastores/0/8/../7",
        "/var/lib/one/mydatastores/0/7",
        "/srv/0/7",
        "/datastores/0/7/disk.0\n",
    ],
)
def test_other_places_are_refused(path: str) -> None:
    with pytest.raises(DriverError, match=r"correct it|not in a folder of that VM"):
        vm_file(Location("host1", path), TRANSFER)


def test_the_datastores_may_have_another_name() -> None:
    assert vm_file(Location("", "/srv/cloud/0/7/disk.1"), TRANSFER, "/srv/cloud/").name == "disk.1"
    with pytest.raises(DriverError):
        vm_file(Location("", "/srv/clouds/0/7"), TRANSFER, "/srv/cloud")


@pytest.mark.parametrize(
    ("name", "is_disk"), [("disk.0", True), ("disk.12", True), ("disk.0.snap", False), ("checkpoint", False)]
)
def test_disks_are_told_by_their_name(name: str, is_disk: bool) -> None:
    assert vm_file(Location("", f"/datastores/0/7/{name}"), TRANSFER).is_disk is is_disk
