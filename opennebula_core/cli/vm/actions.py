"""Actions that need nothing but the VMs: terminate, poweroff, suspend, resume ..."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.bulk import for_each
from opennebula_core.cli.kinds import VM
from opennebula_core.cli.vm.scheduling import schedule_on, schedule_options, scheduled_template
from opennebula_core.cli.vm.waiting import DONE, RUNNING, wait_for_vms
from opennebula_core.cli.waiting import wait_options
from opennebula_core.cli.words import ObjectWord, several
from opennebula_core.model.states import VmState


@dataclass(frozen=True, slots=True)
class Action:
    """An action of ``one.vm.action``.

    :param goals: the states that it leads to; none for one that changes no state
    :param can_be_scheduled: whether the core carries it out later, too
    :param can_be_hard: whether ``--hard`` makes it ``NAME-hard``
    """

    name: str
    summary: str
    goals: tuple[str, ...] = ()
    can_be_hard: bool = False
    hard: str = ""
    can_be_scheduled: bool = True


ACTIONS = (
    Action("terminate", "End VMs for good; their disks go.", (DONE,), True, "Do not ask the guest."),
    Action(
        "poweroff",
        "Shut VMs down; their disks stay on the host.",
        (VmState.POWEROFF.name,),
        True,
        "Do not ask the guest.",
    ),
    Action(
        "undeploy",
        "Shut VMs down and bring their disks to the front-end.",
        (VmState.UNDEPLOYED.name,),
        True,
        "Do not ask the guest.",
    ),
    Action("suspend", "Save VMs on their host.", (VmState.SUSPENDED.name,)),
    Action("stop", "Save VMs and bring all of them to the front-end.", (VmState.STOPPED.name,)),
    Action("resume", "Start VMs again that sleep or are off.", (RUNNING,)),
    Action("hold", "Keep pending VMs from being scheduled.", (VmState.HOLD.name,)),
    Action("release", "Let held VMs be scheduled.", (RUNNING,)),
    Action("reboot", "Restart the guests.", (), True, "Reset them, without asking."),
    Action("resched", "Have the scheduler move VMs.", can_be_scheduled=False),
    Action("unresched", "Have the scheduler leave VMs where they are.", can_be_scheduled=False),
)


def add_action_commands(group: click.Group) -> None:
    """Add a command for each action."""
    for action in ACTIONS:
        group.add_command(_command(action))


def _command(action: Action) -> click.Command:
    @pass_application
    def act(
        application: Application,
        /,
        words: tuple[str, ...],
        hard: bool = False,
        wait: bool = False,
        timeout: float = 0,
        **schedule: Any,
    ) -> None:
        name = f"{action.name}-hard" if hard else action.name
        client = application.client
        if text := scheduled_template(name, "", schedule):
            schedule_on(application, words, text)
            return
        done = for_each(application, VM, words, lambda vm_id: client.call("one.vm.action", name, vm_id))
        if wait and done:
            wait_for_vms(application.client, done, action.goals, timeout)

    function = click.argument(
        "words", nargs=-1, required=True, metavar=several(VM), type=ObjectWord(VM)
    )(act)  # fmt: skip
    if action.goals:
        function = wait_options(function)
    if action.can_be_scheduled:
        function = schedule_options(function)
    if action.can_be_hard:
        function = click.option("--hard", is_flag=True, help=action.hard)(function)
    return click.command(action.name, help=action.summary)(function)
