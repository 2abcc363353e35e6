from __future__ import annotations

import pytest
import pytest_asyncio

from opennebula_core.errors import (
    ActionError,
    AllocateError,
    AuthorizationError,
    InternalError,
    NotFoundError,
)
from opennebula_core.model.objects import Network
from opennebula_core.testing.cloud import Cloud

from ..estate import Estate

pytestmark = pytest.mark.asyncio(loop_scope="module")

BASE = "VN_MAD=dummy\nBRIDGE=br7\nVLAN_ID=12\nDNS=10.0.0.1\nAR=[TYPE=IP4,IP=10.0.0.2,SIZE=5]\n"
ALICE = "alice:wonder"
CREATE = 8


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cloud(module_estate: Estate) -> Cloud:
    """Return the module's cloud, in which alice may make networks and their templates."""
    running = module_estate.cloud
    await running.call("one.user.allocate", "alice", "wonder", "core", [])
    kinds = 0x40_0000_0000 | 0x40_0000_0000_0000
    numbers = (0x2_0000_0000 | 1, 0x4_0000_0000 | kinds, CREATE)
    await running.call("one.acl.addrule", *(f"{number:x}" for number in numbers))
    return running


async def shared(cloud: Cloud, name: str, text: str = BASE) -> int:
    """Make an administrator's template that all may use."""
    template_id = await cloud.new("one.vntemplate.allocate", f'NAME="{name}"\n{text}')
    await cloud.call("one.vntemplate.chmod", template_id, -1, -1, -1, -1, -1, -1, 1, -1, -1)
    return template_id


async def made(cloud: Cloud, *params: object, session: str) -> Network:
    """Return the network that is made from a template."""
    network_id = await cloud.new("one.vntemplate.instantiate", *params, session=session)
    return cloud.network(network_id)


async def test_a_template_is_kept_shown_changed_copied_and_removed(cloud: Cloud) -> None:
    template_id = await cloud.new("one.vntemplate.allocate", f"NAME=lan\n{BASE}")
    await cloud.call("one.vntemplate.update", template_id, "DNS=10.0.0.9", 1)
    await cloud.call("one.vntemplate.rename", template_id, "wan")
    await cloud.call("one.vntemplate.lock", template_id, 2, False)
    with pytest.raises(AuthorizationError, match="VNTEMPLATE is locked"):
        await cloud.call("one.vntemplate.delete", template_id)
    shown = await cloud.document("one.vntemplate.info", template_id)
    assert (shown.tag, shown.findtext("NAME"), shown.findtext("LOCK/LOCKED")) == ("VNTEMPLATE", "wan", "2")
    assert int(shown.findtext("REGTIME", "")) == int(cloud.clock())
    assert shown.findtext("TEMPLATE/DNS") == "10.0.0.9"
    assert shown.find("TEMPLATE/NAME") is None
    copy_id = await cloud.new("one.vntemplate.clone", template_id, "copy")
    copy = await cloud.document("one.vntemplate.info", copy_id)
    assert (copy.findtext("TEMPLATE/AR/IP"), copy.find("LOCK")) == ("10.0.0.2", None)
    await cloud.call("one.vntemplate.unlock", template_id)
    await cloud.call("one.vntemplate.delete", template_id)
    with pytest.raises(NotFoundError, match=rf"Error getting virtual network template \[{template_id}\]\."):
        await cloud.call("one.vntemplate.info", template_id)


async def test_names_are_needed_and_taken_per_owner(cloud: Cloud) -> None:
    with pytest.raises(InternalError, match="Invalid NAME, it cannot be empty"):
        await cloud.call("one.vntemplate.allocate", BASE)
    first = await cloud.new("one.vntemplate.allocate", "NAME=taken")
    with pytest.raises(InternalError, match=rf"NAME is already taken by VNTEMPLATE {first}\."):
        await cloud.call("one.vntemplate.allocate", "NAME=taken")
    second = await cloud.new("one.vntemplate.allocate", "NAME=taken", session=ALICE)
    with pytest.raises(ActionError, match="NAME is already taken"):
        await cloud.call("one.vntemplate.chown", second, 0, -1)


async def test_pools_are_filtered_and_paged(cloud: Cloud) -> None:
    hidden = await cloud.new("one.vntemplate.allocate", "NAME=hidden")
    own = [await cloud.new("one.vntemplate.allocate", f"NAME=own{n}", session=ALICE) for n in range(3)]

    async def listed(*params: int) -> list[int]:
        pool = await cloud.document("one.vntemplatepool.info", *params, session=ALICE)
        assert pool.tag == "VNTEMPLATE_POOL"
        return [int(item.text or "") for item in pool.findall("VNTEMPLATE/ID")]

    assert hidden not in await listed(-2, -1, -1)
    assert (await listed(-3, -1, -1))[:3] == own[::-1]
    assert await listed(-3, 1, -2) == own[1::-1]
    assert await listed(-3, own[1], own[2]) == [own[2], own[1]]


