from __future__ import annotations

import pytest

from opennebula_core.errors import ActionError, InternalError
from opennebula_core.testing.cloud import Cloud

from ..estate import Estate

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def network(estate: Estate, name: str, size: int = 4, first_ip: str = "10.1.0.1") -> int:
    return await estate.cloud.add_network(name, size=size, first_ip=first_ip)


async def test_a_network_hands_its_addresses_out_until_none_is_left(estate: Estate) -> None:
    network_id = await network(estate, "small", 2)
    vms = [await estate.cloud.add_vm(f"NIC=[NETWORK_ID={network_id}]") for _ in range(2)]
    addresses = [estate.cloud.vm(vm_id).template.vectors("NIC")[0]["IP"] for vm_id in vms]
    assert addresses == ["10.1.0.1", "10.1.0.2"]
    with pytest.raises(InternalError, match="no address is left"):
        await estate.cloud.add_vm(f"NIC=[NETWORK_ID={network_id}]")
    await estate.cloud.act("terminate", vms[0])
    third = await estate.cloud.add_vm(f"NIC=[NETWORK_ID={network_id}]")
    assert estate.cloud.vm(third).template.vectors("NIC")[0]["IP"] == "10.1.0.1"
    with pytest.raises(ActionError, match="with leases in use"):
        await estate.cloud.call("one.vn.delete", network_id)
    for vm_id in (vms[1], third):
        await estate.cloud.act("terminate", vm_id)
    await estate.cloud.call("one.vn.delete", network_id)


@pytest.mark.parametrize("wanted", ["IP=10.1.0.3", "MAC=02:00:0a:01:00:03"])
async def test_an_address_can_be_asked_for(estate: Estate, wanted: str) -> None:
    network_id = await network(estate, f"asked by {wanted[:2]}")
    vm_id = await estate.cloud.add_vm(f'NIC=[NETWORK_ID={network_id},{wanted.replace("=", "=" + chr(34))}"]')
    nic = estate.cloud.vm(vm_id).template.vectors("NIC")[0]
    assert (nic["IP"], nic["MAC"]) == ("10.1.0.3", "02:00:0a:01:00:03")


async def test_what_all_nics_have_in_common_is_given_once(estate: Estate) -> None:
    nics = f"NIC=[NETWORK_ID={estate.network_id}]\nNIC=[NETWORK_ID={estate.network_id},MODEL=e1000]"
    vm_id = await estate.cloud.add_vm(f"NIC_DEFAULT=[MODEL=virtio]\n{nics}")
    assert [nic["MODEL"] for nic in estate.cloud.vm(vm_id).template.vectors("NIC")] == ["virtio", "e1000"]
    await estate.cloud.act("terminate", vm_id)


async def test_a_held_address_is_nobodys(estate: Estate) -> None:
    network_id = await network(estate, "held", 2)
    held = 'LEASES=[IP="10.1.0.1"]'
    await estate.cloud.call("one.vn.hold", network_id, held)
    with pytest.raises(ActionError, match="Address is not part of the address range or in use"):
        await estate.cloud.call("one.vn.hold", network_id, held)
    vm_id = await estate.cloud.add_vm(f"NIC=[NETWORK_ID={network_id}]")
    assert estate.cloud.vm(vm_id).template.vectors("NIC")[0]["IP"] == "10.1.0.2"
    with pytest.raises(ActionError, match="Address is not on hold"):
        await estate.cloud.call("one.vn.release", network_id, 'LEASES=[IP="10.1.0.2"]')
    await estate.cloud.call("one.vn.release", network_id, held)
    await estate.cloud.act("terminate", vm_id)
    assert estate.cloud.network(network_id).used_leases == 0


async def test_ranges_come_and_go(estate: Estate) -> None:
    call, network_id = estate.cloud.call, await network(estate, "ranges", 2)
    await call("one.vn.add_ar", network_id, "AR=[TYPE=IP4,IP=10.2.0.1,SIZE=2]")
    vms = [await estate.cloud.add_vm(f"NIC=[NETWORK_ID={network_id}]") for _ in range(3)]
    assert [each.used_leases for each in estate.cloud.network(network_id).ranges] == [2, 1]
    with pytest.raises(ActionError, match="would cut leases in use off"):
        await call("one.vn.update_ar", network_id, "AR=[AR_ID=0,SIZE=1]")
    await call("one.vn.update_ar", network_id, "AR=[AR_ID=1,SIZE=9,GATEWAY=10.2.0.254]")
    assert estate.cloud.network(network_id).ranges[1].size == 9
    with pytest.raises(ActionError, match="leases in use; use force"):
        await call("one.vn.rm_ar", network_id, 1)
    await call("one.vn.rm_ar", network_id, 1, True)
    assert estate.cloud.network(network_id).used_leases == 2
    for vm_id in vms:
        await estate.cloud.act("terminate", vm_id)
    assert estate.cloud.network(network_id).used_leases == 0
    with pytest.raises(InternalError, match="Address Range does not exist: 1"):
        await call("one.vn.rm_ar", network_id, 1)


