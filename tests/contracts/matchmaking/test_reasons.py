from __future__ import annotations

from opennebula_core.contracts.matchmaking.reasons import describe


def test_a_cloud_without_hosts_is_said_to_have_none() -> None:
    assert describe({}) == "Cannot dispatch VM: there are no hosts"


def test_the_commonest_reason_comes_first() -> None:
    assert describe({"a": 1, "b": 3}) == "Cannot dispatch VM: b on 3 hosts; a on 1 host"


def test_vms_that_stand_in_the_way_are_gathered_and_a_few_are_named() -> None:
    reasons = {f"anti-affine with VM {vm_id}": 1 for vm_id in (12, 9, 30)} | {"no room": 1}
    assert (
        describe(reasons)
        == "Cannot dispatch VM: anti-affine with VMs 9, 12, 30 on 3 hosts; no room on 1 host"
    )
    many = {f"anti-affine with VM {vm_id}": 2 for vm_id in range(8)}
    assert describe(many) == "Cannot dispatch VM: anti-affine with VMs 0, 1, 2, 3, 4 and 3 more on 16 hosts"
    assert (
        describe({"affine with VM 4 elsewhere": 1})
        == "Cannot dispatch VM: affine with VM 4 elsewhere on 1 host"
    )
