"""pyone reads every document, and every document is as OpenNebula's clients expect it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest

from opennebula_core.model.states import ImageState, VmState
from opennebula_core.testing.cloud import Cloud, running_cloud
from tests.clients.documents_of_a_cloud import NAME, NASTY, Reader, each_state, images_in_each_state
from tests.documents.schemas import check_document

MONTHS = (-1, -1, -1, -1)
EMPTY_POOLS = (
    ("one.vmpool.info", -2, -1, -1, -1),
    ("one.vmpool.infoextended", -2, -1, -1, -1),
    ("one.vmpool.infoset", "", False),
    ("one.vmpool.infoset", "999", True),
    ("one.vmpool.accounting", -2, -1, -1),
    ("one.vmpool.showback", -2, *MONTHS),
    ("one.vmpool.monitoring", -2, -1),
    ("one.hostpool.info",),
    ("one.hostpool.monitoring", -1),
    ("one.imagepool.info", -2, -1, -1),
    ("one.vnpool.info", -2, -1, -1),
    ("one.templatepool.info", -2, -1, -1),
    ("one.hookpool.info", -2, -1, -1),
    ("one.hooklog.info", 0, 0, -1, -1),
    ("one.documentpool.info", -2, -1, -1, 0),
    ("one.vrouterpool.info", -2, -1, -1),
    ("one.vntemplatepool.info", -2, -1, -1),
    ("one.vmgrouppool.info", -2, -1, -1),
    ("one.marketpool.info", -2, -1, -1),
    ("one.marketapppool.info", -2, -1, -1),
    ("one.backupjobpool.info", -2, -1, -1),
)


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[Cloud]:
    """Run a cloud of the test's own in this process."""
    async with running_cloud(tmp_path, settings="[showback]\ncpu_cost = 1.0\n") as running:
        yield running


@pytest.fixture
def reader(cloud: Cloud) -> Reader:
    return Reader(cloud)


@pytest.mark.parametrize("call", EMPTY_POOLS, ids=lambda call: f"{call[0]}{call[1:]}")
async def test_an_empty_pool_is_its_root_alone(reader: Reader, call: tuple[object, ...]) -> None:
    method, *params = call
    assert len(fromstring(await reader.text(str(method), *params))) == 0
    assert await reader.pyone(str(method), *params) is not None


async def test_vms_in_every_state(cloud: Cloud, reader: Reader) -> None:
    vms = await each_state(cloud)
    for vm_id in vms.values():
        _, read = await reader.document("one.vm.info", vm_id)
        assert vm_id == read.ID
        assert read.PERMISSIONS.OWNER_U == 1
        assert read.TEMPLATE["VMID"] == str(vm_id)
        assert isinstance(read.SCHED_ACTIONS.ID, list)
        assert isinstance(read.BACKUPS.BACKUP_IDS.ID, list)
    await _hold_the_pools(reader, set(vms.values()) - {vms["terminate"]})
    await _hold_one_vm(reader, vms)
    cloud.clock.advance(3600)
    await _hold_what_is_counted(reader, vms)


async def _hold_the_pools(reader: Reader, living: set[int]) -> None:
    for method, schema in (("one.vmpool.info", "VM_SHORT"), ("one.vmpool.infoextended", "VM")):
        for flag in (-4, -3, -2, -1, 0):
            element, read = await reader.pool(method, flag, -1, -1, -1, schema=schema)
            assert {vm.ID for vm in read.VM} == living
        ids = [int(item.findtext("ID", "")) for item in element]
        assert ids == sorted(ids, reverse=True)
        for state in VmState:
            element, read = await reader.pool(method, -2, -1, -1, int(state), schema=schema)
            assert {vm.STATE for vm in read.VM} <= {int(state)}
        element, read = await reader.pool(method, -2, 2, -3, -1, schema=schema)
        assert [int(item.findtext("ID", "")) for item in element] == ids[2:5]
        element, read = await reader.pool(method, -2, min(ids), min(ids) + 1, -1, schema=schema)
        assert {vm.ID for vm in read.VM} == living & {min(ids), min(ids) + 1}
    for extended, schema in ((False, "VM_SHORT"), (True, "VM")):
        chosen = sorted(living)[:2]
        text = ",".join(map(str, chosen))
        _, read = await reader.pool("one.vmpool.infoset", text, extended, schema=schema)
        assert sorted(vm.ID for vm in read.VM) == chosen


