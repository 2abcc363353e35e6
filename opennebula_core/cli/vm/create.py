"""``onevm create``."""

from __future__ import annotations

from typing import Any

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.texts import TextError, read_text
from opennebula_core.cli.vm.contents import content_options, content_template
from opennebula_core.cli.vm.waiting import RUNNING, wait_for_vms, wait_options
from opennebula_core.model.states import VmState
from opennebula_core.model.template import Template

INDEX = "%i"


@click.command()
@click.argument("file", required=False, metavar="[FILE]")
@click.option("--name", help=f"Name of the VM; {INDEX} in it becomes the number of the copy.")
@click.option("--hold", is_flag=True, help="Keep it from being scheduled.")
@click.option("-m", "--multiple", type=click.IntRange(min=1), default=1, help="How many VMs.")
@content_options
@wait_options
@pass_application
def create(
    application: Application,
    /,
    file: str | None,
    name: str | None,
    hold: bool,
    multiple: int,
    wait: bool,
    timeout: float,
    **contents: Any,
) -> None:
    """Make VMs: from a template FILE (- is standard input), from options, or from both.

    Options take the place of what the file says.
    """
    text = vm_text(file, content_template(application, contents), name)
    ids = []
    for index in range(multiple):
        copy = text.replace(INDEX, str(index)) if name and INDEX in name else text
        vm_id = application.client.integer("one.vm.allocate", copy, hold)
        ids.append(vm_id)
        click.echo(f"ID: {vm_id}")
    if wait:
        wait_for_vms(application, ids, (VmState.HOLD.name if hold else RUNNING,), timeout)


def vm_text(file: str | None, options: Template, name: str | None) -> str:
    """Return the text of the template that a file and options describe.

    :raises TextError: there is neither a file nor an option
    """
    if name:
        options.set("NAME", name)
    if file is None and options:
        return options.to_text()
    try:
        text = read_text(file)
    except TextError as error:
        raise TextError(f"{error}; or describe the VM with options such as --cpu 1 --memory 512M") from None
    if not options:
        return text
    template = Template.parse(text)
    template.merge(options)
    return template.to_text()
