from __future__ import annotations

import pytest

from opennebula_core.errors import ActionError, AuthorizationError, InternalError, NotFoundError
from opennebula_core.testing.cloud import ADMIN, Cloud

ALICE = "alice:pw"


@pytest.fixture
async def parent_id(front_end: Cloud) -> int:
    """A network of ten addresses that everybody may use, and alice."""
    await front_end.new("one.user.allocate", "alice", "pw", "", [])
    network_id = await front_end.add_network("lan", first_ip="10.2.0.1", size=10)
    await front_end.call("one.vn.chmod", network_id, -1, -1, -1, -1, -1, -1, 1, -1, -1)
    return network_id


async def reserve(cloud: Cloud, parent_id: int, text: str, session: str = ALICE) -> int:
    return await cloud.new("one.vn.reserve", parent_id, text, session=session)


async def test_a_block_of_addresses_becomes_a_network_of_the_callers(
    front_end: Cloud, parent_id: int
) -> None:
    mine = await reserve(front_end, parent_id, "NAME=mine\nSIZE=4")
    shown = await front_end.document("one.vn.info", mine, session=ALICE)
    assert (shown.findtext("UNAME"), shown.findtext("NAME")) == ("alice", "mine")
    assert shown.findtext("PARENT_NETWORK_ID") == str(parent_id)
    assert shown.findtext("BRIDGE") == "br0"
    (held,) = shown.findall("AR_POOL/AR")
    assert [held.findtext(name) for name in ("IP", "SIZE", "PARENT_NETWORK_AR_ID")] == ["10.2.0.1", "4", "0"]
    parent = await front_end.document("one.vn.info", parent_id)
    assert parent.findtext("USED_LEASES") == "4"
    holders = {lease.findtext("IP"): lease.findtext("VNET") for lease in parent.iter("LEASE")}
    assert holders == {f"10.2.0.{n}": str(mine) for n in range(1, 5)}


async def test_vms_of_both_get_different_addresses(front_end: Cloud, parent_id: int) -> None:
    mine = await reserve(front_end, parent_id, "NAME=mine\nSIZE=2")
    found = []
    for network_id in (mine, parent_id, mine):
        vm_id = await front_end.add_vm(f"NIC=[NETWORK_ID={network_id}]")
        found.append(front_end.vm(vm_id).template.vectors("NIC")[0]["IP"])
    assert found == ["10.2.0.1", "10.2.0.3", "10.2.0.2"]
    with pytest.raises(InternalError, match="no address is left"):
        await front_end.add_vm(f"NIC=[NETWORK_ID={mine}]")


async def test_a_block_is_where_it_is_asked_for_or_not_at_all(front_end: Cloud, parent_id: int) -> None:
    first = await reserve(front_end, parent_id, "NAME=a\nSIZE=2\nIP=10.2.0.5")
    assert front_end.network(first).ranges[0].ip == "10.2.0.5"
    with pytest.raises(ActionError, match=r"Cannot reserve 3 addresses: .* from there"):
        await reserve(front_end, parent_id, "NAME=b\nSIZE=3\nIP=10.2.0.4")
    with pytest.raises(ActionError, match="Cannot reserve 5 addresses"):
        await reserve(front_end, parent_id, "NAME=b\nSIZE=5")
    by_mac = await reserve(front_end, parent_id, "NAME=c\nSIZE=4\nMAC=02:00:0a:02:00:07")
    assert front_end.network(by_mac).ranges[0].ip == "10.2.0.7"
    filled = await reserve(front_end, parent_id, "NAME=d\nSIZE=4\nAR_ID=0")
    assert front_end.network(filled).ranges[0].ip == "10.2.0.1"
    assert front_end.network(parent_id).used_leases == 10
    with pytest.raises(ActionError, match="Cannot reserve 1 addresses"):
        await reserve(front_end, parent_id, "NAME=e\nSIZE=1")


async def test_a_reservation_grows_and_shrinks_by_blocks(front_end: Cloud, parent_id: int) -> None:
    mine = await reserve(front_end, parent_id, "NAME=mine\nSIZE=2")
    assert await reserve(front_end, parent_id, f"NETWORK_ID={mine}\nSIZE=3") == mine
    assert [held.ip for held in front_end.network(mine).ranges] == ["10.2.0.1", "10.2.0.3"]
    with pytest.raises(ActionError, match="gets its addresses from virtual network"):
        await front_end.call("one.vn.add_ar", mine, "AR=[TYPE=IP4,IP=10.9.0.1,SIZE=2]")
    with pytest.raises(ActionError, match="size of a reservation stays"):
        await front_end.call("one.vn.update_ar", mine, "AR=[AR_ID=0,SIZE=9]", session=ALICE)
    await front_end.call("one.vn.update_ar", mine, "AR=[AR_ID=0,NOTE=x]", session=ALICE)
    await front_end.call("one.vn.rm_ar", mine, 0)
    assert front_end.network(parent_id).used_leases == 3
    again = await reserve(front_end, parent_id, "NAME=again\nSIZE=2")
    assert front_end.network(again).ranges[0].ip == "10.2.0.1"


async def test_a_removed_reservation_gives_its_addresses_back(front_end: Cloud, parent_id: int) -> None:
    mine = await reserve(front_end, parent_id, "NAME=mine\nSIZE=10")
    with pytest.raises(ActionError, match="leases in use"):
        await front_end.call("one.vn.delete", parent_id)
    with pytest.raises(ActionError, match=f"has reservations: virtual network {mine}"):
        await front_end.call("one.vn.rm_ar", parent_id, 0, True)
    vm_id = await front_end.add_vm(f"NIC=[NETWORK_ID={mine}]")
    with pytest.raises(ActionError, match="leases in use"):
        await front_end.call("one.vn.delete", mine, session=ALICE)
    await front_end.act("terminate", vm_id)
    await front_end.call("one.vn.delete", mine, session=ALICE)
    assert front_end.network(parent_id).used_leases == 0
    await front_end.call("one.vn.delete", parent_id)


async def test_what_a_reservation_needs(front_end: Cloud, parent_id: int) -> None:
    with pytest.raises(InternalError, match="Invalid NAME"):
        await reserve(front_end, parent_id, "SIZE=2")
    for size in ("0", "-1", "x", str(2**70)):
        with pytest.raises(InternalError, match="Wrong SIZE"):
            await reserve(front_end, parent_id, f"NAME=mine\nSIZE={size}")
    with pytest.raises(NotFoundError):
        await reserve(front_end, parent_id, "NETWORK_ID=4711\nSIZE=1")
    other = await front_end.add_network("other")
    with pytest.raises(AuthorizationError, match="MANAGE NET"):
        await reserve(front_end, parent_id, f"NETWORK_ID={other}\nSIZE=1")
    with pytest.raises(ActionError, match="is no reservation of"):
        await reserve(front_end, parent_id, f"NETWORK_ID={other}\nSIZE=1", ADMIN)
    mine = await reserve(front_end, parent_id, "NAME=mine\nSIZE=2")
    with pytest.raises(ActionError, match="addresses of a reservation"):
        await reserve(front_end, mine, "NAME=deeper\nSIZE=1")
    assert front_end.network(parent_id).used_leases == 2
