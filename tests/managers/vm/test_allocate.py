from __future__ import annotations

import pytest

from opennebula_core.errors import ActionError, InternalError, NotFoundError, RequestError
from opennebula_core.model.states import VmState
from opennebula_core.model.template import Vector
from opennebula_core.testing.cloud import Cloud as FrontEnd


def _disks(cloud: FrontEnd, vm_id: int) -> list[Vector]:
    return cloud.vm(vm_id).template.vectors("DISK")


def _nics(cloud: FrontEnd, vm_id: int) -> list[Vector]:
    return cloud.vm(vm_id).template.vectors("NIC")


def _used(cloud: FrontEnd, network_id: int) -> int:
    return sum(len(addresses.leases) for addresses in cloud.network(network_id).ranges)


# -- disks -------------------------------------------------------------------------------------------


async def test_each_disk_gets_a_number_and_a_target_of_its_own(front_end: FrontEnd) -> None:
    image_id = await front_end.add_image("base")
    data_id = await front_end.add_image("data", "SIZE=10\nTYPE=DATABLOCK")
    disks = f"DISK=[IMAGE_ID={image_id}]\nDISK=[IMAGE_ID={data_id}]\nDISK=[TYPE=swap,SIZE=32]\n"
    vm_id = await front_end.add_vm(f"{disks}DISK=[IMAGE_ID={data_id},TARGET=vdz]\nCONTEXT=[A=b]")
    found = _disks(front_end, vm_id)
    assert [disk["DISK_ID"] for disk in found] == ["0", "1", "2", "3"]
    targets = [disk["TARGET"] for disk in found]
    assert targets[0].endswith("a")
    assert targets[3] == "vdz"
    assert len(set(targets)) == 4
    context = front_end.vm(vm_id).template.vector("CONTEXT")
    assert context is not None
    assert context["DISK_ID"] == "4"
    assert context["TARGET"] not in targets


@pytest.mark.parametrize(
    ("disk", "expected"),
    [
        ("TYPE=fs", ("raw", "raw")),
        ("TYPE=fs,FS=ext4", ("raw", "raw")),
        ("TYPE=fs,FORMAT=raw,FS=ext4", ("raw", "raw")),
        ("TYPE=fs,FORMAT=QCOW2", ("qcow2", "qcow2")),
        ("TYPE=swap", ("swap", "raw")),
    ],
)
async def test_a_new_disk_is_opened_as_what_it_is_made(
    front_end: FrontEnd, disk: str, expected: tuple[str, str]
) -> None:
    vm_id = await front_end.add_vm(f"DISK=[{disk},SIZE=32]")
    (found,) = _disks(front_end, vm_id)
    assert (found["FORMAT"], found["DRIVER"]) == expected


@pytest.mark.parametrize(
    ("disk", "reason"),
    [
        ("TYPE=fs,FORMAT=qcow2,FS=ext4", "cannot be qcow2 and have the file system 'ext4'"),
        ("TYPE=fs,FORMAT=Qcow2,FS=xfs", "cannot be qcow2 and have the file system 'xfs'"),
        ("TYPE=swap,FORMAT=qcow2", "cannot be qcow2 and have a swap area"),
        ("TYPE=fs,FS=qcow2", "'qcow2', no file system"),
    ],
)
async def test_a_new_disk_that_its_guest_could_not_use_is_refused(
    front_end: FrontEnd, disk: str, reason: str
) -> None:
    with pytest.raises(InternalError, match=reason):
        await front_end.add_vm(f"DISK=[{disk},SIZE=32]")


async def test_a_disk_may_grow_but_not_shrink(front_end: FrontEnd) -> None:
    image_id = await front_end.add_image("base")
    size = front_end.image(image_id).size_mb
    vm_id = await front_end.add_vm(
        f"DISK=[IMAGE_ID={image_id},SIZE={size + 100}]\nDISK=[IMAGE_ID={image_id},SIZE=1]"
    )
    assert [disk["SIZE"] for disk in _disks(front_end, vm_id)] == [str(size + 100), str(size)]


async def test_an_image_is_found_by_its_name_and_its_owner(front_end: FrontEnd) -> None:
    image_id = await front_end.add_image("base")
    await front_end.call("one.user.allocate", "alice", "wonder", "core", [])
    await front_end.call("one.image.chmod", image_id, -1, -1, -1, -1, -1, -1, 1, -1, -1)
    for owner in ("IMAGE_UNAME=oneadmin", "IMAGE_UID=0"):
        vm_id = await front_end.add_vm(f"DISK=[IMAGE=base,{owner}]", session="alice:wonder")
        assert _disks(front_end, vm_id)[0]["IMAGE_ID"] == str(image_id)
    for disk in ("IMAGE=base", "IMAGE=base,IMAGE_UNAME=nobody"):
        with pytest.raises(NotFoundError, match="does not own an image with name: base"):
            await front_end.add_vm(f"DISK=[{disk}]", session="alice:wonder")


