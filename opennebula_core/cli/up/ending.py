"""``one down``."""

from __future__ import annotations

import time
from typing import Final
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.kinds import VM
from opennebula_core.cli.lifecycle import start_cloud
from opennebula_core.cli.messages import message_of, report
from opennebula_core.cli.processes import DAEMON, SCHEDULER, end
from opennebula_core.cli.states import vm_state
from opennebula_core.cli.up import libvirt, machine
from opennebula_core.cli.up.programs import MachineError
from opennebula_core.cli.up.record import Record
from opennebula_core.cli.vm.columns import hostname
from opennebula_core.client import Client
from opennebula_core.client.environment import read_session
from opennebula_core.config.location import Location
from opennebula_core.config.pid_file import running_pid
from opennebula_core.errors import RequestError
from opennebula_core.model.states import LcmState, VmState

END_LIMIT_S: Final = 90.0
POLL_S: Final = 0.2
_STEADY: Final = (LcmState.RUNNING.name, LcmState.UNKNOWN.name)
_RESTING: Final = frozenset(state.name for state in VmState if state is not VmState.ACTIVE)


@click.command()
def down() -> None:
    """End the cloud of this machine and all that `one up` started, guests included.

    The first VM is terminated. Others that run on this machine are powered off; their disks stay, and the
    command says how they are started again.
    """
    location = Location.from_environment()
    record = Record.load(location)
    is_clear = _end_guests(location, record)
    was_running = [end(location, program) for program in (SCHEDULER, DAEMON)]
    if is_clear:
        machine.leave(location, record)
        Record.remove(location)
        click.echo("The cloud is down." if any(was_running) or record.host else "Nothing was running.")


def _end_guests(location: Location, record: Record) -> bool:
    """End the guests on this machine through the cloud, so that it knows; return whether none is left."""
    if not record.host:
        return True
    try:
        libvirt.start(location, record)
        if not running_pid(location, DAEMON) and not libvirt.guests():
            return True
        # Without the scheduler, which would fill the room again.
        end(location, SCHEDULER)
        config = start_cloud(location, with_scheduler=False)
        with Client(
            config.endpoint, read_session(location.auth_file), server_certificate=config.server_certificate
        ) as client:
            Ending(client, record).run()
    except MachineError as error:
        report(str(error))
        return False
    return True


class Ending:
    """Ends the VMs that have a guest on this machine."""

    def __init__(self, client: Client, record: Record) -> None:
        self._client = client
        self._record = record
        self._told: dict[int, str] = {}
        self._powered_off: list[int] = []

    def run(self) -> None:
        """End them, wait until none has a guest, and say how those that were not the first come back.

        :raises MachineError: one still has in the end; its guest is left alone
        """
        deadline = time.monotonic() + END_LIMIT_S
        while waiting := self._with_guests():
            for item in waiting:
                self._tell(item)
            if time.monotonic() > deadline:
                names = ", ".join(f"{item.findtext('ID')} ({vm_state(item)})" for item in waiting)
                raise MachineError(
                    f"end the VMs of this machine: after {END_LIMIT_S:g} s there are {names}; "
                    f"see 'onevm log', use 'onevm recover', then repeat this"
                )
            time.sleep(POLL_S)
        if self._powered_off:
            ids = ",".join(map(str, self._powered_off))
            click.echo(f"Powered off: {ids}. After the next 'one up' start them with: onevm resume {ids}")

    def _with_guests(self) -> list[Element]:
        here = [
            item
            for item in VM.list(self._client).findall(VM.element)
            if vm_state(item) not in _RESTING and hostname(item) == self._record.host
        ]
        return [item for item in here if not self._is_left(item)]

    def _is_left(self, item: Element) -> bool:
        """Return whether a VM is left as it is: a failed one has no guest, but disks that may be wanted."""
        vm_id, state = int(item.findtext("ID", "-1")), vm_state(item)
        if vm_id == self._record.vm_id or not state.endswith("_FAILURE"):
            return False
        if self._told.get(vm_id) != state:
            self._told[vm_id] = state
            click.echo(
                f"VM {vm_id} ({item.findtext('NAME')}) is {state} and stays so; "
                f"after the next 'one up' see 'onevm recover'."
            )
        return True

    def _tell(self, item: Element) -> None:
        """Give a VM the next order on its way out, once for each state that it comes to."""
        vm_id, state = int(item.findtext("ID", "-1")), vm_state(item)
        if self._told.get(vm_id) == state:
            return
        self._told[vm_id] = state
        try:
            if vm_id == self._record.vm_id and state in _STEADY:
                click.echo(f"Terminating VM {vm_id} ({item.findtext('NAME')}).")
                self._client.call("one.vm.action", "terminate-hard", vm_id)
            elif state in _STEADY:
                click.echo(f"Powering off VM {vm_id} ({item.findtext('NAME')}); its disks stay.")
                self._client.call("one.vm.action", "poweroff-hard", vm_id)
                self._powered_off.append(vm_id)
            elif state.endswith("_FAILURE"):
                self._client.call("one.vm.action", "terminate-hard", vm_id)
        except RequestError as error:
            report(f"end VM {vm_id}: {message_of(error)}")
