"""The parts of a VM that changes are about: found, numbered, held against the VM's host."""

from __future__ import annotations

from opennebula_core.errors import ActionError
from opennebula_core.model.objects import Vm
from opennebula_core.model.template import Template, Vector


def only_vector(given: Template, name: str, vm_id: int) -> Vector:
    """Return the one vector of that name that a client's template has.

    :raises ActionError: it has none, or several
    """
    vectors = given.vectors(name)
    if len(vectors) != 1:
        raise ActionError(
            f"The template has {len(vectors)} attributes {name}; give one {name}=[...] at a time", vm_id
        )
    return vectors[0]


def vector_with(vm: Vm, name: str, key: str, number: int) -> Vector | None:
    """Return the VM's disk or NIC of that number, None when it has none."""
    for vector in vm.template.vectors(name):
        if vector.get(key) == str(number):
            return vector
    return None


def disk_of(vm: Vm, disk_id: int) -> Vector:
    """Return the VM's disk of that number.

    :raises ActionError: it has none
    """
    disk = vector_with(vm, "DISK", "DISK_ID", disk_id)
    if disk is None:
        raise ActionError(f"Disk with ID {disk_id} does not exist in VM {vm.id}", vm.id)
    return disk


def free_id(vm: Vm, key: str, *names: str) -> int:
    """Return the number for one more disk or NIC: behind all that there are."""
    numbers = (int(vector.get(key, "-1")) for name in names for vector in vm.template.vectors(name))
    return max(numbers, default=-1) + 1


def check_cluster(vm: Vm, vector: Vector, what: str) -> None:
    """Check that the host of a VM is where a disk's datastore, or a NIC's network, can be used.

    :param what: for the message
    :raises ActionError: it is not
    """
    record = vm.last_record
    if record is None or record.etime or "CLUSTER_ID" not in vector:
        return
    if str(record.cluster_id) not in vector["CLUSTER_ID"].split(","):
        raise ActionError(
            f"The {what} cannot be used in cluster {record.cluster_id} of host {record.hostname!r}, "
            f"where VM {vm.id} is; add it to that cluster",
            vm.id,
        )
