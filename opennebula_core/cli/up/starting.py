"""``one up``."""

from __future__ import annotations

import shutil
import socket
import sys
import time
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.kinds import IMAGE, VM
from opennebula_core.cli.lifecycle import start_cloud
from opennebula_core.cli.listing import View, print_listing
from opennebula_core.cli.messages import report
from opennebula_core.cli.states import vm_state
from opennebula_core.cli.up import bridge, libvirt, machine
from opennebula_core.cli.up.objects import DUMMY, IMAGE_NAME, KVM, TEMPLATE_NAME, VM_NAME, Founder, Wire
from opennebula_core.cli.up.programs import MachineError
from opennebula_core.cli.up.record import Record
from opennebula_core.cli.vm.columns import LISTING
from opennebula_core.cli.vm.waiting import RUNNING, wait_for_vms
from opennebula_core.client import Client
from opennebula_core.client.environment import read_session
from opennebula_core.config.location import Location
from opennebula_core.model.states import LcmState, VmState

RUN_LIMIT_S: Final = 300.0
NOTICE_LIMIT_S: Final = 90.0
"""How long monitoring may take to see that a guest is gone, as after a restart of the machine."""
ANSWER_LIMIT_S: Final = 240.0
"""A guest whose processor is emulated boots in some seconds, in minutes where many do so at once."""
GUEST_PORT: Final = 80
CONNECT_LIMIT_S: Final = 2.0
POLL_S: Final = 0.3
RECREATE: Final = 4
DUMMY_BRIDGE: Final = "onebr-up0"
_SLEEPING: Final = frozenset(
    state.name for state in (VmState.POWEROFF, VmState.SUSPENDED, VmState.STOPPED, VmState.UNDEPLOYED)
) | {LcmState.UNKNOWN.name}


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the API, for a new ONE_LOCATION.")
def up(port: int | None) -> None:
    """Start a cloud on this machine with a first VM; what is there already stays as it is.

    As root on Debian the VM is a real one: QEMU and libvirt are installed, and a small guest image is built.
    """
    location = Location.from_environment()
    config = start_cloud(location, port)
    with Client(
        config.endpoint, read_session(location.auth_file), server_certificate=config.server_certificate
    ) as client:
        arrival = Arrival(location, client)
        arrival.prepare()
        item = arrival.first_vm()
        click.echo(f"The cloud answers at {config.endpoint}; its files are in {location}.")
        print_listing(LISTING, VM.list(client), View())
    is_there = arrival.is_real and vm_state(item) == RUNNING
    _tell_what_next(item.findtext("TEMPLATE/NIC/IP", "") if is_there else "")


