"""A whole life of every kind of object, by python-oca's classes; run by the Python that has it installed.

What oca's classes have no method for goes through ``Client.call``, which is how oca's users do it.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LIMIT_S = 60.0
oca: Any = importlib.import_module("oca")
client: Any = oca.Client()


def wait_until(what: str, condition: Callable[[], bool]) -> None:
    """Look again until a condition holds."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


def pool(kind: type, *arguments: int) -> Any:
    """Return a pool as it is now."""
    listed: Any = kind(client)
    listed.info(*arguments)
    return listed


def element(kind: Any, object_id: int) -> Any:
    """Return one object as it is now."""
    found = kind.new_with_id(client, object_id)
    found.info()
    return found


def users_and_groups() -> None:
    """Make, change and remove a user and a group."""
    group_id = oca.Group.allocate(client, "oca_group")
    user_id = oca.User.allocate(client, "oca_user", "secret")
    user = element(oca.User, user_id)
    assert (user.name, user.gname, user.auth_driver, user.enabled) == ("oca_user", "users", "core", True)
    user.change_passwd("other")
    user.chgrp(group_id)
    client.call("user.update", user_id, "PHONE=7", 0)
    found = pool(oca.UserPool).get_by_name("oca_user")
    assert (found.gid, found.group_ids, found.template.phone) == (group_id, [group_id], "7")
    assert oca.Client("oca_user:other", client.one_address).version() == client.version()
    assert element(oca.Group, group_id).users == [user_id]
    rule = client.call("acl.addrule", f"{0x100000000 | user_id:x}", "1400000000", "1", f"{1 << 34:x}")
    assert "VM/* USE *" in client.call("acl.info")
    client.call("acl.delrule", rule)
    user.delete()
    pool(oca.GroupPool).get_by_id(group_id).delete()
    try:
        client.call("user.info", user_id)
    except oca.OpenNebulaException:
        return
    raise AssertionError("a user who is gone was found")


def hosts_and_clusters() -> None:
    """Make, change and remove a host and a cluster."""
    cluster_id = oca.Cluster.allocate(client, "oca_cluster")
    # Host.allocate sends the name of a network driver, which no OpenNebula since 4.10 takes.
    host_id = client.call("host.allocate", "oca-host", "dummy", "dummy", cluster_id)
    host = pool(oca.HostPool).get_by_name("oca-host")
    host.update("RACK=3", merge=True)
    host = element(oca.Host, host_id)
    assert (host.cluster, host.template.rack, host.vm_ids) == ("oca_cluster", "3", [])
    assert int(host.host_share.running_vms) == 0
    wait_until("monitored", lambda: element(oca.Host, host_id).last_mon_time > 0)
    assert pool(oca.ClusterPool).get_by_id(cluster_id).host_ids == [host_id]
    host.delete()
    pool(oca.ClusterPool).get_by_id(cluster_id).delete()


def vm_with_all() -> None:
    """Make a datastore, an image, a network, a template and a VM of them, live, and remove all again."""
    store_id = oca.Datastore.allocate(client, "NAME=oca_store\nDS_MAD=dummy\nTM_MAD=dummy\n")
    store = pool(oca.DatastorePool).get_by_id(store_id)
    assert (store.ds_mad, store.cluster_id, store.image_ids) == ("dummy", 0, [])
    image_id = client.call("image.allocate", "NAME=oca_image\nPATH=/any\nSIZE=8\n", store_id)
    wait_until("READY", lambda: element(oca.Image, image_id).state == oca.Image.READY)
    image = element(oca.Image, image_id)
    image.update("COLOUR=red")
    image.disable()
    image.enable()
    image.set_persistent()
    image.set_nonpersistent()
    network_id = oca.VirtualNetwork.allocate(
        client, "NAME=oca_net\nVN_MAD=dummy\nBRIDGE=br0\nAR=[TYPE=IP4,IP=10.4.0.1,SIZE=9]\n"
    )
    network = element(oca.VirtualNetwork, network_id)
    assert [(each.id, each.size) for each in network.address_ranges] == [(0, 9)]
    network.chown(-1, 1)
    template_id = oca.VmTemplate.allocate(
        client,
        f"NAME=oca_template\nCPU=0.1\nMEMORY=16\nDISK=[IMAGE_ID={image_id}]\nNIC=[NETWORK_ID={network_id}]\n",
    )
    template = element(oca.VmTemplate, template_id)
    template.instantiate("oca_vm")
    machine = pool(oca.VirtualMachinePool, -2).get_by_name("oca_vm")
    live(machine.id)
    template.update("CPU=2\nMEMORY=16")
    assert pool(oca.VmTemplatePool).get_by_id(template_id).template.cpu == "2"
    template.delete()
    network.delete()
    assert pool(oca.ImagePool).get_by_id(image_id).template.colour == "red"
    element(oca.Image, image_id).delete()
    wait_until("image gone", lambda: all(each.id != image_id for each in pool(oca.ImagePool, -2)))
    pool(oca.DatastorePool).get_by_id(store_id).delete()


def live(vm_id: int) -> None:
    """Take a VM through its states and let it end."""
    reach(vm_id, "RUNNING")
    machine = element(oca.VirtualMachine, vm_id)
    assert machine.template.disks[0].image == "oca_image"
    assert machine.template.nics[0].ip.startswith("10.4.0.")
    here = machine.history_records[0].hostname
    machine.update("NOTE=hello", merge=True)
    assert element(oca.VirtualMachine, vm_id).user_template.note == "hello"
    there = next(each for each in pool(oca.HostPool) if each.name != here and each.str_state == "MONITORED")
    machine.live_migrate(there.id)
    reach(vm_id, "RUNNING")
    assert element(oca.VirtualMachine, vm_id).history_records[-1].hostname == there.name
    for act, state in (("suspend", "SUSPENDED"), ("stop", "STOPPED")):
        getattr(machine, act)()
        rest(vm_id, state)
        machine.resume()
        reach(vm_id, "RUNNING")
    client.call("vm.action", "terminate-hard", vm_id)
    rest(vm_id, "DONE")
    assert all(each.id != vm_id for each in pool(oca.VirtualMachinePool, -2))
    assert pool(oca.VirtualMachinePool, -2, -1, -1, 6).get_by_id(vm_id).short_state == "done"


def rest(vm_id: int, state: str) -> None:
    """Wait until a VM is in a state in which nothing happens to it."""
    wait_until(f"VM {vm_id} {state}", lambda: element(oca.VirtualMachine, vm_id).str_state == state)


def reach(vm_id: int, state: str) -> None:
    """Wait until a VM is in a state of the life cycle."""

    def is_there() -> bool:
        machine = element(oca.VirtualMachine, vm_id)
        is_active: bool = machine.str_state == "ACTIVE" and machine.lcm_state < len(machine.LCM_STATE)
        return is_active and bool(machine.str_lcm_state == state)

    wait_until(f"VM {vm_id} {state}", is_there)


if __name__ == "__main__":
    assert Path(oca.__file__).is_relative_to(sys.prefix), oca.__file__
    users_and_groups()
    hosts_and_clusters()
    vm_with_all()
