"""What Terraform's provider, the commands of OpenNebula and its scheduler call, one after the other.

The sequences are those of goca and of the Ruby library: every parameter that they send, in that order.
Source: what each client calls of OpenNebula 6.10 and 7.4.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from xml.etree.ElementTree import Element

import pytest
import pytest_asyncio

from opennebula_core.model.states import ImageState, LcmState, VmState
from opennebula_core.testing.cloud import ADMIN
from tests.documents.schemas import check_document
from tests.managers.estate import Estate, running_estate

from .wire_client import GO, RUBY, RefusedError, WireClient

pytestmark = pytest.mark.asyncio(loop_scope="module")
L, V = LcmState, VmState
EVERYBODY, ALL = -2, (-2, -1, -1)
REPLACE, MERGE = 0, 1
KEEP = -1
NO_EXISTS, AUTHORIZATION, ACTION = 0x400, 0x200, 0x800


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def estate(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Estate]:
    """Run a cloud for all sequences."""
    async with running_estate(tmp_path_factory.mktemp("sequences")) as running:
        yield running


@pytest.fixture(params=[GO, RUBY], ids=["go", "ruby"])
def client(request: pytest.FixtureRequest, estate: Estate) -> WireClient:
    """oneadmin's client, by each library."""
    return WireClient(estate.cloud.endpoint, ADMIN, request.param)


def only(document: Element, path: str) -> Element:
    """Return the one element at a path."""
    (found,) = document.findall(path)
    return found


def text(document: Element, path: str) -> str:
    """Return the text of the one element at a path."""
    return only(document, path).text or ""


async def machine(client: WireClient, vm_id: int) -> Element:
    """Return a VM as a client that polls sees it."""
    document = await client.document("one.vm.info", vm_id, False)
    check_document(document)
    return document


# -- virtual machines --------------------------------------------------------------------------------


async def test_a_vm_is_made_of_a_template_and_changed_and_ended(client: WireClient, estate: Estate) -> None:
    devices = (
        f'DISK = [\n    IMAGE_ID = "{estate.image_id}" ]\nNIC = [\n    NETWORK_ID = "{estate.network_id}" ]\n'
    )
    template_id = await client.number(
        "one.template.allocate",
        f'NAME="web"\nCPU="0.5"\nVCPU="1"\nMEMORY="64"\n{devices}CONTEXT=[NETWORK="YES"]\n',
    )
    await client.call("one.template.chmod", template_id, 1, 1, 0, 1, 0, 0, 0, 0, 0)
    check_document(await client.document("one.template.info", template_id, False, False))
    extended = await client.document("one.template.info", template_id, True, False)
    assert text(extended, "TEMPLATE/DISK/IMAGE") == "base"
    extra = 'MEMORY="128"\nSCHED_REQUIREMENTS="ID=\\"0\\""\nTAG="a"\n'
    vm_id = await client.number("one.template.instantiate", template_id, "web-1", False, extra, False)
    await client.call("one.vm.chmod", vm_id, 1, 1, 0, 1, 0, 0, 0, 0, 0)
    await client.call("one.vm.chown", vm_id, KEEP, 1)
    await client.number("one.vm.deploy", vm_id, estate.here, False, -1, "")
    await estate.cloud.settle(vm_id, L.RUNNING)
    made = await machine(client, vm_id)
    assert [text(made, path) for path in ("NAME", "GNAME", "TEMPLATE/MEMORY", "TEMPLATE/TEMPLATE_ID")] == [
        "web-1", "users", "128", str(template_id),
    ]  # fmt: skip
    assert text(made, "USER_TEMPLATE/SCHED_REQUIREMENTS") == 'ID="0"'
    await _change_while_it_runs(client, estate, vm_id)
    await _change_while_it_is_off(client, estate, vm_id)
    assert await client.number("one.vm.action", "terminate-hard", vm_id) == vm_id
    await estate.cloud.settle(vm_id, V.DONE)
    assert text(await machine(client, vm_id), "STATE") == "6"
    pool = await client.document("one.vmpool.info", *ALL, -1)
    assert str(vm_id) not in {found.text for found in pool.findall("VM/ID")}
    assert await client.number("one.template.delete", template_id, False) == template_id


