"""Writes libvirt domains from VM templates: pure functions, no host is asked.

The shapes are OpenNebula 6.10's, so that its scripts can read what is written here.
"""

from opennebula_vmm_kvm.domain_xml.describe import describe, sources_of
from opennebula_vmm_kvm.domain_xml.disks import disk_lines
from opennebula_vmm_kvm.domain_xml.nics import nic_lines

__all__ = ["describe", "disk_lines", "nic_lines", "sources_of"]
