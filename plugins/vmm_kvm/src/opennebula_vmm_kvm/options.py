"""What an administrator may set for the driver, and the values of a guest that no template gives."""

from __future__ import annotations

from opennebula_core.contracts.driver import Option
from opennebula_core.errors import ConfigError, TemplateError
from opennebula_core.model.template import Template
from opennebula_core.remote import REMOTE_OPTIONS

SHIPPED_DEFAULTS = """
MEMORY_SLOTS = 16
Q35_ROOT_PORTS = 16
OS = [ ARCH = "x86_64" ]
FEATURES = [ PAE = "no", ACPI = "yes", APIC = "no", HYPERV = "no", GUEST_AGENT = "yes",
             VIRTIO_SCSI_QUEUES = "auto", IOTHREADS = "0" ]
DISK = [ DRIVER = "raw", CACHE = "none", DISCARD = "unmap" ]
NIC = [ MODEL = "virtio" ]
HYPERV_OPTIONS = "<relaxed state='on'/><vapic state='on'/><spinlocks state='on' retries='4096'/>"
HYPERV_TIMERS = "<timer name='hypervclock' present='yes'/>"
SPICE_OPTIONS = "<video><model type='qxl' heads='1'/></video><sound model='ich6'/>\
<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>\
<redirdev bus='usb' type='spicevmc'/>"
OVMF_UEFIS = "/usr/share/OVMF/OVMF_CODE.fd /usr/share/OVMF/OVMF_CODE.secboot.fd \
/usr/share/AAVMF/AAVMF_CODE.fd"
TRUSTED_FOLDERS = ""
"""
"""Source: the driver file of OpenNebula 6.10, but no EMULATOR: libvirt knows where QEMU is."""

OPTIONS = (
    *REMOTE_OPTIONS,
    Option("libvirt_uri", str, "qemu:///system", "The libvirt that runs the guests, as seen on a host."),
    Option(
        "acceleration",
        str,
        "auto",
        "kvm: always; qemu: never, guests are emulated; auto: KVM on hosts where it truly runs guests.",
    ),
    Option(
        "defaults", str, "", "Values that templates do not give, as in vmm_exec_kvm.conf; they win over ours."
    ),
    Option("shutdown_timeout_s", int, 180, "Seconds that a guest has for powering off."),
    Option("detach_timeout_s", int, 30, "Seconds that a guest has for letting go of a disk or NIC."),
    Option(
        "command_timeout_s", int, 120, "Seconds that one call of virsh may take, starting a guest included."
    ),
    Option(
        "memory_timeout_s", int, 14400, "Seconds for saving, restoring or moving a guest's memory and disks."
    ),
    Option(
        "shared_storage", bool, False, "Whether hosts share the VMs' folders: then no disk is copied live."
    ),
    Option(
        "migration_uri",
        str,
        "qemu+ssh://{host}/system",
        "How one host reaches the libvirt of another, where {host} stands for its name.",
    ),
    Option("migration_flags", str, "", "More options of virsh migrate, such as --auto-converge."),
)


def merged_defaults(text: str) -> Template:
    """Return the shipped defaults with the attributes of ``text`` put over them, one by one.

    :raises ConfigError: the text is no template
    """
    defaults = Template.parse(SHIPPED_DEFAULTS)
    try:
        configured = Template.parse(text)
    except TemplateError as error:
        raise ConfigError(f"option 'defaults' of the vmm driver: {error}; see vmm_exec_kvm.conf") from error
    for name in configured.names():
        shipped = defaults.vector(name)
        vectors = configured.vectors(name)
        if shipped is not None and len(vectors) == 1:
            shipped.update(vectors[0])
            continue
        defaults.remove(name)
        for text_value in configured.values(name):
            defaults.add(name, text_value)
        for vector in vectors:
            defaults.add(name, vector)
    return defaults
