"""A libvirt domain for the test guest, for tests of libvirt itself: the cloud's drivers write their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

DOMAIN = """<domain type={type}>
  <name>{name}</name>
  <memory unit='MiB'>{memory_mib}</memory>
  <vcpu>{cpus}</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>
  <features><acpi/><apic/></features>
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type={format} discard='unmap'/>
      <source file={disk}/><target dev='vda' bus='virtio'/>
    </disk>
{devices}    <serial type='pty'>
      <log file={log} append='on'/>
      <target port='0'/>
    </serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <graphics type='vnc' port='-1' autoport='yes' listen='0.0.0.0'/>
    <memballoon model='virtio'/>
  </devices>
</domain>
"""

CD = """    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <source file={path}/><target dev='hda' bus='ide'/><readonly/>
    </disk>
"""

NIC = """    <interface type='bridge'>
      <source bridge={bridge}/><mac address={mac}/><model type='virtio'/>
    </interface>
"""


@dataclass(frozen=True, slots=True)
class GuestDomain:
    """What a test guest is to have.

    :param accelerator: ``kvm`` or ``tcg``, as the lab found out
    :param context: path of its context CD on the host, empty for none
    :param nics: ``MAC`` or ``MAC@BRIDGE``; the bridge is ``br0`` unless named
    """

    name: str
    disk: str
    accelerator: str
    context: str = ""
    nics: Sequence[str] = ()
    memory_mib: int = 128
    cpus: int = 1
    format: str = "qcow2"


def domain_xml(domain: GuestDomain) -> str:
    """Return the description for ``virsh create``."""
    devices = [CD.format(path=quoteattr(domain.context))] if domain.context else []
    for nic in domain.nics:
        mac, _, bridge = nic.partition("@")
        devices.append(NIC.format(mac=quoteattr(mac), bridge=quoteattr(bridge or "br0")))
    return DOMAIN.format(
        type=quoteattr("kvm" if domain.accelerator == "kvm" else "qemu"),
        name=escape(domain.name),
        memory_mib=domain.memory_mib,
        cpus=domain.cpus,
        format=quoteattr(domain.format),
        disk=quoteattr(domain.disk),
        log=quoteattr(f"/var/log/libvirt/{domain.name}.serial"),
        devices="".join(devices),
    )
