from __future__ import annotations

import pytest

from opennebula_core.errors import ActionError, AuthorizationError, InternalError, RequestError
from opennebula_core.model.states import LcmState, VmState

from ...estate import Estate

pytestmark = pytest.mark.asyncio(loop_scope="module")

L, V = LcmState, VmState
FAILURE, SUCCESS, DELETE, RECREATE = 0, 1, 3, 4


def nic(estate: Estate, more: str = "") -> str:
    return f"NIC=[NETWORK_ID={estate.network_id}{more}]"


def nic_ids(estate: Estate, vm_id: int) -> list[str]:
    return [each["NIC_ID"] for each in estate.cloud.vm(vm_id).template.vectors("NIC")]


def leases(estate: Estate, vm_id: int) -> int:
    network = estate.cloud.network(estate.network_id)
    return sum(lease.vm_id == vm_id for each in network.ranges for lease in each.leases)


def guest(estate: Estate, vm_id: int) -> str:
    return (estate.cloud.location / f"var/dummy/hosts/h1/one-{vm_id}.json").read_text()


async def test_a_nic_is_plugged_into_a_running_vm_and_out_again(estate: Estate) -> None:
    vm_id = await estate.run()
    await estate.cloud.call("one.vm.attachnic", vm_id, nic(estate))
    assert estate.place(vm_id) == (V.ACTIVE, L.HOTPLUG_NIC)
    await estate.cloud.settle(vm_id, L.RUNNING)
    added = estate.cloud.vm(vm_id).template.vectors("NIC")[1]
    assert (added["NIC_ID"], added["NAME"], added["TARGET"]) == ("1", "NIC1", f"one-{vm_id}-1")
    assert "ATTACH" not in added
    assert leases(estate, vm_id) == 2
    assert '"nics": ["0", "1"]' in guest(estate, vm_id)
    assert len(estate.cloud.vm(vm_id).template.vectors("SECURITY_GROUP_RULE")) == 2
    script = estate.cloud.location / f"var/vms/{vm_id}/context.sh"
    assert f"ETH1_IP='{added['IP']}'" in script.read_text()

    await estate.cloud.call("one.vm.detachnic", vm_id, 1)
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert (nic_ids(estate, vm_id), leases(estate, vm_id)) == (["0"], 1)
    assert '"nics": ["0"]' in guest(estate, vm_id)
    assert "ETH1_IP" not in script.read_text()


async def test_a_vm_that_is_off_gets_a_nic_at_its_next_start(estate: Estate) -> None:
    vm_id = await estate.run()
    await estate.cloud.act("poweroff", vm_id)
    await estate.cloud.settle(vm_id, V.POWEROFF)
    await estate.cloud.call("one.vm.attachnic", vm_id, nic(estate, ',IP="10.0.0.40"'))
    assert estate.place(vm_id) == (V.POWEROFF, L.LCM_INIT)
    assert leases(estate, vm_id) == 2
    await estate.cloud.call("one.vm.detachnic", vm_id, 0)
    assert nic_ids(estate, vm_id) == ["1"]
    await estate.cloud.act("resume", vm_id)
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert '"nics": ["1"]' in guest(estate, vm_id)


async def test_a_nic_that_cannot_be_plugged_in_leaves_nothing(estate: Estate) -> None:
    vm_id = await estate.run()
    await estate.fail("vmm/ATTACHNIC", "no slot")
    await estate.cloud.call("one.vm.attachnic", vm_id, nic(estate))
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert (nic_ids(estate, vm_id), leases(estate, vm_id)) == (["0"], 1)
    assert "no slot" in estate.cloud.vm(vm_id).user_template.get("ERROR")


async def test_a_nic_that_cannot_be_plugged_out_stays(estate: Estate) -> None:
    vm_id = await estate.run()
    await estate.fail("vmm/DETACHNIC")
    await estate.cloud.call("one.vm.detachnic", vm_id, 0)
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert (nic_ids(estate, vm_id), leases(estate, vm_id)) == (["0"], 1)
    assert "ATTACH" not in estate.cloud.vm(vm_id).template.vectors("NIC")[0]


async def hanging(estate: Estate) -> int:
    vm_id = await estate.run()
    estate.cloud.behave({"vmm/ATTACHNIC": {"hang": True}})
    await estate.cloud.call("one.vm.attachnic", vm_id, nic(estate))
    await estate.cloud.settle(vm_id, L.HOTPLUG_NIC)
    return vm_id


