"""A template as an instantiation of it would find disks and NICs.

Source: extended one.template.info of OpenNebula 6.10.
"""

from __future__ import annotations

from opennebula_core.contracts.method import ObjectKind, Right, Session
from opennebula_core.db.transaction import Snapshot
from opennebula_core.errors import RequestError
from opennebula_core.managers.rights import require_on
from opennebula_core.managers.vm.disks import describe_disk, find_image
from opennebula_core.managers.vm.nics import describe_network, find_network
from opennebula_core.model.template import Template, Vector


def extended(tx: Snapshot, session: Session, template: Template, device_prefix: str) -> Template:
    """Return a copy in which disks say all of their images, and NICs of their networks, but for addresses.

    What does not exist, or may not be used by the caller, stays as it is written.
    """
    shown = template.copy()
    for disk in shown.vectors("DISK"):
        if "IMAGE_ID" in disk or "IMAGE" in disk:
            _show_image(tx, session, disk, device_prefix)
    for nic in shown.vectors("NIC"):
        if "NETWORK_ID" in nic or "NETWORK" in nic:
            _show_network(tx, session, nic)
    return shown


def _show_image(tx: Snapshot, session: Session, disk: Vector, device_prefix: str) -> None:
    try:
        image = find_image(tx, session.user_id, disk)
        require_on(tx, session, ObjectKind.IMAGE, Right.USE, image)
        datastore = tx.datastores.get(image.datastore_id)
    except RequestError:
        return
    describe_disk(disk, image, datastore, device_prefix)


def _show_network(tx: Snapshot, session: Session, nic: Vector) -> None:
    try:
        network = find_network(tx, session, nic)
        require_on(tx, session, ObjectKind.NET, Right.USE, network)
    except RequestError:
        return
    describe_network(nic, network, Vector())