async def _change_while_it_runs(client: WireClient, estate: Estate, vm_id: int) -> None:
    async def then_runs(method: str, *params: object) -> Element:
        assert await client.number(method, vm_id, *params) == vm_id
        await estate.cloud.settle(vm_id, L.RUNNING)
        return await machine(client, vm_id)

    disk = f'DISK = [\n    DEV_PREFIX = "vd",\n    IMAGE_ID = "{estate.image_id}" ]\n'
    found = await then_runs("one.vm.attach", disk)
    added = [each for each in found.findall("TEMPLATE/DISK") if each.findtext("DISK_ID") != "0"]
    disk_id = int(text(added[0], "DISK_ID"))
    found = await then_runs("one.vm.diskresize", disk_id, str(int(text(added[0], "SIZE")) + 8))
    found = await then_runs("one.vm.detach", disk_id)
    assert len(found.findall("TEMPLATE/DISK")) == 1
    nic = f'NIC = [\n    IP = "10.0.0.33",\n    NETWORK_ID = "{estate.network_id}" ]\n'
    found = await then_runs("one.vm.attachnic", nic)
    (nic_id,) = (
        each.findtext("NIC_ID")
        for each in found.findall("TEMPLATE/NIC")
        if each.findtext("IP") == "10.0.0.33"
    )
    await then_runs("one.vm.detachnic", int(nic_id or -1))
    found = await then_runs("one.vm.update", 'TAG="b"\nLABELS="x,y"\n', REPLACE)
    assert [each.tag for each in only(found, "USER_TEMPLATE")] == ["LABELS", "TAG"]
    found = await then_runs(
        "one.vm.updateconf", 'CONTEXT = [\n    NETWORK = "YES",\n    SET_HOSTNAME = "h" ]\n', MERGE
    )
    assert text(found, "TEMPLATE/CONTEXT/SET_HOSTNAME") == "h"
    assert text(await then_runs("one.vm.rename", "web-2"), "NAME") == "web-2"
    for level in (1, 2, 3, 4):
        await client.number("one.vm.lock", vm_id, level, False)
        assert text(await machine(client, vm_id), "LOCK/LOCKED") == str(1 if level == 4 else level)
    with pytest.raises(RefusedError) as refused:
        await client.call("one.vm.action", "poweroff", vm_id)
    assert (refused.value.code, refused.value.object_id) == (AUTHORIZATION, vm_id)
    await client.number("one.vm.unlock", vm_id)


async def _change_while_it_is_off(client: WireClient, estate: Estate, vm_id: int) -> None:
    await client.call("one.vm.action", "poweroff", vm_id)
    await estate.cloud.settle(vm_id, V.POWEROFF)
    assert await client.number("one.vm.resize", vm_id, 'CPU="0.75"\nMEMORY="96"\nVCPU="2"\n', True) == vm_id
    found = await machine(client, vm_id)
    assert [text(found, f"TEMPLATE/{name}") for name in ("CPU", "MEMORY", "VCPU")] == ["0.75", "96", "2"]
    await client.call("one.vm.action", "resume", vm_id)
    await estate.cloud.settle(vm_id, L.RUNNING)
    with pytest.raises(RefusedError) as refused:
        await client.call("one.vm.action", "resume", vm_id)
    assert (refused.value.code, refused.value.object_id) == (ACTION, vm_id)


