"""The built-in managers, in the order in which they register; through the same hook as any plugin's."""

from __future__ import annotations

from opennebula_core.managers.access.manager import AccessManager
from opennebula_core.managers.accounting.manager import AccountingManager
from opennebula_core.managers.cluster.manager import ClusterManager
from opennebula_core.managers.datastore.manager import DatastoreManager
from opennebula_core.managers.hook.manager import EventHookManager
from opennebula_core.managers.host.manager import HostManager
from opennebula_core.managers.image.manager import ImageManager
from opennebula_core.managers.network.manager import NetworkManager
from opennebula_core.managers.network_template.manager import NetworkTemplateManager
from opennebula_core.managers.rebalancing.manager import RebalancingManager
from opennebula_core.managers.schedule.manager import ScheduleManager
from opennebula_core.managers.secgroup.manager import SecurityGroupManager
from opennebula_core.managers.template.manager import TemplateManager
from opennebula_core.managers.vdc.manager import VdcManager
from opennebula_core.managers.vm.manager import VmManager
from opennebula_core.managers.vm_group.manager import VmGroupManager
from opennebula_core.managers.zone.manager import ZoneManager


def builtin_managers() -> tuple[tuple[str, object], ...]:
    """Return name and object of each."""
    return (
        ("vm", VmManager()),
        ("vm_group", VmGroupManager()),
        ("schedule", ScheduleManager()),
        ("hook", EventHookManager()),
        ("host", HostManager()),
        ("image", ImageManager()),
        ("datastore", DatastoreManager()),
        ("network", NetworkManager()),
        ("network_template", NetworkTemplateManager()),
        ("secgroup", SecurityGroupManager()),
        ("template", TemplateManager()),
        ("cluster", ClusterManager()),
        ("rebalancing", RebalancingManager()),
        ("access", AccessManager()),
        ("vdc", VdcManager()),
        ("zone", ZoneManager()),
        ("accounting", AccountingManager()),
    )