class Arrival:
    """The way to a first VM on this machine.

    :ivar is_real: whether guests run under QEMU here, not under the dummy hypervisor
    """

    def __init__(self, location: Location, client: Client) -> None:
        self.is_real = False
        self._location = location
        self._client = client
        self._founder = Founder(client)
        self._record = Record.load(location)
        self._image: Path | None = None
        self._wire = Wire(DUMMY_BRIDGE, None)

    def prepare(self) -> None:
        """Get the machine ready, or say in one line why the dummy hypervisor has to do.

        :raises MachineError: the machine is a real host of this cloud, and cannot be got ready any more
        """
        driver = self._founder.driver_of_this_machine()
        reason = "this machine is registered with it" if driver == DUMMY else machine.why_not()
        try:
            if not reason:
                self._prepare_machine(is_new=not driver)
                self.is_real = True
                return
        except MachineError as error:
            reason = str(error)
            if driver == KVM:
                raise MachineError(
                    f"have real guests here again: {reason}; correct that, or remove the host"
                ) from error
            machine.leave(self._location, self._record)
        click.echo(f"No real guests here, the dummy hypervisor is used: {reason}.")

    def _prepare_machine(self, *, is_new: bool) -> None:
        machine.prepare(self._location, self._record)
        if is_new:
            _refuse_strangers()
        if self._founder.find(IMAGE, IMAGE_NAME) is None:
            self._image = machine.guest_image()
        wire = self._founder.wire() or Wire(bridge.free_name(), bridge.free_range())
        if wire.addresses is not None:
            bridge.ensure(self._location, self._record, wire.bridge, wire.addresses)
        self._wire = wire

    def first_vm(self) -> Element:
        """Return the document of the first VM, running, made with all that it needs where that is missing."""
        founder = self._founder
        name = founder.host(KVM if self.is_real else DUMMY)
        if self.is_real:
            self._record.host = name
            self._record.save(self._location)
        image_id = founder.image(self._image) if self.is_real else None
        vm_id, is_new = founder.vm(founder.template(founder.network(self._wire), image_id))
        if not is_new:
            self._wake(vm_id)
        wait_for_vms(self._client, [vm_id], (RUNNING,), RUN_LIMIT_S)
        item = VM.info(self._client, vm_id)
        if self.is_real:
            self._record.vm_id = vm_id
            self._record.save(self._location)
            _wait_for_answer(item)
        return item

    def _wake(self, vm_id: int) -> None:
        """Have a VM that was there go on, whatever has happened to it."""
        item = VM.info(self._client, vm_id)
        if self.is_real and vm_state(item) == RUNNING and item.findtext("DEPLOY_ID") not in libvirt.guests():
            item = self._wait_until_missed(vm_id)
        state = vm_state(item)
        if state in _SLEEPING:
            self._client.call("one.vm.action", "resume", vm_id)
        elif state == VmState.HOLD.name:
            self._client.call("one.vm.action", "release", vm_id)
        elif state.endswith("_FAILURE"):
            self._client.call("one.vm.recover", vm_id, RECREATE)

    def _wait_until_missed(self, vm_id: int) -> Element:
        """Wait until monitoring sees that a guest is gone."""
        deadline = time.monotonic() + NOTICE_LIMIT_S
        while True:
            item = VM.info(self._client, vm_id)
            if vm_state(item) != RUNNING or time.monotonic() > deadline:
                return item
            time.sleep(POLL_S)


def _refuse_strangers() -> None:
    """Refuse to share libvirt with another cloud: both would call their guests ``one-0``."""
    strangers = libvirt.guests()
    if strangers:
        raise MachineError(f"guests of another cloud run on this machine ({', '.join(strangers[:5])})")


def _wait_for_answer(item: Element) -> None:
    address = item.findtext("TEMPLATE/NIC/IP", "")
    if vm_state(item) != RUNNING or not address:
        return
    click.echo(f"VM {item.findtext('ID')}: waiting for the guest to answer at {address} ...", err=True)
    deadline = time.monotonic() + ANSWER_LIMIT_S
    while not _accepts(address):
        if time.monotonic() > deadline:
            report(f"guest at {address}: no answer after {ANSWER_LIMIT_S:g} s; see 'onevm log {VM_NAME}'")
            return
        time.sleep(POLL_S)


def _accepts(address: str) -> bool:
    try:
        with socket.create_connection((address, GUEST_PORT), timeout=CONNECT_LIMIT_S):
            return True
    except OSError:
        return False


def _tell_what_next(address: str) -> None:
    """Print the next three commands, as they can be typed here."""
    own = Path(sys.executable).parent
    found = shutil.which("onevm")
    prefix = "" if found and Path(found).parent == own else f"{_relative(own)}/"
    click.echo("\nNext:")
    click.echo(f"  {prefix}onevm show {VM_NAME}")
    if address:
        click.echo(f"  curl http://{address}/cgi-bin/status")
    else:
        click.echo(f"  {prefix}onevm log {VM_NAME}")
    click.echo(f"  {prefix}onetemplate instantiate {TEMPLATE_NAME} --name second --wait")


def _relative(folder: Path) -> Path:
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder
