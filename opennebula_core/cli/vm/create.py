"""``onevm create``, and what it shares with ``onetemplate instantiate``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.texts import template_of
from opennebula_core.cli.vm.contents import content_options, content_template
from opennebula_core.cli.vm.waiting import RUNNING, wait_for_vms
from opennebula_core.cli.waiting import wait_options
from opennebula_core.model.states import VmState
from opennebula_core.model.template import Template

INDEX = "%i"

F = TypeVar("F", bound=Callable[..., Any])


def start_options(function: F) -> F:
    """Add the options that :func:`copies` takes."""
    for option in (
        wait_options,
        click.option("-m", "--multiple", type=click.IntRange(min=1), default=1, help="How many VMs."),
        click.option("--hold", is_flag=True, help="Keep them from being scheduled."),
        click.option("--name", help=f"Name of the VM; {INDEX} in it becomes the number of the copy, from 0."),
    ):
        function = option(function)
    return function


@click.command()
@click.argument("file", required=False, metavar="[FILE]")
@content_options
@start_options
@click.option("--dry", is_flag=True, help="Print the template that would be used, and make nothing.")
@pass_application
def create(application: Application, /, file: str | None, **options: Any) -> None:
    """Make VMs: from a template FILE (- is standard input), from options, or from both.

    Options take the place of what the file says.
    """
    described = content_template(application, options)
    if options["name"]:
        described.set("NAME", options["name"])
    text = template_of(file, described, "--name web --cpu 1 --memory 512M")
    if options["dry"]:
        click.echo(text.rstrip())
        return

    def start(index: int) -> int:
        return application.client.integer(
            "one.vm.allocate", _text_of_copy(text, options, index), options["hold"]
        )

    copies(application, start, options)


def _text_of_copy(text: str, options: Mapping[str, Any], index: int) -> str:
    name = name_of_copy(options["name"], index)
    if name == (options["name"] or ""):
        return text
    template = Template.parse(text)
    template.set("NAME", name)
    return template.to_text()


def name_of_copy(name: str | None, index: int) -> str:
    """Return the name of one of several VMs; empty for one that the cloud shall name."""
    return (name or "").replace(INDEX, str(index))


def copies(application: Application, start: Callable[[int], int], options: Mapping[str, Any]) -> None:
    """Make as many VMs as the options say, print their ids, and wait for them if that is wanted.

    :param start: makes one, given its number, and returns its id
    """
    ids = []
    for index in range(options["multiple"]):
        ids.append(start(index))
        click.echo(f"ID: {ids[-1]}")
    if options["wait"]:
        goal = VmState.HOLD.name if options["hold"] else RUNNING
        wait_for_vms(application.client, ids, (goal,), options["timeout"])
