"""Runs VMs on KVM and QEMU through libvirt."""

from opennebula_vmm_kvm.driver import KvmDriver, QemuDriver

__all__ = ["KvmDriver", "QemuDriver"]