async def test_a_network_is_made_as_the_template_says_with_what_is_added(cloud: Cloud) -> None:
    template_id = await shared(cloud, "made")
    extra = "DNS=1.1.1.1\nAR=[TYPE=IP4,IP=10.9.0.2,SIZE=7]\nTEMPLATE_ID=99\n"
    network = await made(cloud, template_id, "mine", extra, session=ALICE)
    assert (network.name, network.uname, network.bridge, network.vlan_id) == ("mine", "alice", "br7", "12")
    assert (network.cluster_ids, [(block.ip, block.size) for block in network.ranges]) == (
        [0],
        [("10.9.0.2", 7)],
    )
    assert network.template.get("DNS") == "1.1.1.1"
    assert network.template.get("TEMPLATE_ID") == str(template_id)
    assert network.template.get("TEMPLATE_NAME") == "made"
    assert "CLUSTER_IDS" not in network.template
    stored = await cloud.document("one.vntemplate.info", template_id)
    assert stored.findtext("TEMPLATE/DNS") == "10.0.0.1"
    assert (await made(cloud, template_id, "", "NAME=named", session=ALICE)).name == "named"


async def test_what_cannot_be_made_says_why_and_leaves_nothing(cloud: Cloud) -> None:
    template_id = await shared(cloud, "bare", "VN_MAD=dummy\n")
    with pytest.raises(
        AllocateError, match=r"Error allocating a new virtual network\. No BRIDGE in template"
    ):
        await cloud.call("one.vntemplate.instantiate", template_id, "x", "")
    with pytest.raises(AllocateError, match="Invalid NAME, it cannot be empty"):
        await cloud.call("one.vntemplate.instantiate", template_id, "", "BRIDGE=b")
    with pytest.raises(AllocateError, match="address range TYPE"):
        await cloud.call("one.vntemplate.instantiate", template_id, "x", "BRIDGE=b\nAR=[TYPE=odd]")
    assert cloud.daemon.store.read(lambda tx: tx.networks.find_by_name("x")) is None


async def test_the_template_says_which_clusters_the_networks_are_in(cloud: Cloud) -> None:
    cluster_id = await cloud.new("one.cluster.allocate", "racks")
    template_id = await shared(cloud, "racks", f'{BASE}CLUSTER_IDS="0, {cluster_id}"\n')
    assert (await made(cloud, template_id, "there", "", session=ALICE)).cluster_ids == [0, cluster_id]
    with pytest.raises(AuthorizationError, match="restricted attribute CLUSTER_IDS"):
        await made(cloud, template_id, "elsewhere", "CLUSTER_IDS=0", session=ALICE)
    for wrong in ("777", "x", "-1", "9" * 30):
        with pytest.raises(ActionError, match=f"cluster '{wrong}' of CLUSTER_IDS: there is none"):
            await cloud.call("one.vntemplate.instantiate", template_id, "w", f'CLUSTER_IDS="{wrong}"')


async def test_only_administrators_choose_the_wires(cloud: Cloud) -> None:
    template_id = await shared(cloud, "wires")
    for text in ("BRIDGE=br0", "VN_MAD=bridge", "VLAN_ID=[]", "AR=[TYPE=ETHER,SIZE=1,VLAN_ID=3]"):
        name = "AR/VLAN_ID" if text.startswith("AR") else text.partition("=")[0]
        with pytest.raises(AuthorizationError, match=f"User Template includes a restricted attribute {name}"):
            await made(cloud, template_id, "cut", text, session=ALICE)
        with pytest.raises(AuthorizationError, match=f"restricted attribute {name}"):
            await cloud.new("one.vntemplate.allocate", f"NAME=own\n{text.replace('[]', '9')}", session=ALICE)
    same = await made(cloud, template_id, "same", "BRIDGE=br7\n", session=ALICE)
    copy_id = await cloud.new("one.vntemplate.clone", template_id, "wires too", session=ALICE)
    with pytest.raises(AuthorizationError, match="restricted attribute BRIDGE"):
        await cloud.call("one.vntemplate.update", copy_id, "BRIDGE=br0", 1, session=ALICE)
    await cloud.call("one.vntemplate.update", copy_id, "NOTE=x", 0, session=ALICE)
    copied = await made(cloud, copy_id, "copied", "", session=ALICE)
    assert (same.bridge, copied.bridge, copied.template.get("NOTE")) == ("br7", "br7", "x")


async def test_rights_on_the_template_and_to_make_networks_are_both_needed(cloud: Cloud) -> None:
    hidden = await cloud.new("one.vntemplate.allocate", f"NAME=secret\n{BASE}")
    with pytest.raises(AuthorizationError, match="USE VNTEMPLATE"):
        await made(cloud, hidden, "x", "", session=ALICE)
    template_id = await shared(cloud, "for all")
    group_id = await cloud.new("one.group.allocate", "readers")
    await cloud.call("one.user.allocate", "carol", "wonder", "core", [group_id])
    with pytest.raises(AuthorizationError, match="CREATE NET"):
        await made(cloud, template_id, "x", "", session="carol:wonder")
    await cloud.call("one.vntemplate.lock", template_id, 1, False)
    with pytest.raises(AuthorizationError, match="USE VNTEMPLATE"):
        await made(cloud, template_id, "x", "", session=ALICE)


async def test_a_group_that_is_renamed_is_so_in_what_it_owns(cloud: Cloud) -> None:
    group_id = await cloud.new("one.group.allocate", "before")
    for kind in ("vntemplate", "vmgroup"):
        object_id = await cloud.new(f"one.{kind}.allocate", "NAME=grouped")
        await cloud.call(f"one.{kind}.chown", object_id, -1, group_id)
        await cloud.call("one.group.rename", group_id, f"after-{kind}")
        shown = await cloud.document(f"one.{kind}.info", object_id)
        assert shown.findtext("GNAME") == f"after-{kind}"