async def test_the_core_alone_says_where_an_images_data_lies(front_end: FrontEnd) -> None:
    image_id = await front_end.add_image("base")
    forged = "SOURCE=/etc/shadow,TM_MAD=evil,DATASTORE_ID=0,CLONE=NO,SAVE=YES"
    vm_id = await front_end.add_vm(f"DISK=[IMAGE_ID={image_id},{forged}]")
    (disk,) = _disks(front_end, vm_id)
    assert disk["SOURCE"] == front_end.image(image_id).source
    assert (disk["TM_MAD"], disk["CLONE"], disk["SAVE"]) == ("dummy", "YES", "NO")


async def test_a_refused_vm_takes_nothing(front_end: FrontEnd) -> None:
    image_id, network_id = await front_end.add_image("base"), await front_end.add_network("net")
    fine = f"DISK=[IMAGE_ID={image_id}]\nNIC=[NETWORK_ID={network_id}]\n"
    for wrong in (
        "DISK=[IMAGE_ID=99]",
        "NIC=[NETWORK_ID=99]",
        "NIC=[NETWORK_ID=x]",
        "VCPU=-1",
        "DISK=[TYPE=fs]",
    ):
        with pytest.raises(RequestError):
            await front_end.new("one.vm.allocate", f"CPU=1\nMEMORY=64\n{fine}{wrong}\n", True)
    assert _used(front_end, network_id) == 0
    assert front_end.image(image_id).running_vms == 0


async def test_a_vm_whose_image_cannot_be_made_says_so(front_end: FrontEnd) -> None:
    front_end.behave({"datastore/CP": {"failure_rate": 1, "delay_s": 0.3, "message": "no such file"}})
    image_id = await front_end.new("one.image.allocate", "NAME=bad\nPATH=/x\n", front_end.datastore_id)
    vm_id = await front_end.add_vm(f"DISK=[IMAGE_ID={image_id}]")
    assert front_end.vm(vm_id).state is VmState.CLONING
    await front_end.settle(vm_id, VmState.CLONING_FAILURE)
    await front_end.act("terminate", vm_id)
    assert front_end.vm(vm_id).state is VmState.DONE
    assert front_end.image(image_id).running_vms == 0


# -- NICs --------------------------------------------------------------------------------------------


async def test_addresses_run_out_and_come_back(front_end: FrontEnd) -> None:
    network_id = await front_end.add_network("net", size=2)
    nic = f"NIC=[NETWORK_ID={network_id}]"
    first = await front_end.add_vm(nic)
    await front_end.add_vm(nic)
    with pytest.raises(InternalError, match="no address is left"):
        await front_end.add_vm(nic)
    with pytest.raises(InternalError, match="no address is left"):
        await front_end.add_vm(f"{nic}\n{nic}")
    address = _nics(front_end, first)[0]["IP"]
    await front_end.act("terminate", first)
    assert _nics(front_end, await front_end.add_vm(nic))[0]["IP"] == address


async def test_an_address_is_asked_for_by_ip_or_mac(front_end: FrontEnd) -> None:
    network_id = await front_end.add_network("net", first_ip="10.0.0.1")
    by_ip = await front_end.add_vm(f"NIC=[NETWORK_ID={network_id},IP=10.0.0.7]")
    mac = _nics(front_end, by_ip)[0]["MAC"]
    with pytest.raises(InternalError, match=f"{mac} is taken"):
        await front_end.add_vm(f'NIC=[NETWORK_ID={network_id},MAC="{mac}"]')
    by_mac = await front_end.add_vm(f'NIC=[NETWORK_ID={network_id},MAC="{mac[:-2]}09"]')
    assert _nics(front_end, by_mac)[0]["IP"] == "10.0.0.9"
    with pytest.raises(InternalError, match=r"192\.168\.1\.1 is taken or not in it"):
        await front_end.add_vm(f"NIC=[NETWORK_ID={network_id},IP=192.168.1.1]")


async def test_the_defaults_of_nics_fill_what_a_nic_leaves_open(front_end: FrontEnd) -> None:
    network_id = await front_end.add_network("net")
    nics = f"NIC=[NETWORK_ID={network_id}]\nNIC=[NETWORK_ID={network_id},MODEL=e1000]"
    vm_id = await front_end.add_vm(f"{nics}\nNIC_DEFAULT=[MODEL=virtio]")
    assert [nic["MODEL"] for nic in _nics(front_end, vm_id)] == ["virtio", "e1000"]


async def test_an_automatic_nic_gets_its_network_when_the_vm_is_deployed(front_end: FrontEnd) -> None:
    host_id, network_id = await front_end.add_host("h1"), await front_end.add_network("net")
    vm_id = await front_end.add_vm("NIC=[NETWORK_MODE=auto]")
    assert "IP" not in _nics(front_end, vm_id)[0]
    with pytest.raises(ActionError, match="NIC 0 needs a network"):
        await front_end.call("one.vm.deploy", vm_id, host_id)
    extra = f'NIC=[NIC_ID="0",NETWORK_ID="{network_id}"]'
    await front_end.call("one.vm.deploy", vm_id, host_id, False, -1, extra)
    assert _nics(front_end, vm_id)[0]["IP"] == "10.0.0.1"
    await front_end.call("one.vm.recover", vm_id, 3)
    await front_end.settle(vm_id, VmState.DONE)
    assert _used(front_end, network_id) == 0


