"""Capacity and configuration of VMs that are there."""

from __future__ import annotations

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.contents import Mebibytes
from opennebula_core.cli.editing import APPEND, REPLACE
from opennebula_core.cli.kinds import VM
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.texts import edited, is_piped, read_text
from opennebula_core.cli.vm.devices import change_vms
from opennebula_core.cli.waiting import wait_options
from opennebula_core.cli.words import ObjectWord, several
from opennebula_core.client import Client
from opennebula_core.model.template import Template

SECTIONS = ("OS", "CPU_MODEL", "FEATURES", "INPUT", "GRAPHICS", "VIDEO", "RAW", "TPM", "CONTEXT")
_CORE_OWNED = {"OS": ("UUID",), "GRAPHICS": ("PORT",), "CONTEXT": ("DISK_ID", "TARGET")}


@click.command()
@click.argument("words", metavar=several(VM), type=ObjectWord(VM))
@click.option("--cpu", type=click.FloatRange(min=0, min_open=True), help="Cores, such as 0.5.")
@click.option("--vcpu", type=click.IntRange(min=1), help="Cores that the guest sees.")
@click.option("--memory", type=Mebibytes(), help="Memory, such as 512M or 2G.")
@click.option(
    "--enforce/--no-enforce", default=True, show_default=True, help="Refuse what the host has no room for."
)
@wait_options
@pass_application
def resize(
    application: Application,
    words: str,
    cpu: float | None,
    vcpu: int | None,
    memory: int | None,
    enforce: bool,
    wait: bool,
    timeout: float,
) -> None:
    """Give VMs another capacity; those that run need MEMORY_MAX and VCPU_MAX for it."""
    wanted = Template()
    for name, value in (("CPU", cpu), ("VCPU", vcpu), ("MEMORY", memory)):
        if value is not None:
            wanted.set(name, f"{value:g}" if name == "CPU" else str(value))
    if not wanted:
        raise click.UsageError("say what changes: --cpu, --vcpu or --memory")
    text = wanted.to_text()
    change_vms(application, (words,), "one.vm.resize", text, enforce, wait=wait, timeout=timeout)


@click.command()
@click.argument("word", metavar="VM", type=ObjectWord(VM))
@click.argument("file", required=False, metavar="[FILE]")
@click.option("-a", "--append", is_flag=True, help="Change single attributes, do not replace all sections.")
@wait_options
@pass_application
def updateconf(
    application: Application, word: str, file: str | None, append: bool, wait: bool, timeout: float
) -> None:
    """Change OS, CONTEXT, GRAPHICS and the like: from FILE, standard input (-), or in $EDITOR."""
    vm_id = Finder(application, VM).one(word)
    if file is not None or is_piped():
        text: str | None = read_text(file)
    else:
        text = edited(_present(application.client, vm_id))
    if text is None:
        click.echo("Nothing was changed.", err=True)
        return
    how = APPEND if append else REPLACE
    change_vms(application, (str(vm_id),), "one.vm.updateconf", text, how, wait=wait, timeout=timeout)


def _present(client: Client, vm_id: int) -> str:
    """Return the sections as users write them, without what the core has put there."""
    element = client.element("one.vm.info", vm_id).find("TEMPLATE")
    template = Template.from_element(element) if element is not None else Template()
    shown = Template((name, value) for name, value in template if name in SECTIONS)
    for name, owned in _CORE_OWNED.items():
        for vector in shown.vectors(name):
            for key in owned:
                vector.pop(key, None)
    return shown.to_text() + "\n"
