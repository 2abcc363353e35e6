"""Runs VMs on KVM and QEMU through libvirt."""
