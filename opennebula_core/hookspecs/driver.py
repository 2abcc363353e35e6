"""Hooks around the actions of drivers. They run in ``oned``, never in a driver's process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opennebula_core.contracts.plan import PlanStep
from opennebula_core.hookspecs import spec


@spec
def opennebula_before_driver_action(kind: str, name: str, action: str, object_id: int) -> None:
    """Called before each request to a driver, outside transactions; sent again after a crash, called again.

    The result is ignored. An exception refuses the action, which then fails with its message as if the driver
    had said so; no further plugin is asked. Do no I/O here: the core waits. Since 0.1.

    :param kind: the kind of driver, such as ``vmm``
    :param name: the driver, such as ``kvm``
    :param action: a word of the driver protocol, such as ``DEPLOY``
    :param object_id: the VM, image, datastore or host that it is about, -1 for none
    """


@spec
def opennebula_driver_action_done(
    kind: str, name: str, action: str, object_id: int, success: bool, info: str
) -> None:
    """Called after each request to a driver, as soon as it was answered or given up, outside transactions.

    What follows from it for the object is committed after that. The result is ignored. An exception is logged
    with the plugin's name and changes nothing. Since 0.1.

    :param kind: the kind of driver, such as ``vmm``
    :param name: the driver, such as ``kvm``
    :param action: a word of the driver protocol, such as ``DEPLOY``
    :param object_id: the VM, image, datastore or host that it was about, -1 for none
    :param success: whether the driver answered SUCCESS; a time-out or a driver that died is none
    :param info: what the driver answered, or why there is no answer
    """


@spec
def opennebula_contribute_host_attributes(
    host_id: int, hostname: str, attributes: Mapping[str, str]
) -> Mapping[str, str] | None:
    """Called for each report about a host's system, before it is stored, outside transactions.

    The result is merged into the host's attributes, for requirements and ranks to use; of two plugins that
    give one name the one called last wins, None adds nothing. An exception is logged with the plugin's name,
    and that plugin adds nothing. Do no I/O here: the core waits. Since 0.1.

    :param host_id: the host
    :param hostname: its name
    :param attributes: what its monitoring reported, names in upper case
    """


@spec
def opennebula_change_deployment(vm_id: int, driver: str, description: str) -> str | None:
    """Called before each deployment, outside transactions, with the text that the VMM plugin has written.

    A text that is returned takes its place, and the plugins called later see that one; None leaves it as it
    is. An exception refuses the deployment: the VM goes to BOOT_FAILURE with its message, and no further
    plugin is asked. Do no I/O here: the core waits. Since 0.1.

    :param vm_id: the VM
    :param driver: the VMM driver, such as ``kvm``
    :param description: such as a libvirt domain, in XML
    """


@spec
def opennebula_add_plan_steps(
    operation: str, vm_id: int, steps: Sequence[PlanStep]
) -> Sequence[PlanStep] | None:
    """Called once for each operation on a VM, when its plan is made, inside its transaction.

    Nothing has been sent yet. The steps that are returned are added at the places that they name (``before``,
    ``after``); None adds none. A plan that was stored is never changed: after a restart the hook is not
    called again. An exception refuses the operation with its message; no further plugin is asked. Do no I/O
    here; a plugin that takes over 5 ms is named in a warning. Since 0.1.

    :param operation: what is to be done, such as ``deploy``
    :param vm_id: the VM
    :param steps: the plan as the core makes it, in order, without what other plugins add
    """
