"""Numbers that are none, or too large for anything, in what users write about each kind of object."""

from __future__ import annotations

import pytest

from opennebula_core.db.transaction import Snapshot
from opennebula_core.errors import AllocateError, InternalError, RequestError
from opennebula_core.managers.host.capacity import LARGEST, figure, reserved

from .estate import Estate

pytestmark = pytest.mark.asyncio(loop_scope="module")

NONE = ["-1", "NaN", "inf", "1e308", "1_0", "x", " ", "0x1F", "٣"]
LARGE = [str(2**63), str(2**70), "9" * 5000]
TABLES = ("vm", "image", "network", "vm_template", "host", "lease", "address_range")


def rows(estate: Estate) -> list[int]:
    def count(tx: Snapshot) -> list[int]:
        return [int(tx.value(f"SELECT COUNT(*) FROM {table}")) for table in TABLES]

    return estate.cloud.daemon.store.read(count)


async def refused(estate: Estate, method: str, *params: object) -> RequestError:
    """Call a method that has to refuse and must leave nothing behind; return the refusal."""
    before = rows(estate)
    with pytest.raises(RequestError) as caught:
        await estate.cloud.call(method, *params)
    assert "internal error" not in str(caught.value)
    assert rows(estate) == before
    return caught.value


@pytest.mark.parametrize("number", [*NONE, *LARGE, "", "0", "0.0"])
@pytest.mark.parametrize("name", ["CPU", "MEMORY", "VCPU"])
async def test_of_a_vms_capacity(estate: Estate, name: str, number: str) -> None:
    capacity = {"CPU": "1", "MEMORY": "64", name: number}
    text = "".join(f'{key}="{value}"\n' for key, value in capacity.items())
    if (name, number) == ("VCPU", ""):  # as good as none
        await estate.cloud.call("one.vm.allocate", text, True)
        return
    error = await refused(estate, "one.vm.allocate", text, True)
    assert isinstance(error, InternalError)
    assert f"{name} attribute must be" in str(error)


async def test_of_an_attribute_that_is_given_twice_the_first_counts(estate: Estate) -> None:
    text = "CPU=1\nCPU=2\nMEMORY=64\nMEMORY=128\nVCPU=3\nVCPU=x\n"
    vm = estate.cloud.vm(await estate.cloud.new("one.vm.allocate", text, True))
    assert {name: vm.template.values(name) for name in ("CPU", "MEMORY", "VCPU")} == {
        "CPU": ["1"],
        "MEMORY": ["64"],
        "VCPU": ["3"],
    }
    assert (vm.cpu_percent, vm.memory_mib) == (100, 64)


@pytest.mark.parametrize("number", [*NONE, *LARGE, ""])
@pytest.mark.parametrize(
    "vector", ["DISK=[IMAGE_ID={}]", "NIC=[NETWORK_ID={}]", "DISK=[TYPE=fs,FORMAT=raw,SIZE={}]"]
)
async def test_of_a_vms_devices(estate: Estate, vector: str, number: str) -> None:
    quoted = f'"{number}"'
    text = f"CPU=1\nMEMORY=64\n{vector.format(quoted)}\n"
    await refused(estate, "one.vm.allocate", text, True)


@pytest.mark.parametrize("number", [*NONE, *LARGE])
@pytest.mark.parametrize(
    "vector", ['DISK=[IMAGE="nowhere",IMAGE_UID={}]', 'NIC=[NETWORK="nowhere",NETWORK_UID={}]']
)
async def test_of_owners_that_devices_are_looked_for_with(estate: Estate, vector: str, number: str) -> None:
    quoted = f'"{number}"'
    error = await refused(estate, "one.vm.allocate", f"CPU=1\nMEMORY=64\n{vector.format(quoted)}\n", True)
    assert "does not own" in str(error)


@pytest.mark.parametrize("number", [*NONE, *LARGE])
async def test_a_disk_is_not_smaller_than_its_image_nor_larger_than_anything(
    estate: Estate, number: str
) -> None:
    vm_id = await estate.cloud.add_vm(f'DISK=[IMAGE_ID={estate.image_id},SIZE="{number}"]')
    size_mb = str(estate.cloud.image(estate.image_id).size_mb)
    assert estate.cloud.vm(vm_id).template.vectors("DISK")[0]["SIZE"] == size_mb
    await estate.cloud.act("terminate", vm_id)