@pytest.mark.parametrize(
    ("operation", "end", "ids"),
    [
        (SUCCESS, L.RUNNING, ["0", "1"]),
        (FAILURE, L.RUNNING, ["0"]),
        (RECREATE, V.PENDING, ["0"]),
        (DELETE, V.DONE, ["0"]),
    ],
    ids=["success", "failure", "recreate", "delete"],
)
async def test_a_nic_whose_driver_hangs_is_recovered(
    estate: Estate, operation: int, end: LcmState | VmState, ids: list[str]
) -> None:
    vm_id = await hanging(estate)
    await estate.recover(vm_id, operation)
    await estate.cloud.settle(vm_id, end)
    assert nic_ids(estate, vm_id) == ids
    assert leases(estate, vm_id) == (0 if end is V.DONE else len(ids))
    assert all("ATTACH" not in each for each in estate.cloud.vm(vm_id).template.vectors("NIC"))


async def test_nothing_is_taken_by_what_is_refused(estate: Estate) -> None:
    vm_id = await estate.run()
    refused: list[tuple[str, type[RequestError], str]] = [
        ("CPU=1", ActionError, "has 0 attributes NIC"),
        (nic(estate) + "\n" + nic(estate), ActionError, "has 2 attributes NIC"),
        ("NIC=[NETWORK_MODE=auto]", ActionError, "needs a network"),
        (nic(estate, ',IP="10.9.9.9"'), InternalError, "not in it"),
    ]
    for text, error, message in refused:
        with pytest.raises(error, match=message):
            await estate.cloud.call("one.vm.attachnic", vm_id, text)
    with pytest.raises(ActionError, match="NIC with ID 7 does not exist"):
        await estate.cloud.call("one.vm.detachnic", vm_id, 7)
    assert (nic_ids(estate, vm_id), leases(estate, vm_id)) == (["0"], 1)


async def test_only_administrators_set_restricted_attributes_of_a_nic(estate: Estate) -> None:
    await estate.cloud.call("one.user.allocate", "ann", "pw", "", [])
    vm_id = await estate.run()
    await estate.cloud.call("one.vm.chown", vm_id, 2, 1)
    with pytest.raises(AuthorizationError, match="NIC/MAC"):
        await estate.cloud.call(
            "one.vm.attachnic", vm_id, nic(estate, ',MAC="02:00:0a:00:00:09"'), session="ann:pw"
        )


async def test_a_nic_of_a_network_in_another_cluster_is_refused(estate: Estate) -> None:
    vm_id = await estate.cloud.run_vm(estate.here)
    cluster_id = await estate.cloud.new("one.cluster.allocate", "far")
    text = "NAME=far\nVN_MAD=dummy\nBRIDGE=br9\nAR=[TYPE=IP4,IP=10.7.0.1,SIZE=5]\n"
    network_id = await estate.cloud.new("one.vn.allocate", text, cluster_id)
    with pytest.raises(ActionError, match="cannot be used in cluster 0"):
        await estate.cloud.call("one.vm.attachnic", vm_id, f"NIC=[NETWORK_ID={network_id}]")


@pytest.mark.parametrize("state", [V.PENDING, V.SUSPENDED, V.DONE, L.UNKNOWN, L.HOTPLUG_NIC])
async def test_nics_are_changed_in_running_and_poweroff_alone(
    estate: Estate, state: LcmState | VmState
) -> None:
    vm_id = await estate.put(state)
    with pytest.raises(ActionError, match=r"nic-attach.*not available for state"):
        await estate.cloud.call("one.vm.attachnic", vm_id, nic(estate))
    with pytest.raises(ActionError, match=r"nic-detach.*not available for state"):
        await estate.cloud.call("one.vm.detachnic", vm_id, 0)


async def test_a_template_cannot_make_drivers_take_the_wrong_device(estate: Estate) -> None:
    text = f"NIC=[NETWORK_ID={estate.network_id},ATTACH=YES]\nDISK=[IMAGE_ID={estate.image_id},ATTACH=YES]"
    template = estate.cloud.vm(await estate.cloud.add_vm(text)).template
    assert "ATTACH" not in template.vectors("NIC")[0]
    assert "ATTACH" not in template.vectors("DISK")[0]


async def test_a_nic_has_no_address_but_those_that_were_leased(estate: Estate) -> None:
    forged = ',VROUTER_IP="10.0.0.66",IP6_GLOBAL="2001:db8::67"'
    added = estate.cloud.vm(await estate.cloud.add_vm(nic(estate, forged))).template.vectors("NIC")[0]
    assert not {"VROUTER_IP", "IP6_GLOBAL"} & set(added)
    assert added["IP"].startswith("10.0.0.")