async def test_vms_are_listed_in_each_form(client: WireClient, estate: Estate) -> None:
    vm_id = await client.number("one.vm.allocate", 'NAME="listed"\nCPU="0.1"\nMEMORY="16"\n', True)
    for method in ("one.vmpool.info", "one.vmpool.infoextended"):
        pool = await client.document(method, *ALL, -1, "")
        assert str(vm_id) in {found.text for found in pool.findall("VM/ID")}
        page = await client.document(method, EVERYBODY, 0, -1000, -2, "NAME=listed")
        assert str(vm_id) in {found.text for found in page.findall("VM/ID")}
    for extended in (False, True):
        chosen = await client.document("one.vmpool.infoset", f"{vm_id}", extended)
        assert [found.text for found in chosen.findall("VM/ID")] == [str(vm_id)]
    await client.number("one.vm.recover", vm_id, 3)
    await estate.cloud.settle(vm_id, V.DONE)


# -- networks and images -----------------------------------------------------------------------------


async def test_a_network_and_its_ranges(client: WireClient) -> None:
    network_id = await client.number(
        "one.vn.allocate",
        'NAME="private"\nVN_MAD="bridge"\nGATEWAY="10.7.0.1"\nDNS="10.7.0.2"\nGUEST_MTU="1500"\n',
        -1,
    )
    ar = 'AR = [\n    IP = "10.7.0.%d",\n    SIZE = "%d",\n    TYPE = "IP4" ]\n'
    assert await client.number("one.vn.add_ar", network_id, ar % (10, 8)) == network_id
    assert await client.number("one.vn.add_ar", network_id, ar % (50, 2)) == network_id
    await client.call("one.vn.update_ar", network_id, 'AR = [\n    AR_ID = "1",\n    SIZE = "4" ]\n')
    await client.call("one.vn.hold", network_id, 'LEASES = [\n    IP = "10.7.0.10" ]\n')
    found = await client.document("one.vn.info", network_id, False)
    check_document(found)
    assert [text(each, "SIZE") for each in found.findall("AR_POOL/AR")] == ["8", "4"]
    assert text(found, "AR_POOL/AR/LEASES/LEASE/VM") == "-1"
    reserve = 'NAME="reserved"\nSIZE="2"\nAR_ID="0"\n'
    reservation_id = await client.number("one.vn.reserve", network_id, reserve)
    reserved = await client.document("one.vn.info", reservation_id, False)
    assert text(reserved, "PARENT_NETWORK_ID") == str(network_id)
    await client.number("one.vn.delete", reservation_id)
    await client.call("one.vn.release", network_id, 'LEASES = [\n    IP = "10.7.0.10" ]\n')
    await client.call("one.vn.rm_ar", network_id, 1, False)
    await client.call("one.vn.update", network_id, 'GATEWAY="10.7.0.3"\n', MERGE)
    await client.call("one.vn.rename", network_id, "renamed")
    await client.call("one.vn.chmod", network_id, 1, 1, 0, 1, 0, 0, 0, 0, 0)
    await client.call("one.vn.chown", network_id, KEEP, 1)
    cluster_id = await client.number("one.cluster.allocate", "for_networks")
    await client.call("one.cluster.addvnet", cluster_id, network_id)
    await client.call("one.cluster.delvnet", 0, network_id)
    found = await client.document("one.vn.info", network_id, False)
    assert [text(found, path) for path in ("NAME", "CLUSTERS/ID", "TEMPLATE/GATEWAY", "GNAME")] == [
        "renamed", str(cluster_id), "10.7.0.3", "users",
    ]  # fmt: skip
    assert str(network_id) in {
        each.text for each in (await client.document("one.vnpool.info", *ALL)).findall("VNET/ID")
    }
    await client.number("one.vn.delete", network_id)
    await client.number("one.cluster.delete", cluster_id)