# -- requirements and context ------------------------------------------------------------------------


async def test_a_vm_can_run_where_all_that_it_uses_is(front_end: FrontEnd) -> None:
    network_id = await front_end.add_network("net")
    vm_id = await front_end.add_vm(f"NIC=[NETWORK_ID={network_id}]")
    template = front_end.vm(vm_id).template
    assert template.get("AUTOMATIC_REQUIREMENTS").startswith("(CLUSTER_ID = 0) & ")
    for name in ("AUTOMATIC_DS_REQUIREMENTS", "AUTOMATIC_NIC_REQUIREMENTS"):
        assert template.get(name) == '("CLUSTERS/ID" @> 0)'


async def test_a_guest_has_an_identity_of_its_own_whether_its_os_is_named_or_not(front_end: FrontEnd) -> None:
    found = [
        front_end.vm(await front_end.add_vm(text)).template.vector("OS") for text in ("", "OS=[ARCH=i686]")
    ]
    uuids = {section["UUID"] for section in found if section is not None}
    assert [len(text) for text in uuids] == [36, 36]


async def test_network_drivers_find_the_rules_of_all_groups_in_the_vm(front_end: FrontEnd) -> None:
    network_id = await front_end.add_network("net", size=5)
    rules = f"RULE=[PROTOCOL=TCP,RULE_TYPE=inbound,RANGE=22,NETWORK_ID={network_id}]"
    group_id = await front_end.new("one.secgroup.allocate", f"NAME=ssh\n{rules}")
    vm_id = await front_end.add_vm(
        f'NIC=[NETWORK_ID={network_id}]\nNIC=[MAC="02:00:00:00:00:01",SECURITY_GROUPS={group_id}]'
    )
    found = front_end.vm(vm_id).template.vectors("SECURITY_GROUP_RULE")
    assert [rule["SECURITY_GROUP_NAME"] for rule in found] == ["default", "default", "ssh"]
    assert (found[0]["PROTOCOL"], found[0]["RULE_TYPE"]) == ("ALL", "OUTBOUND")
    assert [rule["SECURITY_GROUP_ID"] for rule in found] == ["0", "0", str(group_id)]
    assert (found[2]["IP"], found[2]["SIZE"], found[2]["RANGE"]) == ("10.0.0.1", "5", "22")


async def test_things_of_different_clusters_do_not_go_together(front_end: FrontEnd) -> None:
    image_id, network_id = await front_end.add_image("base"), await front_end.add_network("net")
    cluster_id = await front_end.new("one.cluster.allocate", "far")
    await front_end.call("one.cluster.addvnet", cluster_id, network_id)
    await front_end.call("one.cluster.delvnet", 0, network_id)
    with pytest.raises(InternalError, match="Incompatible clusters in NIC"):
        await front_end.add_vm(f"DISK=[IMAGE_ID={image_id}]\nNIC=[NETWORK_ID={network_id}]")
    assert _used(front_end, network_id) == 0
    host_id = await front_end.add_host("h1")
    vm_id = await front_end.add_vm(f"NIC=[NETWORK_ID={network_id}]")
    assert f"CLUSTER_ID = {cluster_id}" in front_end.vm(vm_id).template.get("AUTOMATIC_REQUIREMENTS")
    assert front_end.host(host_id).cluster_id == 0


async def test_the_context_knows_the_vm_its_nics_and_its_networks(front_end: FrontEnd) -> None:
    network_id = await front_end.add_network("net", first_ip="10.0.0.5")
    await front_end.call("one.vn.update", network_id, 'DNS="10.0.0.53"', 1)
    context = (
        'CONTEXT=[NETWORK=YES, WHO="$NAME ${GREETING}", IP="$NIC[IP, NETWORK=\\"net\\"]", '
        'RESOLVER="$NETWORK[DNS, NETWORK_ID=\\"%d\\"]", NUMBER="$VMID", NONE="$NOTHING"]'
    )
    vm_id = await front_end.add_vm(
        f"NAME=web\nGREETING=hello\nNIC=[NETWORK_ID={network_id}]\n{context % network_id}"
    )
    found = front_end.vm(vm_id).template.vector("CONTEXT")
    assert found is not None
    assert found["WHO"] == "web hello"
    assert found["IP"] == "10.0.0.5"
    assert found["RESOLVER"] == "10.0.0.53"
    assert found["NUMBER"] == str(vm_id)
    assert found["NONE"] == ""


@pytest.mark.parametrize(
    "text",
    ["CPU=0\nMEMORY=64", "CPU=nan\nMEMORY=64", "CPU=inf\nMEMORY=64", "MEMORY=64", "CPU=1", "CPU=1\nMEMORY=0"],
)
async def test_a_vm_needs_some_cpu_and_memory(front_end: FrontEnd, text: str) -> None:
    with pytest.raises(InternalError, match="must be a positive"):
        await front_end.new("one.vm.allocate", text, True)