async def _hold_one_vm(reader: Reader, vms: dict[str, int]) -> None:
    element, read = await reader.document("one.vm.info", vms["running"])
    assert (read.NAME, read.USER_TEMPLATE["DESCRIPTION"]) == (NAME, NASTY)
    assert len(read.TEMPLATE["DISK"]) == 4
    assert len(read.TEMPLATE["NIC"]) == 2
    # Read by Ansible's modules without a look whether they are there.
    for name in ("TEMPLATE_ID", "CPU", "MEMORY", "VCPU"):
        assert read.TEMPLATE[name]
    assert all({"SIZE", "DISK_ID", "TARGET"} <= disk.keys() for disk in read.TEMPLATE["DISK"])
    for nic in read.TEMPLATE["NIC"]:
        assert {"IP", "MAC", "NETWORK", "NETWORK_ID", "NIC_ID", "SECURITY_GROUPS"} <= nic.keys()
    assert len(read.SCHED_ACTIONS.ID) == 2
    assert [action["ID"] for action in read.TEMPLATE["SCHED_ACTION"]] == [
        str(n) for n in read.SCHED_ACTIONS.ID
    ]
    assert read.MONITORING.TIMESTAMP > 0
    assert {size.SIZE for size in read.MONITORING.DISK_SIZE} == {64}
    assert read.USER_TEMPLATE["SAME"] == ["1", "2"]
    assert element.find("USER_TEMPLATE/EMPTY") is not None

    _, failed = await reader.document("one.vm.info", vms["vmm/DEPLOY"])
    assert NASTY in failed.USER_TEMPLATE["ERROR"]
    _, moved = await reader.document("one.vm.info", vms["moved"])
    assert [record.SEQ for record in moved.HISTORY_RECORDS.HISTORY] == [0, 1]
    _, locked = await reader.document("one.vm.info", vms["locked"])
    assert (locked.LOCK.OWNER, locked.LOCK.LOCKED) == (0, 1)
    assert "<HISTORY_RECORDS/>" in await reader.text("one.vm.info", vms["held"])
    assert "<MONITORING></MONITORING>" in await reader.text("one.vm.info", vms["held"])


async def _hold_what_is_counted(reader: Reader, vms: dict[str, int]) -> None:
    for method, params in (
        ("one.vm.monitoring", (vms["running"],)),
        ("one.vmpool.monitoring", (-2, -1)),
        ("one.vmpool.monitoring", (-2, 0)),
    ):
        _, read = await reader.document(method, *params)
        assert {row.TIMESTAMP > 0 for row in read.MONITORING} == {True}
    element, read = await reader.document("one.vmpool.accounting", -2, -1, -1)
    assert len(read.HISTORY) >= len(vms) - 3
    for record in element.iterfind("HISTORY/VM/HISTORY_RECORDS"):
        assert len(record) == 0
    await reader.text("one.vmpool.calculateshowback", *MONTHS)
    _, read = await reader.document("one.vmpool.showback", -2, *MONTHS)
    assert {row.UNAME for row in read.SHOWBACK} == {"oneadmin"}
    element, read = await reader.document("one.host.monitoring", 0, schema="HOST_MONITORING_DATA")
    assert {row.ID for row in read.MONITORING} == {0}  # pyone knows figures of VMs alone under this root
    assert int(element.findtext("MONITORING/CAPACITY/FREE_CPU", "")) > 0
    await reader.document("one.hostpool.monitoring", -1, schema="HOST_MONITORING_DATA")
    _, host = await reader.document("one.host.info", 0)
    assert set(host.VMS.ID) >= {vms["running"], vms["poweroff"], vms["suspend"]}
    assert len(host.VMS.ID) == host.HOST_SHARE.RUNNING_VMS
    assert (host.HOST_SHARE.PCI_DEVICES.PCI, host.HOST_SHARE.NUMA_NODES.NODE) == ([], [])
    assert host.HOST_SHARE.DATASTORES.FREE_DISK > 0
    assert host.MONITORING.CAPACITY.USED_MEMORY >= 0
    for name in ("HYPERVISOR", "ARCH", "HOSTNAME", "RESERVED_CPU", "RESERVED_MEM"):
        assert name in host.TEMPLATE
    _, hosts = await reader.pool("one.hostpool.info")
    assert [item.NAME for item in hosts.HOST] == ["h2", "h1"]


