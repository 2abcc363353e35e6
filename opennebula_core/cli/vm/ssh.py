"""``onevm ssh``."""

from __future__ import annotations

import ipaddress
import os
import shlex
import shutil
from typing import Final
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.kinds import VM
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.words import ObjectWord
from opennebula_core.errors import OpenNebulaError

DEFAULT_LOGIN: Final = "root"
_ADDRESSES: Final = ("EXTERNAL_IP", "IP", "IP6_GLOBAL", "IP6_ULA", "IP6")


class NoAddressError(OpenNebulaError):
    """A VM cannot be reached by ssh: it has no address, or there is no ssh here."""


@click.command()
@click.argument("word", metavar="VM", type=ObjectWord(VM))
@click.argument("login", required=False, default=DEFAULT_LOGIN, metavar="[LOGIN]")
@click.option("--cmd", default="", help="Command to run there, instead of a shell.")
@click.option("--nic-id", type=click.IntRange(min=0), help="NIC whose address is used; the first without it.")
@click.option("--ssh-options", default="", help="Options for ssh, such as '-o StrictHostKeyChecking=no'.")
@pass_application
def ssh(
    application: Application, word: str, login: str, cmd: str, nic_id: int | None, ssh_options: str
) -> None:
    """Log in to a VM with ssh: as LOGIN (root), at the address of its first NIC."""
    document = VM.info(application.client, Finder(application, VM).one(word))
    address = address_of(document, nic_id)
    program = shutil.which("ssh")
    if program is None:
        raise NoAddressError("run ssh: it is not installed here; install OpenSSH's client")
    # Nothing behind -- is an option to ssh, whatever the login looks like.
    arguments = ["ssh", *shlex.split(ssh_options), "--", f"{login}@{address}", *([cmd] if cmd else [])]
    application.client.close()
    os.execv(program, arguments)


def address_of(document: Element, nic_id: int | None) -> str:
    """Return the address at which a VM is reached.

    :param nic_id: the NIC that is meant; the first with an address when None
    :raises NoAddressError: there is none
    """
    for nic in document.iterfind("TEMPLATE/NIC"):
        if nic_id is not None and nic.findtext("NIC_ID") != str(nic_id):
            continue
        for name in _ADDRESSES:
            text = nic.findtext(name)
            if text and _is_address(text):
                return text
    where = "no NIC with an address" if nic_id is None else f"no address on NIC {nic_id}"
    raise NoAddressError(
        f"ssh to VM {document.findtext('ID')}: it has {where}; see its NICs with 'onevm show'"
    )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
