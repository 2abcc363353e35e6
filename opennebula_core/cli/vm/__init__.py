"""``onevm``."""

from __future__ import annotations

from opennebula_core.cli.application import command_group
from opennebula_core.cli.editing import add_editing_commands
from opennebula_core.cli.kinds import VM
from opennebula_core.cli.monitoring import add_monitoring_command
from opennebula_core.cli.ownership import add_ownership_commands
from opennebula_core.cli.showing import add_show_command
from opennebula_core.cli.top import add_top_command
from opennebula_core.cli.vm.actions import add_action_commands
from opennebula_core.cli.vm.columns import TOP
from opennebula_core.cli.vm.configuration import resize, updateconf
from opennebula_core.cli.vm.create import create
from opennebula_core.cli.vm.devices import add_device_commands
from opennebula_core.cli.vm.disk_snapshots import add_disk_snapshot_commands
from opennebula_core.cli.vm.groups import vmgroup_add, vmgroup_del
from opennebula_core.cli.vm.listing import list_vms
from opennebula_core.cli.vm.log import log
from opennebula_core.cli.vm.placement import deploy, migrate, recover
from opennebula_core.cli.vm.scheduling import sched_delete, sched_update
from opennebula_core.cli.vm.show import describe, describe_all
from opennebula_core.cli.vm.snapshots import add_snapshot_commands
from opennebula_core.cli.vm.ssh import ssh

vm = command_group("vm", "Virtual machines.")
vm.add_command(list_vms)
add_show_command(vm, VM, describe, describe_all=describe_all)
vm.add_command(create)
add_action_commands(vm)
for command in (deploy, migrate, recover, sched_update, sched_delete):
    vm.add_command(command)
add_device_commands(vm)
add_snapshot_commands(vm)
add_disk_snapshot_commands(vm)
for command in (resize, updateconf, vmgroup_add, vmgroup_del):
    vm.add_command(command)
add_editing_commands(vm, VM, template="USER_TEMPLATE")
add_ownership_commands(vm, VM)
add_top_command(vm, TOP)
add_monitoring_command(vm, VM, ("CPU", "MEMORY", "NETRX", "NETTX", "DISKRDBYTES", "DISKWRBYTES"))
vm.add_command(log)
vm.add_command(ssh)
