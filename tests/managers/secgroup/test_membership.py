from __future__ import annotations

from opennebula_core.model.states import LcmState
from opennebula_core.testing.cloud import Cloud

WEB = "NAME=web\nRULE=[PROTOCOL=TCP,RANGE=80,RULE_TYPE=inbound]\n"


def groups_of_rules(cloud: Cloud, vm_id: int) -> list[str]:
    return [rule["SECURITY_GROUP_ID"] for rule in cloud.vm(vm_id).template.vectors("SECURITY_GROUP_RULE")]


def groups(cloud: Cloud, vm_id: int) -> list[int]:
    return cloud.daemon.store.read(lambda tx: tx.security_groups.groups_of_vm(vm_id))


async def test_rules_and_lists_follow_the_nics_of_a_vm(front_end: Cloud) -> None:
    group_id = await front_end.new("one.secgroup.allocate", WEB)
    ranges = f"AR=[TYPE=IP4,IP=10.1.0.1,SIZE=9,SECURITY_GROUPS={group_id}]"
    open_id = await front_end.add_network("open")
    closed_id = await front_end.new("one.vn.allocate", f"NAME=c\nVN_MAD=dummy\nBRIDGE=b\n{ranges}", -1)
    await front_end.call("one.vn.update", closed_id, 'SECURITY_GROUPS="404"', 1)
    forged = "SECURITY_GROUP_RULE=[SECURITY_GROUP_ID=404,PROTOCOL=ALL,RULE_TYPE=inbound]"
    vm_id = await front_end.add_vm(f"NIC=[NETWORK_ID={closed_id}]\n{forged}")
    assert front_end.vm(vm_id).template.vectors("NIC")[0]["SECURITY_GROUPS"] == f"404,{group_id}"
    assert groups_of_rules(front_end, vm_id) == [str(group_id)]
    await front_end.call("one.vm.deploy", vm_id, await front_end.add_host("h1"))
    await front_end.settle(vm_id, LcmState.RUNNING)

    await front_end.call("one.vm.attachnic", vm_id, f"NIC=[NETWORK_ID={open_id}]")
    await front_end.settle(vm_id, LcmState.RUNNING)
    assert (groups_of_rules(front_end, vm_id), groups(front_end, vm_id)) == (
        [str(group_id), "0", "0"],
        [0, group_id],
    )

    front_end.behave({"vmm/ATTACHNIC": {"failure_rate": 1}})
    await front_end.call("one.vm.detachnic", vm_id, 1)
    await front_end.settle(vm_id, LcmState.RUNNING)
    assert groups(front_end, vm_id) == [group_id]
    await front_end.call("one.vm.attachnic", vm_id, f"NIC=[NETWORK_ID={open_id}]")
    assert groups(front_end, vm_id) == [0, group_id]
    await front_end.settle(vm_id, LcmState.RUNNING)
    assert (groups_of_rules(front_end, vm_id), groups(front_end, vm_id)) == ([str(group_id)], [group_id])


async def test_a_rule_about_a_network_is_one_for_each_of_its_ranges(front_end: Cloud) -> None:
    ranges = (
        "AR=[TYPE=IP4,IP=10.1.0.1,SIZE=9]\n"
        'AR=[TYPE=IP6,SIZE=4,MAC="02:00:00:00:00:05",GLOBAL_PREFIX="2001:db8::"]'
    )
    network_id = await front_end.new("one.vn.allocate", f"NAME=n\nVN_MAD=dummy\nBRIDGE=b\n{ranges}", -1)
    rule = f"RULE=[PROTOCOL=UDP,RANGE=53,RULE_TYPE=inbound,NETWORK_ID={network_id},IP=9.9.9.9,SIZE=1]"
    group_id = await front_end.new("one.secgroup.allocate", f"NAME=dns\n{rule}")
    vm_id = await front_end.add_vm(f"NIC=[NETWORK_ID={network_id},SECURITY_GROUPS={group_id}]")
    shown = await front_end.document("one.vm.info", vm_id)
    rules = [
        {leaf.tag: leaf.text for leaf in rule}
        for rule in shown.findall("TEMPLATE/SECURITY_GROUP_RULE")
        if rule.findtext("SECURITY_GROUP_ID") == str(group_id)
    ]
    common = {
        "NETWORK_ID": str(network_id), "PROTOCOL": "UDP", "RANGE": "53", "RULE_TYPE": "inbound",
        "SECURITY_GROUP_ID": str(group_id), "SECURITY_GROUP_NAME": "dns",
    }  # fmt: skip
    assert rules == [
        common | {"AR_ID": "0", "IP": "10.1.0.1", "SIZE": "9", "MAC": "02:00:0a:01:00:01", "TYPE": "IP4"},
        common
        | {
            "AR_ID": "1", "GLOBAL_PREFIX": "2001:db8::", "SIZE": "4", "MAC": "02:00:00:00:00:05",
            "TYPE": "IP6",
        },
    ]  # fmt: skip