async def test_a_datastore_and_its_images(client: WireClient, estate: Estate) -> None:
    store_id = await client.number("one.datastore.allocate", 'NAME="s"\nDS_MAD="dummy"\nTM_MAD="dummy"\n', -1)
    check_document(await client.document("one.datastore.info", store_id, False))
    image_id = await client.number("one.image.allocate", 'NAME="i"\nSIZE="8"\nTYPE="DATABLOCK"\n', store_id)
    cloud = estate.cloud
    await cloud.until(lambda: cloud.image(image_id).state is ImageState.READY, "image")
    await client.call("one.image.persistent", image_id, True)
    await client.call("one.image.persistent", image_id, False)
    await client.call("one.image.chtype", image_id, "OS")
    await client.call("one.image.update", image_id, 'DESCRIPTION="d"\n', MERGE)
    await client.call("one.image.chmod", image_id, 1, 1, 0, 1, 0, 0, 0, 0, 0)
    await client.call("one.image.lock", image_id, 1, False)
    await client.call("one.image.unlock", image_id)
    found = await client.document("one.image.info", image_id, False)
    check_document(found)
    assert [text(found, path) for path in ("TYPE", "PERSISTENT", "TEMPLATE/DESCRIPTION")] == ["0", "0", "d"]
    clone_id = await client.number("one.image.clone", image_id, "c", store_id)
    await cloud.until(lambda: cloud.image(clone_id).state is ImageState.READY, "clone")
    for gone in (clone_id, image_id):
        await client.number("one.image.delete", gone, False)
    await cloud.until(lambda: not _images(estate, store_id), "no images")
    with pytest.raises(RefusedError) as refused:
        await client.document("one.image.info", image_id, False)
    assert (refused.value.code, refused.value.object_id) == (NO_EXISTS, image_id)
    await client.number("one.datastore.delete", store_id)


def _images(estate: Estate, store_id: int) -> list[int]:
    return list(estate.cloud.daemon.store.read(lambda tx: tx.datastores.image_ids(store_id)))


# -- people ------------------------------------------------------------------------------------------


async def test_users_groups_quotas_and_rules(client: WireClient) -> None:
    group_id = await client.number("one.group.allocate", "team")
    user_id = await client.number("one.user.allocate", "mary", "pw", "core", [group_id])
    await client.call("one.group.update", group_id, 'SUNSTONE = [\n    DEFAULT_VIEW = "cloud" ]\n', MERGE)
    quota = 'VM = [\n    CPU = "1",\n    VMS = "1" ]\n'
    await client.call("one.group.quota", group_id, quota)
    await client.call("one.user.quota", user_id, f'{quota}DATASTORE = [\n    ID = "1",\n    IMAGES = "3" ]\n')
    await client.call("one.user.addgroup", user_id, 1)
    await client.call("one.user.delgroup", user_id, 1)
    await client.call("one.user.chgrp", user_id, 1)
    await client.call("one.user.chgrp", user_id, group_id)
    await client.call("one.group.addadmin", group_id, user_id)
    await client.call("one.user.chauth", user_id, "core", "pw2")
    await client.call("one.user.passwd", user_id, "pw3")
    await client.call("one.user.update", user_id, 'EMAIL="m@example.org"\n', REPLACE)
    check_document(await client.document("one.user.info", user_id, False))
    check_document(await client.document("one.group.info", group_id, False))
    zone = f"{0x100000000:x}"
    rule_id = await client.number("one.acl.addrule", f"{0x200000000 | group_id:x}", "1400000000", "8", zone)
    rules = await client.document("one.acl.info")
    assert f"@{group_id} VM/* CREATE #0" in {each.text for each in rules.findall("ACL/STRING")}
    mary = WireClient(client.endpoint, "mary:pw3", client.library)
    vm_id = await mary.number("one.vm.allocate", 'CPU="1"\nMEMORY="16"\n', True)
    with pytest.raises(RefusedError, match=r"limit of 1 reached for VMS quota in VM\.") as refused:
        await mary.call("one.vm.allocate", 'CPU="0.1"\nMEMORY="16"\n', True)
    assert refused.value.code == AUTHORIZATION
    assert {each.text for each in (await mary.document("one.vmpool.info", *ALL, -1)).findall("VM/ID")} == {
        str(vm_id)
    }
    await mary.call("one.vm.action", "terminate", vm_id)
    await client.number("one.acl.delrule", rule_id)
    await client.call("one.group.deladmin", group_id, user_id)
    await client.number("one.user.delete", user_id)
    await client.number("one.group.delete", group_id)