@pytest.mark.parametrize("number", ["x", "-1", str(2**70)])
async def test_where_a_vm_may_run_is_not_the_nics_to_say(estate: Estate, number: str) -> None:
    vm_id = await estate.cloud.add_vm(f'NIC=[NETWORK_MODE="auto",CLUSTER_ID="{number}"]')
    assert "CLUSTER_ID" not in estate.cloud.vm(vm_id).template.get("AUTOMATIC_REQUIREMENTS")


@pytest.mark.parametrize("number", [*NONE, *LARGE])
@pytest.mark.parametrize("rest", ["TYPE=DATABLOCK", "PATH=/any/image", "SOURCE=/any/source"])
async def test_of_an_images_size(estate: Estate, rest: str, number: str) -> None:
    text = f'NAME="odd"\nSIZE="{number}"\n{rest}\n'
    error = await refused(estate, "one.image.allocate", text, estate.cloud.datastore_id)
    assert isinstance(error, AllocateError)
    assert "Wrong SIZE" in str(error)


@pytest.mark.parametrize("number", [*NONE, *LARGE, "", "0"])
async def test_of_a_ranges_size(estate: Estate, number: str) -> None:
    vector = f'AR=[TYPE=ETHER,SIZE="{number}"]'
    assert "Wrong SIZE" in str(await refused(estate, "one.vn.add_ar", estate.network_id, vector))
    text = f"NAME=odd\nVN_MAD=dummy\nBRIDGE=br0\n{vector}\n"
    assert "Wrong SIZE" in str(await refused(estate, "one.vn.allocate", text, -1))


@pytest.mark.parametrize("number", [*NONE, *LARGE, ""])
async def test_of_a_ranges_id(estate: Estate, number: str) -> None:
    error = await refused(estate, "one.vn.update_ar", estate.network_id, f'AR=[AR_ID="{number}",SIZE=9]')
    assert "AR_ID" in str(error)


@pytest.mark.parametrize("number", [*NONE, *LARGE])
@pytest.mark.parametrize("name", ["RESERVED_CPU", "RESERVED_MEM"])
async def test_of_what_hosts_and_clusters_reserve(estate: Estate, name: str, number: str) -> None:
    for method, object_id in (("one.host.update", estate.there), ("one.cluster.update", 0)):
        for text in (number, f"{number}%", f"-{number}"):
            await estate.cloud.call(method, object_id, f'{name}="{text}"\n', 1)
        await estate.cloud.call(method, object_id, f'{name}=""\n', 1)
    there = estate.cloud.host(there_id := estate.there)
    assert (there.max_cpu, there.max_mem) == (there.total_cpu, there.total_mem), there_id


@pytest.mark.parametrize("number", [*NONE, *LARGE])
@pytest.mark.parametrize("word", ["ids", "one of them"])
async def test_of_lists_of_ids(estate: Estate, number: str, word: str) -> None:
    ids = number if word == "ids" else f"0,{number}"
    if ids.strip():
        await refused(estate, "one.vmpool.infoset", ids.replace(" ", "x"), False)


@pytest.mark.parametrize("text", ["1e308", "-1e308", "inf", "nan", "x", "", str(2**70)])
async def test_what_a_driver_reports_fits_into_the_database(text: str) -> None:
    assert -LARGEST <= figure(text) <= LARGEST
    assert abs(reserved(f"{10**12 - 1}%", int(LARGEST))) <= LARGEST


@pytest.mark.parametrize("number", LARGE)
async def test_of_what_only_the_core_says_of_a_disk(estate: Estate, number: str) -> None:
    disk = f'DISK=[TYPE=fs,SIZE=1,DISK_SNAPSHOT_TOTAL_SIZE="{number}"]'
    vm_id = await estate.cloud.add_vm(disk)
    (made,) = estate.cloud.vm(vm_id).template.vectors("DISK")
    assert "DISK_SNAPSHOT_TOTAL_SIZE" not in made
