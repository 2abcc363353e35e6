"""States, types and actions of the cloud's objects, with OpenNebula's numbers (they are on the wire).

Numbers that OpenNebula reserves and never uses are left out; no value may be invented, because clients index
lists by them. ``short`` is the word of the command line's tables.
"""

from __future__ import annotations

from enum import IntEnum

_VM_SHORT = {
    "PENDING": "pend",
    "STOPPED": "stop",
    "SUSPENDED": "susp",
    "POWEROFF": "poff",
    "UNDEPLOYED": "unde",
}
_VM_SHORT |= {"CLONING": "clon", "CLONING_FAILURE": "fail", "ACTIVE": "actv"}

# The longest matching beginning of an LCM state's name decides its word.
_LCM_SHORT = {
    "LCM_INIT": "init",
    "PROLOG": "prol",
    "PROLOG_MIGRATE": "migr",
    "BOOT": "boot",
    "RUNNING": "runn",
    "MIGRATE": "migr",
    "SAVE": "save",
    "EPILOG": "epil",
    "SHUTDOWN": "shut",
    "CLEANUP": "clea",
    "UNKNOWN": "unkn",
    "HOTPLUG": "hotp",
    "HOTPLUG_SNAPSHOT": "snap",
    "DISK_SNAPSHOT": "snap",
    "DISK_RESIZE": "drsz",
    "BACKUP": "back",
    "RESTORE": "rest",
}


def _lcm_short(name: str) -> str:
    if name.endswith("_FAILURE"):
        return "fail"
    return _LCM_SHORT[max((start for start in _LCM_SHORT if name.startswith(start)), key=len)]


class VmState(IntEnum):
    """STATE of a VM: what users see. In ACTIVE, :class:`LcmState` says more."""

    INIT = 0
    PENDING = 1
    HOLD = 2
    ACTIVE = 3
    STOPPED = 4
    SUSPENDED = 5
    DONE = 6
    POWEROFF = 8
    UNDEPLOYED = 9
    CLONING = 10
    CLONING_FAILURE = 11

    @property
    def short(self) -> str:
        """The word of ``onevm list``."""
        return _VM_SHORT.get(self.name, self.name.lower())


class LcmState(IntEnum):
    """LCM_STATE of a VM: what an ACTIVE one is waiting for; LCM_INIT in every other state."""

    LCM_INIT = 0
    PROLOG = 1
    BOOT = 2
    RUNNING = 3
    MIGRATE = 4
    SAVE_STOP = 5
    SAVE_SUSPEND = 6
    SAVE_MIGRATE = 7
    PROLOG_MIGRATE = 8
    PROLOG_RESUME = 9
    EPILOG_STOP = 10
    EPILOG = 11
    SHUTDOWN = 12
    CLEANUP_RESUBMIT = 15
    UNKNOWN = 16
    HOTPLUG = 17
    SHUTDOWN_POWEROFF = 18
    BOOT_UNKNOWN = 19
    BOOT_POWEROFF = 20
    BOOT_SUSPENDED = 21
    BOOT_STOPPED = 22
    CLEANUP_DELETE = 23
    HOTPLUG_SNAPSHOT = 24
    HOTPLUG_NIC = 25
    HOTPLUG_SAVEAS = 26
    HOTPLUG_SAVEAS_POWEROFF = 27
    HOTPLUG_SAVEAS_SUSPENDED = 28
    SHUTDOWN_UNDEPLOY = 29
    EPILOG_UNDEPLOY = 30
    PROLOG_UNDEPLOY = 31
    BOOT_UNDEPLOY = 32
    HOTPLUG_PROLOG_POWEROFF = 33
    HOTPLUG_EPILOG_POWEROFF = 34
    BOOT_MIGRATE = 35
    BOOT_FAILURE = 36
    BOOT_MIGRATE_FAILURE = 37
    PROLOG_MIGRATE_FAILURE = 38
    PROLOG_FAILURE = 39
    EPILOG_FAILURE = 40
    EPILOG_STOP_FAILURE = 41
    EPILOG_UNDEPLOY_FAILURE = 42
    PROLOG_MIGRATE_POWEROFF = 43
    PROLOG_MIGRATE_POWEROFF_FAILURE = 44
    PROLOG_MIGRATE_SUSPEND = 45
    PROLOG_MIGRATE_SUSPEND_FAILURE = 46
    BOOT_UNDEPLOY_FAILURE = 47
    BOOT_STOPPED_FAILURE = 48
    PROLOG_RESUME_FAILURE = 49
    PROLOG_UNDEPLOY_FAILURE = 50
    DISK_SNAPSHOT_POWEROFF = 51
    DISK_SNAPSHOT_REVERT_POWEROFF = 52
    DISK_SNAPSHOT_DELETE_POWEROFF = 53
    DISK_SNAPSHOT_SUSPENDED = 54
    DISK_SNAPSHOT_DELETE_SUSPENDED = 56
    DISK_SNAPSHOT = 57
    DISK_SNAPSHOT_DELETE = 59
    PROLOG_MIGRATE_UNKNOWN = 60
    PROLOG_MIGRATE_UNKNOWN_FAILURE = 61
    DISK_RESIZE = 62
    DISK_RESIZE_POWEROFF = 63
    DISK_RESIZE_UNDEPLOYED = 64
    HOTPLUG_NIC_POWEROFF = 65
    HOTPLUG_RESIZE = 66
    HOTPLUG_SAVEAS_UNDEPLOYED = 67
    HOTPLUG_SAVEAS_STOPPED = 68
    BACKUP = 69
    BACKUP_POWEROFF = 70
    RESTORE = 71

    @property
    def short(self) -> str:
        """The word of ``onevm list`` for an ACTIVE VM."""
        return _lcm_short(self.name)

    @property
    def is_failure(self) -> bool:
        """Whether a step failed here and the VM waits for recover."""
        return self.name.endswith("_FAILURE")


