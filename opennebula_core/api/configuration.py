"""What ``one.system.config`` shows, in the words of OpenNebula's ``oned.conf``. Nothing in it is secret."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from opennebula_core.config import Config
from opennebula_core.model.template import Template, Vector
from opennebula_core.model.vlans import VLAN_IDS, VXLAN_IDS

_DRIVER_WORDS: Final = {
    "auth": "AUTH_MAD_CONF",
    "datastore": "DS_MAD_CONF",
    "im": "IM_MAD",
    "tm": "TM_MAD_CONF",
    "vmm": "VM_MAD",
    "vnm": "VN_MAD_CONF",
}
"""By kind of driver, the attribute in which clients look for the names that they offer to people."""

_DRIVER_DEFAULTS: Final[Mapping[str, Mapping[str, str]]] = {
    "datastore": {"PERSISTENT_ONLY": "NO", "REQUIRED_ATTRS": ""},
    "tm": {"CLONE_TARGET": "SYSTEM", "LN_TARGET": "SYSTEM", "SHARED": "NO"},
}
"""What a new datastore gets that does not say otherwise."""

_ADMIN_OPERATIONS: Final = "deploy, migrate, recover, resched, retry"
_MANAGE_OPERATIONS: Final = (
    "disk-attach, disk-detach, hold, nic-attach, nic-detach, poweroff, reboot, release, resume, stop, "
    "suspend, terminate, undeploy"
)


def shown_configuration(config: Config, offered: Mapping[str, Iterable[str]] | None = None) -> Template:
    """Return the settings that clients and schedulers read.

    :param offered: by kind of driver, the names that are installed; what is configured joins them
    """
    shown = Template()
    shown.set("FEDERATION", Vector({"MODE": "STANDALONE", "ZONE_ID": "0", "SERVER_ID": "-1"}))
    other_bits = config.users.enable_other_permissions
    shown.set("ENABLE_OTHER_PERMISSIONS", "YES" if other_bits else "NO")
    shown.set("VM_ADMIN_OPERATIONS", _ADMIN_OPERATIONS)
    shown.set("VM_MANAGE_OPERATIONS", _MANAGE_OPERATIONS)
    shown.set("VM_USE_OPERATIONS", "")
    shown.set("API_LIST_ORDER", "DESC")
    prices = {"CPU_COST": config.showback.cpu_cost, "MEMORY_COST": config.showback.memory_cost,
              "DISK_COST": config.showback.disk_cost}  # fmt: skip
    shown.set("DEFAULT_COST", Vector({name: f"{price:g}" for name, price in prices.items()}))
    shown.set("DATASTORE_LOCATION", config.datastores.path)
    shown.set("DEFAULT_DEVICE_PREFIX", config.images.device_prefix)
    shown.set("DEFAULT_UMASK", config.users.umask)
    shown.set("LISTEN_ADDRESS", config.api.listen)
    shown.set("MAC_PREFIX", config.networks.mac_prefix)
    shown.set("PORT", str(config.api.port))
    shown.set("SCHED_POLICY", config.scheduler.policy)
    shown.set("SESSION_EXPIRATION_TIME", str(config.api.session_s))
    shown.set("VM_SUBMIT_ON_HOLD", "YES" if config.vm.submit_on_hold else "NO")
    shown.set("VNC_PORTS", Vector({"START": str(config.vm.vnc_port_start)}))
    shown.set("VLAN_IDS", Vector({"START": str(VLAN_IDS.start), "RESERVED": "0, 1, 4095"}))
    shown.set("VXLAN_IDS", Vector({"START": str(VXLAN_IDS.start)}))
    for name in config.vm.restricted_attributes:
        shown.add("VM_RESTRICTED_ATTR", name)
    for name in config.images.restricted_attributes:
        shown.add("IMAGE_RESTRICTED_ATTR", name)
    for name in config.networks.restricted_attributes:
        shown.add("VNET_RESTRICTED_ATTR", name)
    for kind, word in _DRIVER_WORDS.items():
        names = {*(offered or {}).get(kind, ()), *config.drivers.get(kind, {})}
        for name in sorted(names):
            shown.add(word, Vector({"NAME": name, **_DRIVER_DEFAULTS.get(kind, {})}))
    return shown
