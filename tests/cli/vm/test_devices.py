from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.shell import Shell


@pytest.fixture
def running(cloud: Shell, fresh_name: Callable[[str], str]) -> int:
    """A VM that runs."""
    return cloud.make(f"onevm create --name {fresh_name('vm')} --cpu 0.1 --memory 32 --wait --timeout 60")


def devices(cloud: Shell, vm_id: int, name: str) -> list[dict[str, str]]:
    found = cloud.document(f"onevm show {vm_id}")["VM"]["TEMPLATE"].get(name, [])
    return list(found) if isinstance(found, list) else [found]


def test_a_disk_is_plugged_in_and_out(cloud: Shell, running: int) -> None:
    cloud.ok(f"onevm disk-attach {running} --image :TYPE=fs:SIZE=8 --target vdc --wait --timeout 60")
    (disk,) = devices(cloud, running, "DISK")
    assert (disk["DISK_ID"], disk["SIZE"], disk["TARGET"]) == ("0", "8", "vdc")

    cloud.ok(f"onevm disk-detach {running} 0 --wait --timeout 60")
    assert devices(cloud, running, "DISK") == []


def test_a_nic_is_plugged_in_and_out(cloud: Shell, running: int, fresh_name: Callable[[str], str]) -> None:
    network = fresh_name("net")
    cloud.make(f"onevnet create --name {network} --driver dummy --bridge br0 --ip 10.3.0.1 --size 9")

    cloud.ok(f"onevm nic-attach {running} --network {network} --ip 10.3.0.5 --wait --timeout 60")
    assert [nic["IP"] for nic in devices(cloud, running, "NIC")] == ["10.3.0.5"]

    cloud.ok(f"onevm nic-detach {running} 0 --wait --timeout 60")
    assert devices(cloud, running, "NIC") == []


def test_a_disk_is_described_by_a_text(cloud: Shell, running: int) -> None:
    cloud.ok(f"onevm disk-attach {running} --file - --wait --timeout 60", stdin="DISK=[TYPE=swap,SIZE=4]")
    assert devices(cloud, running, "DISK")[0]["TYPE"] == "swap"


def test_waiting_for_a_change_that_fails_tells_why(
    cloud: Shell, running: int, control: Callable[[str], None]
) -> None:
    control('{"vmm/ATTACHDISK": {"failure_rate": 1, "message": "no slot is free"}}')

    said = cloud.refused(f"onevm disk-attach {running} --image :TYPE=fs:SIZE=8 --wait --timeout 60")

    assert "no slot is free" in said
    assert devices(cloud, running, "DISK") == []


def test_a_disk_grows_and_is_saved_as_an_image(cloud: Shell, fresh_name: Callable[[str], str]) -> None:
    name = fresh_name("base")
    store = cloud.make(f"onedatastore create --name {fresh_name('ds')} --ds dummy --tm dummy")
    cloud.make(f"oneimage create --name {name} --path /any/image --datastore {store} --wait")
    vm_id = cloud.make(f"onevm create --cpu 0.1 --memory 32 --disk {name} --wait --timeout 60")

    cloud.ok(f"onevm disk-resize {vm_id} 0 5G --wait --timeout 60")
    assert devices(cloud, vm_id, "DISK")[0]["SIZE"] == "5120"

    image_id = cloud.make(f"onevm disk-saveas {vm_id} 0 {name}-copy --wait --timeout 60")
    assert cloud.document(f"oneimage show {image_id}")["IMAGE"]["STATE"] == "1"