class HostState(IntEnum):
    """STATE of a host."""

    INIT = 0
    MONITORED = 2
    ERROR = 3
    DISABLED = 4
    OFFLINE = 8

    @property
    def short(self) -> str:
        """The word of ``onehost list``."""
        return {0: "init", 2: "on", 3: "err", 4: "dsbl", 8: "off"}[self.value]


class ImageState(IntEnum):
    """STATE of an image."""

    INIT = 0
    READY = 1
    USED = 2
    DISABLED = 3
    LOCKED = 4
    ERROR = 5
    CLONE = 6
    DELETE = 7
    USED_PERS = 8
    LOCKED_USED = 9
    LOCKED_USED_PERS = 10

    @property
    def short(self) -> str:
        """The word of ``oneimage list``."""
        words = ("init", "rdy", "used", "disa", "lock", "err", "clon", "dele", "used", "lock", "lock")
        return words[self.value]


class ImageType(IntEnum):
    """TYPE of an image; ``one.image.chtype`` takes the name."""

    OS = 0
    CDROM = 1
    DATABLOCK = 2
    KERNEL = 3
    RAMDISK = 4
    CONTEXT = 5
    BACKUP = 6
    FILESYSTEM = 7

    @property
    def short(self) -> str:
        """The word of ``oneimage list``."""
        return ("OS", "CD", "DB", "KL", "RD", "CX", "BK", "FS")[self.value]


class DiskType(IntEnum):
    """DISK_TYPE of an image or datastore: how a disk is presented to the hypervisor."""

    FILE = 0
    CD_ROM = 1
    BLOCK = 2
    RBD = 3
    RBD_CDROM = 4
    GLUSTER = 5
    GLUSTER_CDROM = 6
    SHEEPDOG = 7
    SHEEPDOG_CDROM = 8
    ISCSI = 9
    FILE_SYSTEM = 10
    NONE = 255


class DatastoreType(IntEnum):
    """TYPE of a datastore."""

    IMAGE_DS = 0
    SYSTEM_DS = 1
    FILE_DS = 2
    BACKUP_DS = 3

    @property
    def short(self) -> str:
        """The word of ``onedatastore list``."""
        return ("img", "sys", "fil", "bck")[self.value]


class DatastoreState(IntEnum):
    """STATE of a datastore; only system datastores may be disabled."""

    READY = 0
    DISABLED = 1

    @property
    def short(self) -> str:
        """The word of ``onedatastore list``."""
        return ("on", "off")[self.value]


class NetworkState(IntEnum):
    """STATE of a virtual network."""

    INIT = 0
    READY = 1
    LOCK_CREATE = 2
    LOCK_DELETE = 3
    DONE = 4
    ERROR = 5
    UPDATE_FAILURE = 6

    @property
    def short(self) -> str:
        """The word of ``onevnet list``."""
        return ("init", "rdy", "lock", "lock", "done", "err", "fail")[self.value]


class GroupStanding(IntEnum):
    """How far a VM is with the rules of one of its security groups: which of the group's lists has it."""

    UPDATED = 0
    OUTDATED = 1
    UPDATING = 2
    ERROR = 3


class HistoryAction(IntEnum):
    """ACTION of a history record: what ended, or last touched, a stay on a host."""

    NONE = 0
    MIGRATE = 1
    LIVE_MIGRATE = 2
    UNDEPLOY = 5
    UNDEPLOY_HARD = 6
    HOLD = 7
    RELEASE = 8
    STOP = 9
    SUSPEND = 10
    RESUME = 11
    DELETE = 13
    DELETE_RECREATE = 14
    REBOOT = 15
    REBOOT_HARD = 16
    RESCHED = 17
    UNRESCHED = 18
    POWEROFF = 19
    POWEROFF_HARD = 20
    DISK_ATTACH = 21
    DISK_DETACH = 22
    NIC_ATTACH = 23
    NIC_DETACH = 24
    DISK_SNAPSHOT_CREATE = 25
    DISK_SNAPSHOT_DELETE = 26
    TERMINATE = 27
    TERMINATE_HARD = 28
    DISK_RESIZE = 29
    DEPLOY = 30
    CHOWN = 31
    CHMOD = 32
    UPDATECONF = 33
    RENAME = 34
    RESIZE = 35
    UPDATE = 36
    SNAPSHOT_CREATE = 37
    SNAPSHOT_DELETE = 38
    SNAPSHOT_REVERT = 39
    DISK_SAVEAS = 40
    DISK_SNAPSHOT_REVERT = 41
    RECOVER = 42
    RETRY = 43
    MONITOR = 44
    DISK_SNAPSHOT_RENAME = 45
    ALIAS_ATTACH = 46
    ALIAS_DETACH = 47
    POWEROFF_MIGRATE = 48
    POWEROFF_HARD_MIGRATE = 49
    BACKUP = 50
    NIC_UPDATE = 51
    BACKUP_CANCEL = 52
    SCHED_ADD = 53
    SCHED_UPDATE = 54
    SCHED_DELETE = 55
    SG_ATTACH = 56
    SG_DETACH = 57
    PCI_ATTACH = 58
    PCI_DETACH = 59
    RESTORE = 60

    @property
    def short(self) -> str:
        """The word of ``onevm show``, such as ``live-migrate``."""
        return self.name.lower().replace("_", "-")
