"""What ``one.system.config`` shows, in the words of OpenNebula's ``oned.conf``. Nothing in it is secret."""

from __future__ import annotations

from opennebula_core.config import Config
from opennebula_core.model.template import Template, Vector


def shown_configuration(config: Config) -> Template:
    """Return the settings that clients and schedulers read."""
    shown = Template()
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
    for name in config.vm.restricted_attributes:
        shown.add("VM_RESTRICTED_ATTR", name)
    for name in config.images.restricted_attributes:
        shown.add("IMAGE_RESTRICTED_ATTR", name)
    for name in config.networks.restricted_attributes:
        shown.add("VNET_RESTRICTED_ATTR", name)
    for kind in sorted(config.drivers):
        for name in sorted(config.drivers[kind]):
            shown.add(f"{kind.upper()}_MAD", Vector({"NAME": name}))
    return shown