async def test_images_in_every_state(cloud: Cloud, reader: Reader) -> None:
    images = await images_in_each_state(cloud)
    for state, image_id in images.items():
        _, read = await reader.document("one.image.info", image_id)
        assert ImageState(read.STATE).name == state
        assert (read.VMS.ID, read.APP_CLONES.ID, read.SNAPSHOTS.SNAPSHOT) == ([], [], [])
    _, copied = await reader.document("one.image.info", images["CLONE"])
    _, pool = await reader.pool("one.imagepool.info", -2, -1, -1)
    copy = next(image for image in pool.IMAGE if image.NAME == "copy")
    assert (copied.CLONING_OPS, copied.CLONES.ID, copy.CLONING_ID) == (1, [copy.ID], copied.ID)
    assert [image.CLONES.ID for image in pool.IMAGE if image.ID == copied.ID] == [[copy.ID]]
    _, ready = await reader.document("one.image.info", images["READY"])
    assert (ready.LOCK.LOCKED, ready.TEMPLATE["DESCRIPTION"]) == (1, "a & b")
    _, page = await reader.pool("one.imagepool.info", -2, 1, -2)
    assert [image.ID for image in page.IMAGE] == [image.ID for image in pool.IMAGE][1:3]
    _, datastores = await reader.pool("one.datastorepool.info")
    _, datastore = await reader.document("one.datastore.info", cloud.datastore_id)
    assert set(datastore.IMAGES.ID) == {image.ID for image in pool.IMAGE}
    assert {store.ID for store in datastores.DATASTORE} >= {0, 1, 2, cloud.datastore_id}


async def test_networks_with_leases_held_and_reserved_addresses(cloud: Cloud, reader: Reader) -> None:
    host_id, network_id = await cloud.add_host("h1"), await cloud.add_network("net")
    prefixes = "GLOBAL_PREFIX=2001:a::,ULA_PREFIX=fd00:1::"
    six = f"NAME=six\nVN_MAD=dummy\nBRIDGE=br0\nAR=[TYPE=IP4_6,IP=10.1.0.1,SIZE=9,{prefixes}]"
    double = await cloud.new("one.vn.allocate", f"{six}\nDNS=1.1.1.1\nAR=[TYPE=ETHER,SIZE=3]", -1)
    vm_id = await cloud.run_vm(host_id, f"NIC=[NETWORK_ID={network_id}]\nNIC=[NETWORK_ID={double}]")
    await cloud.call("one.vn.hold", network_id, "LEASES=[IP=10.0.0.9]")
    reserved = await cloud.new("one.vn.reserve", network_id, "NAME=r\nSIZE=2")
    await cloud.call("one.vn.lock", network_id, 1, False)

    element, read = await reader.document("one.vn.info", network_id)
    (block,) = read.AR_POOL.AR
    holders = {(lease.VM, lease.VNET) for lease in block.LEASES.LEASE}
    assert holders == {(vm_id, None), (-1, None), (None, reserved)}
    assert (read.USED_LEASES, block.USED_LEASES, read.PARENT_NETWORK_ID) == (4, "4", "")
    assert element.findtext("AR_POOL/AR/IP_END") == "10.0.0.50"
    assert read.TEMPLATE["SECURITY_GROUPS"] == "0"
    assert {"BRIDGE", "BRIDGE_TYPE", "PHYDEV", "VLAN_ID", "OUTER_VLAN_ID", "VN_MAD"} <= read.TEMPLATE.keys()
    _, child = await reader.document("one.vn.info", reserved)
    assert (str(network_id), []) == (child.PARENT_NETWORK_ID, child.AR_POOL.AR[0].LEASES.LEASE)
    element, _ = await reader.document("one.vn.info", double)
    lease = element.find("AR_POOL/AR/LEASES/LEASE")
    assert lease is not None
    assert [item.tag for item in lease] == ["IP", "IP6_ULA", "IP6_GLOBAL", "IP6_LINK", "MAC", "VM"]
    element, pool = await reader.pool("one.vnpool.info", -2, -1, -1)
    assert [network.NAME for network in pool.VNET] == ["r", "six", "net"]
    assert element.find("VNET/AR_POOL/AR/LEASES") is None
    _, nothing = await reader.document(
        "one.vn.info", await cloud.new("one.vn.allocate", "NAME=bare\nVN_MAD=dummy\nBRIDGE=b", -1)
    )
    assert (nothing.AR_POOL.AR, nothing.VROUTERS.ID, nothing.CLUSTERS.ID) == ([], [], [0])


