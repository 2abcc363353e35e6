"""Device names of disks."""

from __future__ import annotations

import pytest

from opennebula_core.errors import InternalError
from opennebula_core.managers.vm.targets import check_targets
from opennebula_core.model.objects import Vm
from opennebula_core.model.template import Template


def vm(text: str) -> Vm:
    return Vm(0, "one", template=Template.parse(text))


@pytest.mark.parametrize(
    "text",
    ["", "DISK=[TARGET=vda]\nDISK=[TARGET=xvdaa]\nDISK=[SIZE=1]\nCONTEXT=[TARGET=hda]", "DISK=[TARGET=sda1]"],
)
def test_names_of_devices_that_differ_are_fine(text: str) -> None:
    check_targets(vm(text))


@pytest.mark.parametrize(
    "target", ["a", "VDA", "../vda", "vda\n", "vda vdb", "vd'/><x", "1", "abcdefghi", "vda123"]
)
def test_what_no_device_is_called_is_refused(target: str) -> None:
    machine = vm("CPU=1")
    machine.template.add("DISK", {"DISK_ID": "3", "TARGET": target})
    with pytest.raises(InternalError, match=r"of DISK 3 is no device name; use one such as vda"):
        check_targets(machine)


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(InternalError, match=r"^DISK 1 and CONTEXT 2 have the same TARGET vdb; leave"):
        check_targets(
            vm("DISK=[DISK_ID=0,TARGET=vda]\nDISK=[DISK_ID=1,TARGET=vdb]\nCONTEXT=[DISK_ID=2,TARGET=vdb]")
        )
