"""Commands of OpenNebula 6.10 that are not there, and what to do without them.

Source: the commands that OpenNebula 6.10's command line has.
"""

from __future__ import annotations

from typing import Final

_NO_BACKUPS: Final = "the core makes no backups of VMs; save their disks with 'onevm disk-saveas'"
_NO_CHARTERS: Final = "name the actions when the VM is made: SCHED_ACTION in its template"
_NO_FEDERATION: Final = "this cloud is a zone by itself, and zones cannot be joined"
_PCI: Final = "PCI devices are given to a VM in its template, before it runs"

_REASONS: Final[dict[tuple[str, str], str]] = {
    ("vm", "backup"): _NO_BACKUPS,
    ("vm", "backup-cancel"): _NO_BACKUPS,
    ("vm", "restore"): _NO_BACKUPS,
    ("vm", "create-chart"): _NO_CHARTERS,
    ("vm", "update-chart"): "change scheduled actions with 'onevm sched-update'",
    ("vm", "delete-chart"): "remove scheduled actions with 'onevm sched-delete'",
    ("vm", "vnc"): "GRAPHICS in 'onevm show --all' has host and port: give them to a VNC viewer",
    ("vm", "port-forward"): "reach guests at their addresses, or through 'onevm ssh'",
    ("vm", "pci-attach"): _PCI,
    ("vm", "pci-detach"): _PCI,
    (
        "vm",
        "nic-update",
    ): "detach the NIC and attach it as it shall be",
    ("vm", "sg-attach"): "name security groups when the NIC is attached, or in the network",
    ("vm", "sg-detach"): "name security groups when the NIC is attached, or in the network",
    ("vm", "save"): "save each disk with 'onevm disk-saveas', then make a template of the images",
    ("host", "sync"): "hosts keep no files of ours: drivers bring along what they run there",
    ("host", "forceupdate"): "hosts are asked all the time; 'onehost disable' and 'enable' begin anew",
    ("host", "importvm"): "guests that the cloud did not start cannot be taken over",
    ("image", "dockerfile"): "build the image by other means, then 'oneimage create --path FILE'",
    ("image", "restore"): _NO_BACKUPS,
    ("vnet", "free"): "release single addresses with 'onevnet release'; delete a reservation's network",
    ("vnet", "recover"): "networks need no recovery: nothing is made for them on hosts",
    ("user", "encode"): "sessions are text, user:password: write them to the file that ONE_AUTH names",
    ("user", "umask"): "new objects are their owner's alone; let others use them with 'chmod'",
    ("zone", "create"): _NO_FEDERATION,
    ("zone", "delete"): _NO_FEDERATION,
    ("zone", "rename"): _NO_FEDERATION,
    ("zone", "update"): _NO_FEDERATION,
    ("zone", "enable"): _NO_FEDERATION,
    ("zone", "disable"): _NO_FEDERATION,
    ("zone", "set"): "name another cloud in ONE_XMLRPC",
    ("zone", "server-add"): _NO_FEDERATION,
    ("zone", "server-del"): _NO_FEDERATION,
    ("zone", "server-reset"): _NO_FEDERATION,
    ("zone", "serversync"): _NO_FEDERATION,
}


def why_absent(group: str, command: str) -> str:
    """Return why a group has no such command, and what to do; empty for what OpenNebula has not either."""
    return _REASONS.get((group, command), "")