async def test_security_groups_hosts_and_clusters(client: WireClient) -> None:
    rule = 'RULE = [\n    PROTOCOL = "TCP",\n    RANGE = "22",\n    RULE_TYPE = "inbound" ]\n'
    group_id = await client.number("one.secgroup.allocate", f'NAME="ssh"\n{rule}')
    await client.call("one.secgroup.update", group_id, rule + rule.replace("22", "80"), REPLACE)
    await client.call("one.secgroup.commit", group_id, False)
    found = await client.document("one.secgroup.info", group_id, False)
    check_document(found)
    assert len(found.findall("TEMPLATE/RULE")) == 2
    await client.number("one.secgroup.delete", group_id)
    cluster_id = await client.number("one.cluster.allocate", "rack")
    host_id = await client.number("one.host.allocate", "node", "dummy", "dummy", cluster_id)
    await client.call("one.cluster.update", cluster_id, 'RESERVED_CPU="10"\n', MERGE)
    await client.call("one.host.update", host_id, 'RESERVED_MEM="1024"\n', MERGE)
    for status in (1, 2, 0):
        await client.number("one.host.status", host_id, status)
    check_document(await client.document("one.host.info", host_id, False))
    check_document(await client.document("one.cluster.info", cluster_id, False))
    await client.number("one.host.delete", host_id)
    await client.number("one.cluster.delete", cluster_id)


# -- the scheduler -----------------------------------------------------------------------------------


async def test_opennebulas_scheduler_reads_and_dispatches(client: WireClient, estate: Estate) -> None:
    nic = 'NIC=[NETWORK_MODE="auto"]\n'
    vm_id = await client.number("one.vm.allocate", f'CPU="0.1"\nMEMORY="16"\n{nic}', False)
    assert (await client.document("one.system.config")).tag == "OPENNEBULA_CONFIGURATION"
    pending = await client.document("one.vmpool.infoextended", *ALL, 1, "")
    assert [found.text for found in pending.findall("VM/ID")] == [str(vm_id)]
    for method in ("one.hostpool.info", "one.clusterpool.info", "one.datastorepool.info", "one.acl.info",
                   "one.userpool.info", "one.grouppool.info"):  # fmt: skip
        assert len(await client.document(method)) > 0, method
    assert len(await client.document("one.vnpool.info", *ALL)) > 0
    await client.document("one.vmgrouppool.info", *ALL)
    await client.call("one.vm.update", vm_id, 'SCHED_MESSAGE="no host meets the requirements"\n', MERGE)
    chosen = f'NIC=[NIC_ID="0",NETWORK_ID="{estate.network_id}"]\n'
    assert await client.number("one.vm.deploy", vm_id, estate.here, False, 0, chosen) == vm_id
    await estate.cloud.settle(vm_id, L.RUNNING)
    await client.call("one.vm.action", "resched", vm_id)
    assert text(await machine(client, vm_id), "RESCHED") == "1"
    await client.number("one.vm.migrate", vm_id, estate.there, True, False, -1, 0)
    await estate.cloud.settle(vm_id, L.RUNNING)
    found = await machine(client, vm_id)
    assert text(found, "RESCHED") == "0"
    assert [text(each, "HOSTNAME") for each in found.findall("HISTORY_RECORDS/HISTORY")] == ["h1", "h2"]
    await client.call("one.vm.action", "terminate-hard", vm_id)
    await estate.cloud.settle(vm_id, V.DONE)


async def test_a_client_asks_for_the_release_and_the_zone_first(client: WireClient) -> None:
    version = await client.call("one.system.version")
    assert tuple(map(int, str(version).split("."))) >= (6, 4, 0)
    check_document(await client.document("one.zone.info", 0, False))
    assert len((await client.document("one.zonepool.info")).findall("ZONE")) == 1
