"""All changes: what becomes of each, and the use cases that begin them."""

from __future__ import annotations

from typing import Final

from opennebula_core.managers.core import Core
from opennebula_core.managers.image.work import ImageWork
from opennebula_core.managers.vm.changes.capacity import RESIZE, CapacityChanges, Resized
from opennebula_core.managers.vm.changes.change import Changes
from opennebula_core.managers.vm.changes.configuration import UPDATECONF, ConfigurationChanges, Reconfigured
from opennebula_core.managers.vm.changes.disk_sizes import DISK_RESIZE, DiskResized, DiskSizes
from opennebula_core.managers.vm.changes.disk_snapshots import (
    SNAP_CREATE,
    SNAP_DELETE,
    SNAP_REVERT,
    DiskSnapshotChanges,
    DiskSnapshotCreated,
    DiskSnapshotDeleted,
    DiskSnapshotReverted,
)
from opennebula_core.managers.vm.changes.disks import (
    DISK_ATTACH,
    DISK_DETACH,
    DiskAttached,
    DiskChanges,
    DiskDetached,
)
from opennebula_core.managers.vm.changes.methods import VmChanges
from opennebula_core.managers.vm.changes.nics import (
    NIC_ATTACH,
    NIC_DETACH,
    NicAttached,
    NicChanges,
    NicDetached,
)
from opennebula_core.managers.vm.changes.save_as import DISK_SAVEAS, DiskSaved, DiskSaves
from opennebula_core.managers.vm.changes.snapshots import (
    CREATE,
    DELETE,
    REVERT,
    SnapshotChanges,
    SnapshotCreated,
    SnapshotDeleted,
    SnapshotReverted,
)
from opennebula_core.managers.vm.effects import VmEffects
from opennebula_core.managers.vm.plans import VmPlans

CHANGES: Final[Changes] = {
    DISK_ATTACH: DiskAttached(),
    DISK_DETACH: DiskDetached(),
    NIC_ATTACH: NicAttached(),
    NIC_DETACH: NicDetached(),
    RESIZE: Resized(),
    UPDATECONF: Reconfigured(),
    DISK_RESIZE: DiskResized(),
    DISK_SAVEAS: DiskSaved(),
    SNAP_CREATE: DiskSnapshotCreated(),
    SNAP_REVERT: DiskSnapshotReverted(),
    SNAP_DELETE: DiskSnapshotDeleted(),
    CREATE: SnapshotCreated(),
    REVERT: SnapshotReverted(),
    DELETE: SnapshotDeleted(),
}


def vm_changes(core: Core, plans: VmPlans) -> VmChanges:
    """Return the use cases."""
    work = ImageWork(core, VmEffects(core.vm_log, core.monitoring))
    return VmChanges(
        disks=DiskChanges(core, plans),
        nics=NicChanges(core, plans),
        capacity=CapacityChanges(core, plans),
        configuration=ConfigurationChanges(core, plans),
        disk_sizes=DiskSizes(core, plans),
        disk_snapshots=DiskSnapshotChanges(core, plans),
        disk_saves=DiskSaves(core, plans, work),
        snapshots=SnapshotChanges(plans, core.config.vm.snapshots),
    )
