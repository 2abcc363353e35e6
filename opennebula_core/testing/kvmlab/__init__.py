"""Several virtualisation hosts on one machine, made of namespaces, for tests against real guests.

Each host has its own root, network, sshd and libvirtd; all are plugged into one switch, beside a place
``fe`` for the front-end. No interface, route, mount or process is made outside the lab's namespaces.
Needs root, Debian's packages (``python -m opennebula_core.testing.kvmlab install``) and neither systemd nor
kernel modules nor ``/dev/kvm``.
"""

from __future__ import annotations

from opennebula_core.testing.kvmlab.command import LabError
from opennebula_core.testing.kvmlab.lab import Lab
from opennebula_core.testing.kvmlab.settings import LabSettings

__all__ = ["Lab", "LabError", "LabSettings"]
