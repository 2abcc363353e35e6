"""Groups and resources that come into VDCs and leave them, as others see it: made, and removed altogether."""

from __future__ import annotations

from typing import Final

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.transaction import Transaction
from opennebula_core.managers.vdc.rules import rules_followed
from opennebula_core.model.objects import ALL_RESOURCES, OWN_ZONE, Vdc, VdcResource
from opennebula_core.model.template import Template

DEFAULT_VDC: Final = 0
_USERS: Final = 1
_DESCRIPTION: Final = (
    "New groups come into this VDC, which is what they may use unless they are taken out of it."
)


def make_default(tx: Transaction) -> None:
    """Make the VDC of a new cloud: the group users, and all clusters."""
    vdc = Vdc(
        id=DEFAULT_VDC,
        name="default",
        template=Template((("DESCRIPTION", _DESCRIPTION),)),
        group_ids=[_USERS],
        resources=[VdcResource(ObjectKind.CLUSTER.value, OWN_ZONE, ALL_RESOURCES)],
    )
    with rules_followed(tx, vdc.group_ids):
        tx.vdcs.allocate(vdc)


def join_default(tx: Transaction, group_id: int) -> None:
    """Put a new group into the default VDC."""
    vdc = tx.vdcs.get(DEFAULT_VDC)
    with rules_followed(tx, [group_id]):
        vdc.group_ids.append(group_id)
        tx.vdcs.save(vdc)


def forget_group(tx: Transaction, group_id: int) -> None:
    """Take a group that is to be removed out of all VDCs; its rules go."""
    with rules_followed(tx, [group_id]):
        for vdc in tx.vdcs.with_group(group_id):
            vdc.group_ids.remove(group_id)
            tx.vdcs.save(vdc)


def forget_resource(tx: Transaction, kind: ObjectKind, resource_id: int) -> None:
    """Take a resource that is to be removed out of all VDCs; the rules about it go."""
    gone = VdcResource(kind.value, OWN_ZONE, resource_id)
    for vdc in tx.vdcs.with_resource(gone):
        with rules_followed(tx, vdc.group_ids):
            vdc.resources.remove(gone)
            tx.vdcs.save(vdc)
