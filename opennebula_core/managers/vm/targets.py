"""Device names of a VM's disks: each is one that a guest can have, and no two have the same."""

from __future__ import annotations

import re
from typing import Final

from opennebula_core.errors import InternalError
from opennebula_core.model.objects import Vm

_DEVICE: Final = re.compile(r"[a-z]{3,8}[0-9]{0,2}")


def check_targets(vm: Vm) -> None:
    """Check the TARGET of all disks, the context CD's among them.

    :raises InternalError: one is no name of a device, or two are the same
    """
    taken: dict[str, str] = {}
    for name in ("DISK", "CONTEXT"):
        for device in vm.template.vectors(name):
            target, words = device.get("TARGET", ""), f"{name} {device.get('DISK_ID', '')}".rstrip()
            if target and not _DEVICE.fullmatch(target):
                raise InternalError(
                    f"TARGET {target[:40]!r} of {words} is no device name; use one such as vda, or none."
                )
            if target in taken:
                raise InternalError(
                    f"{taken[target]} and {words} have the same TARGET {target}; leave it out in one of them."
                )
            if target:
                taken[target] = words