def check_owners(pool: Element, owner: str) -> None:
    """Hold a pool of users or groups, where owner and quotas take turns, against the schemas."""
    *items, defaults = list(pool)
    assert [item.tag for item in items] == [owner, "QUOTAS"] * (len(items) // 2)
    for item, quotas in zip(items[::2], items[1::2], strict=True):
        check_document(item, f"{owner}_IN_POOL")
        check_document(quotas, "QUOTAS_IN_POOL")
        assert item.findtext("ID") == quotas.findtext("ID")
    assert defaults.tag == f"DEFAULT_{owner}_QUOTAS"
    check_document(defaults, "QUOTAS")


async def test_users_and_groups_with_quotas_and_tokens(cloud: Cloud, reader: Reader) -> None:
    group_id = await cloud.new("one.group.allocate", "builders")
    user_id = await cloud.new("one.user.allocate", "bea", "secret", "core", [group_id, 1])
    await cloud.call("one.group.addadmin", group_id, user_id)
    network_id = await cloud.add_network("net")
    image_id = await cloud.add_image("img")
    limits = (
        f"VM=[VMS=9,CPU=1.5,MEMORY=4096]\nNETWORK=[ID={network_id},LEASES=3]\nIMAGE=[ID={image_id},RVMS=2]\n"
        f"DATASTORE=[ID={cloud.datastore_id},IMAGES=3,SIZE=-2]\n"
    )
    for word, owner_id in (("user", user_id), ("group", group_id)):
        await cloud.call(f"one.{word}.quota", owner_id, limits)
        await cloud.call(f"one.{word}quota.update", "VM=[VMS=7]")
        check_document(fromstring(await reader.text(f"one.{word}quota.info")), "QUOTAS")
    await cloud.call("one.image.chmod", image_id, 1, 1, 0, 1, 0, 0, 1, 0, 0)
    await cloud.call("one.vn.chmod", network_id, 1, 1, 0, 1, 0, 0, 1, 0, 0)
    await cloud.call("one.user.login", "bea", "", 3600, -1)
    await cloud.call("one.user.login", "bea", "", -1, group_id)
    await cloud.add_vm(f"DISK=[IMAGE_ID={image_id}]\nNIC=[NETWORK_ID={network_id}]", session="bea:secret")

    _, read = await reader.document("one.user.info", user_id)
    assert sorted(read.GROUPS.ID) == [1, group_id]
    assert sorted(token.EGID for token in read.LOGIN_TOKEN) == [-1, group_id]
    (vm,) = read.VM_QUOTA.VM
    assert (vm.VMS, vm.VMS_USED, vm.CPU, vm.CPU_USED) == ("9", "1", "1.50", "0.50")
    assert read.NETWORK_QUOTA.NETWORK[0].LEASES_USED == "1"
    assert read.IMAGE_QUOTA.IMAGE[0].RVMS_USED == "1"
    assert read.DATASTORE_QUOTA.DATASTORE[0].IMAGES == "3"
    assert "TOKEN_PASSWORD" in read.TEMPLATE
    _, read = await reader.document("one.group.info", group_id)
    assert ([user_id], [user_id]) == (read.USERS.ID, read.ADMINS.ID)
    for number in (0, 1):
        _, read = await reader.document("one.user.info", number)
        assert read.VM_QUOTA.VM == []
        await reader.document("one.group.info", number)
    for method, owner in (("one.userpool.info", "USER"), ("one.grouppool.info", "GROUP")):
        check_owners(fromstring(await reader.text(method)), owner)
        pool = await reader.pyone(method)
        assert {item.ID for item in getattr(pool, owner)} == {quotas.ID for quotas in pool.QUOTAS}


async def test_what_administrators_look_after(cloud: Cloud, reader: Reader) -> None:
    cluster_id = await cloud.new("one.cluster.allocate", "racks")
    host_id = await cloud.add_host("h1", cluster_id=cluster_id)
    _, read = await reader.document("one.cluster.info", cluster_id)
    assert ([host_id], [], []) == (read.HOSTS.ID, read.DATASTORES.ID, read.VNETS.ID)
    assert (read.TEMPLATE["RESERVED_CPU"], read.TEMPLATE["RESERVED_MEM"]) == (None, None)
    await reader.pool("one.clusterpool.info")

    rules = "RULE=[PROTOCOL=TCP,RULE_TYPE=inbound,RANGE=22]\nRULE=[PROTOCOL=ICMP,RULE_TYPE=outbound]"
    group_id = await cloud.new("one.secgroup.allocate", f"NAME=g\n{rules}")
    _, read = await reader.document("one.secgroup.info", group_id)
    assert [rule["PROTOCOL"] for rule in read.TEMPLATE["RULE"]] == ["TCP", "ICMP"]
    _, pool = await reader.pool("one.secgrouppool.info", -2, -1, -1)
    assert [group.ID for group in pool.SECURITY_GROUP] == [group_id, 0]

    await cloud.call("one.acl.addrule", hex(0x100000001)[2:], hex(0x1000000000 | 0x400000000)[2:], "1")
    _, read = await reader.document("one.acl.info")
    assert all(rule.STRING and int(rule.USER, 16) >= 0 for rule in read.ACL)


async def test_templates_of_vms_and_of_networks(cloud: Cloud, reader: Reader) -> None:
    template_id = await cloud.new(
        "one.template.allocate", f'NAME=t\nCPU=1\nD="{NASTY[:2]}"\nDISK=[TYPE=fs,SIZE=1]'
    )
    for extended in (False, True):
        _, read = await reader.document("one.template.info", template_id, extended)
        assert (read.NAME, read.TEMPLATE["D"]) == ("t", "<&")
    await cloud.call("one.template.lock", template_id, 2, False)
    _, pool = await reader.pool("one.templatepool.info", -2, -1, -1)
    assert pool.VMTEMPLATE[0].LOCK.OWNER == 0

    template_id = await cloud.new(
        "one.vntemplate.allocate",
        f'NAME=vnt\nVN_MAD=dummy\nBRIDGE=b\nD="{NASTY[:2]}"\nAR=[TYPE=ETHER,SIZE=1]',
    )
    await cloud.call("one.vntemplate.lock", template_id, 3, False)
    _, read = await reader.document("one.vntemplate.info", template_id)
    assert (read.NAME, read.TEMPLATE["D"], read.LOCK.LOCKED) == ("vnt", "<&", 3)
    assert read.TEMPLATE["AR"] == {"SIZE": "1", "TYPE": "ETHER"}
    network_id = await cloud.new("one.vntemplate.instantiate", template_id, "made", "")
    _, read = await reader.document("one.vn.info", network_id)
    assert read.TEMPLATE["TEMPLATE_ID"] == str(template_id)
    _, pool = await reader.pool("one.vntemplatepool.info", -2, -1, -1)
    assert [template.REGTIME > 0 for template in pool.VNTEMPLATE] == [True]


async def test_groups_of_vms(cloud: Cloud, reader: Reader) -> None:
    rules = 'ROLE=[NAME=db,POLICY=ANTI_AFFINED,HOST_ANTI_AFFINED="5,6"]\nROLE=[NAME=web,HOST_AFFINED="0"]\n'
    vm_group_id = await cloud.new("one.vmgroup.allocate", f'NAME=app\n{rules}ANTI_AFFINED="db, web"')
    vm_ids = [await cloud.add_vm(f"VMGROUP=[VMGROUP_ID={vm_group_id},ROLE=db]") for _ in range(2)]
    await cloud.call("one.vmgroup.lock", vm_group_id, 2, False)
    _, read = await reader.document("one.vmgroup.info", vm_group_id)
    assert (read.NAME, read.LOCK.LOCKED, read.TEMPLATE["ANTI_AFFINED"]) == ("app", 2, "db, web")
    database, web = read.ROLES.ROLE
    assert (0, "ANTI_AFFINED", ",".join(map(str, vm_ids))) == (database.ID, database.POLICY, database.VMS)
    assert (web.ID, web.NAME, web.HOST_AFFINED, web.VMS) == (1, "web", "0", None)
    _, pool = await reader.pool("one.vmgrouppool.info", -2, -1, -1)
    assert [group.ID for group in pool.VM_GROUP] == [vm_group_id]


async def test_virtual_data_centres(cloud: Cloud, reader: Reader) -> None:
    cluster_id = await cloud.new("one.cluster.allocate", "racks")
    host_id = await cloud.add_host("h1", cluster_id=cluster_id)
    vdc_id = await cloud.new("one.vdc.allocate", f'NAME="v é d"\nD="{NASTY[:2]}"')
    await cloud.call("one.vdc.addgroup", vdc_id, 1)
    await cloud.call("one.vdc.addcluster", vdc_id, 0, cluster_id)
    await cloud.call("one.vdc.addhost", vdc_id, 0, host_id)
    await cloud.call("one.vdc.adddatastore", vdc_id, 0, -10)
    _, read = await reader.document("one.vdc.info", vdc_id)
    assert (read.GROUPS.ID, read.TEMPLATE["D"], read.VNETS.VNET) == ([1], "<&", [])
    assert [(item.ZONE_ID, item.CLUSTER_ID) for item in read.CLUSTERS.CLUSTER] == [(0, cluster_id)]
    assert [item.HOST_ID for item in read.HOSTS.HOST] == [host_id]
    assert [item.DATASTORE_ID for item in read.DATASTORES.DATASTORE] == [-10]
    _, pool = await reader.pool("one.vdcpool.info")
    assert [(vdc.ID, vdc.GROUPS.ID) for vdc in pool.VDC] == [(vdc_id, [1]), (0, [1])]


async def test_hooks_with_their_logs(cloud: Cloud, reader: Reader, tmp_path: Path) -> None:
    program = tmp_path / "var/remotes/hooks/say.sh"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text("#!/bin/sh\necho said; echo wrong >&2; exit 3\n")
    program.chmod(0o755)
    text = "NAME=h\nTYPE=state\nRESOURCE=VM\nSTATE=HOLD\nCOMMAND=say.sh\nARGUMENTS=one\n"
    hook_id = await cloud.new("one.hook.allocate", text)
    await cloud.new("one.hook.allocate", "NAME=api\nTYPE=api\nCALL=one.vm.allocate\nCOMMAND=say.sh\n")
    await cloud.add_vm()

    async def has_run() -> bool:
        found = await cloud.document("one.hook.info", hook_id)
        return found.find("HOOKLOG/HOOK_EXECUTION_RECORD") is not None

    await cloud.until(has_run, "the hook to have run")
    _, read = await reader.document("one.hook.info", hook_id)
    (record,) = read.HOOKLOG.HOOK_EXECUTION_RECORD
    assert ("state", "3", hook_id) == (read.TYPE, record.EXECUTION_RESULT.CODE, record.HOOK_ID)
    element, pool = await reader.pool("one.hookpool.info", -2, -1, -1)
    assert [hook.NAME for hook in pool.HOOK] == ["api", "h"]
    assert element.find("HOOK/HOOKLOG") is None
    log = fromstring(await reader.text("one.hooklog.info", 0, 0, -1, 0))
    check_document(log)


async def test_what_is_told_of_the_cloud_itself(cloud: Cloud, reader: Reader) -> None:
    _, zone = await reader.document("one.zone.info", 0)
    assert (zone.ID, zone.STATE, zone.SERVER_POOL.SERVER) == (0, 0, [])
    assert zone.TEMPLATE["ENDPOINT"] == cloud.endpoint
    _, zones = await reader.pool("one.zonepool.info")
    assert [item.ID for item in zones.ZONE] == [0]
    _, raft = await reader.document("one.zone.raftstatus")
    assert (raft.STATE, raft.SERVER_ID) == (0, -1)
    element = fromstring(await reader.text("one.system.config"))
    names = [item.tag for item in element]
    assert names == sorted(names)
    assert {"DATASTORE_LOCATION", "DEFAULT_COST", "FEDERATION", "IM_MAD", "TM_MAD_CONF", "VM_MAD"} <= set(
        names
    )
    assert {"DS_MAD_CONF", "ENABLE_OTHER_PERMISSIONS", "DEFAULT_UMASK", "VNC_PORTS"} <= set(names)
    configuration = await reader.pyone("one.system.config")
    assert configuration.FEDERATION.MODE == "STANDALONE"
    assert "dummy" in [driver.NAME for driver in configuration.VM_MAD]
    assert "dummy" in [driver.NAME for driver in configuration.IM_MAD]
    assert configuration.VNC_PORTS.START == 5900
    assert (await asyncio.to_thread(reader.one.system.version)).startswith("7.")