@pytest.mark.parametrize("attribute", ["BRIDGE", "PHYDEV"])
@pytest.mark.parametrize("name", ["-i", "a b", "x;y", "sixteen-letters-", "..", "brücke"])
async def test_what_is_no_interface_is_refused_whenever_it_comes(
    estate: Estate, attribute: str, name: str
) -> None:
    with pytest.raises(InternalError, match=f"Wrong {attribute}"):
        await estate.cloud.call("one.vn.allocate", f'NAME=odd\nVN_MAD=bridge\n{attribute}="{name}"\n', -1)
    with pytest.raises(InternalError, match=f"Wrong {attribute}"):
        await estate.cloud.call("one.vn.update", estate.network_id, f'{attribute}="{name}"\n', 1)


@pytest.mark.parametrize(
    ("vector", "text"),
    [
        ("TYPE=IP4,SIZE=2", "Wrong or missing IP"),
        ("TYPE=IP4,IP=10.0.0.1,SIZE=0", "Wrong SIZE"),
        ("TYPE=odd,IP=10.0.0.1,SIZE=1", "address range TYPE"),
        ("TYPE=ETHER,SIZE=1,MAC=nonsense", "Wrong MAC"),
        ("TYPE=IP4,IP=255.255.255.255,SIZE=2", "not so many IPs"),
    ],
)
async def test_a_wrong_range_is_refused(estate: Estate, vector: str, text: str) -> None:
    with pytest.raises(InternalError, match=text):
        await estate.cloud.call("one.vn.add_ar", estate.network_id, f"AR=[{vector}]")


@pytest.mark.parametrize("attribute", ["VLAN_ID", "OUTER_VLAN_ID"])
@pytest.mark.parametrize("number", ["-1", "x", "1e308", "NaN", str(2**24), str(2**70), "9" * 5000])
async def test_what_is_no_vlan_is_refused_whenever_it_comes(
    estate: Estate, attribute: str, number: str
) -> None:
    with pytest.raises(InternalError, match=f"Wrong {attribute}"):
        await estate.cloud.call("one.vn.allocate", f'NAME=odd\nVN_MAD=802.1Q\n{attribute}="{number}"\n', -1)
    with pytest.raises(InternalError, match=f"Wrong {attribute}"):
        await estate.cloud.call("one.vn.update", estate.network_id, f'{attribute}="{number}"\n', 1)


async def test_an_update_reaches_the_document_beside_the_template(estate: Estate) -> None:
    network_id = await network(estate, "wires", 2)
    await estate.cloud.call("one.vn.update", network_id, "OUTER_VLAN_ID=7\nBRIDGE_TYPE=openvswitch\n", 1)
    shown = await estate.cloud.document("one.vn.info", network_id)
    assert (shown.findtext("OUTER_VLAN_ID"), shown.findtext("BRIDGE_TYPE")) == ("7", "openvswitch")
    await estate.cloud.call("one.vn.update", network_id, "NOTE=x\n", 0)
    shown = await estate.cloud.document("one.vn.info", network_id)
    assert (shown.findtext("VN_MAD"), shown.findtext("BRIDGE")) == ("dummy", "br0")
    assert shown.findtext("TEMPLATE/OUTER_VLAN_ID") == "7"


async def test_a_network_that_asks_for_a_vlan_gets_one_of_its_own(front_end: Cloud) -> None:
    async def made(name: str, more: str, vn_mad: str = "802.1Q") -> tuple[str, str, str]:
        text = f"NAME={name}\nVN_MAD={vn_mad}\nPHYDEV=eth0\n{more}\n"
        found = await front_end.document("one.vn.info", await front_end.new("one.vn.allocate", text, -1))
        assert found.findtext("TEMPLATE/VLAN_ID") == found.findtext("VLAN_ID")
        names = ("VLAN_ID", "OUTER_VLAN_ID", "VLAN_ID_AUTOMATIC")
        vlan, outer, automatic = (found.findtext(name, "") for name in names)
        return vlan, outer, automatic

    assert await made("named", "VLAN_ID=3\nAUTOMATIC_VLAN_ID=YES") == ("3", "", "0")
    assert await made("first", "AUTOMATIC_VLAN_ID=YES\nAUTOMATIC_OUTER_VLAN_ID=YES") == ("4", "3", "1")
    assert await made("second", "AUTOMATIC_VLAN_ID=yes") == ("5", "", "1")
    assert await made("other", "AUTOMATIC_VLAN_ID=YES", "vxlan") == ("5", "", "1")
    assert await made("none", "AUTOMATIC_VLAN_ID=YES", "bridge") == ("", "", "0")
