from __future__ import annotations

import pytest

from opennebula_core.errors import ActionError, InternalError

from ..estate import Estate

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_cluster_with_members_stays(estate: Estate) -> None:
    call = estate.cloud.call
    cluster_id = await estate.cloud.new("one.cluster.allocate", "east")
    assert cluster_id >= 100
    await call("one.cluster.addhost", cluster_id, estate.there)
    with pytest.raises(ActionError, match=f"Cluster {cluster_id} is not empty, it contains 1 hosts"):
        await call("one.cluster.delete", cluster_id)
    await call("one.cluster.delhost", cluster_id, estate.there)
    assert estate.cloud.host(estate.there).cluster_id == 0
    await call("one.cluster.delete", cluster_id)
    with pytest.raises(ActionError, match="System cluster 0 cannot be deleted"):
        await call("one.cluster.delete", 0)


async def test_hosts_know_their_cluster_by_its_new_name(estate: Estate) -> None:
    cluster_id = await estate.cloud.new("one.cluster.allocate", "west")
    await estate.cloud.call("one.cluster.addhost", cluster_id, estate.there)
    await estate.cloud.call("one.cluster.rename", cluster_id, "far west")
    host = await estate.cloud.document("one.host.info", estate.there)
    assert host.findtext("CLUSTER") == "far west"
    await estate.cloud.call("one.cluster.addhost", 0, estate.there)


async def test_what_shares_no_cluster_cannot_be_in_one_vm(estate: Estate) -> None:
    call, cluster_id = estate.cloud.call, await estate.cloud.new("one.cluster.allocate", "island")
    network_id = await estate.cloud.add_network("far", first_ip="10.9.0.1")
    await call("one.cluster.addvnet", cluster_id, network_id)
    await call("one.cluster.delvnet", 0, network_id)
    with pytest.raises(InternalError, match=r"Incompatible clusters in NIC\. Network for NIC 0"):
        await estate.cloud.add_vm(f"DISK=[IMAGE_ID={estate.image_id}]\nNIC=[NETWORK_ID={network_id}]")
    assert estate.cloud.network(network_id).used_leases == 0
    vm_id = await estate.cloud.add_vm(f"NIC=[NETWORK_ID={network_id}]")
    template = estate.cloud.vm(vm_id).template
    assert template.get("AUTOMATIC_REQUIREMENTS").startswith(f"(CLUSTER_ID = {cluster_id}) & !(PUBLIC_CLOUD")
    assert template.get("AUTOMATIC_DS_REQUIREMENTS") == f'("CLUSTERS/ID" @> {cluster_id})'
    await call("one.cluster.addhost", cluster_id, estate.there)
    with pytest.raises(ActionError, match="No suitable system datastore found for cluster"):
        await call("one.vm.deploy", vm_id, estate.there)
    await call("one.cluster.addhost", 0, estate.there)
    await estate.cloud.act("terminate", vm_id)


async def test_an_automatic_nic_brings_its_networks_clusters(estate: Estate) -> None:
    vm_id = await estate.cloud.add_vm('NIC=[NETWORK_MODE="auto"]')
    assert "CLUSTER_ID" not in estate.cloud.vm(vm_id).template.get("AUTOMATIC_REQUIREMENTS")
    extra = f"NIC=[NIC_ID=0,NETWORK_ID={estate.network_id}]"
    with pytest.raises(ActionError, match="NIC 0 needs a network"):
        await estate.cloud.call("one.vm.deploy", vm_id, estate.here)
    await estate.cloud.call("one.vm.deploy", vm_id, estate.here, False, -1, extra)
    vm = estate.cloud.vm(vm_id)
    assert vm.template.vectors("NIC")[0]["IP"].startswith("10.0.0.")
    assert vm.template.get("AUTOMATIC_REQUIREMENTS").startswith("(CLUSTER_ID = 0)")
