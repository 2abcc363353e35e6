"""``onetemplate``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.application import Application, command_group, pass_application
from opennebula_core.cli.columns import date, figure, number
from opennebula_core.cli.editing import add_action, add_clone_command, add_editing_commands
from opennebula_core.cli.flags import Flag
from opennebula_core.cli.inputs import answers, declared_inputs, parse_inputs
from opennebula_core.cli.kinds import TEMPLATE
from opennebula_core.cli.listing import OWNED, Listing, add_list_command
from opennebula_core.cli.ownership import add_ownership_commands
from opennebula_core.cli.quantities import date_text
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.showing import DECRYPT, add_show_command, attributes, identity, permissions, section
from opennebula_core.cli.texts import read_text, template_of
from opennebula_core.cli.vm.contents import content_options, content_template
from opennebula_core.cli.vm.create import copies, name_of_copy, start_options
from opennebula_core.cli.words import ObjectWord
from opennebula_core.model.template import Template

template = command_group("template", "Templates: what VMs are made from.")

_EXTENDED = Flag("extended", "Complete disks and NICs by what their images and networks say.")
_DELETE_IMAGES = Flag("recursive", "Remove the images of their disks, too.")
_COPY_IMAGES = Flag("recursive", "Copy the images of its disks, too.")
COLUMNS = (
    *OWNED,
    date("REGTIME", "REGTIME"),
    number("CPU", "TEMPLATE/CPU"),
    number("MEMORY", "TEMPLATE/MEMORY"),
)  # fmt: skip
LISTING = Listing(TEMPLATE, COLUMNS, ("ID", "USER", "GROUP", "NAME", "REGTIME"))


def describe(application: Application, item: Element) -> None:
    """Print a template for people."""
    section(
        f"template {item.findtext('ID')} information",
        [*identity(item), ("REGISTER TIME", date_text(int(figure(item, "REGTIME"))))],
    )
    permissions(item)
    attributes("template contents", item.find("TEMPLATE"))


@template.command()
@click.argument("file", required=False, metavar="[FILE]")
@click.option("--name", help="Name of the template.")
@content_options
@click.option("--dry", is_flag=True, help="Print the template that would be kept, and keep nothing.")
@pass_application
def create(
    application: Application, /, file: str | None, name: str | None, dry: bool, **contents: Any
) -> None:
    """Keep a template: from a FILE (- is standard input), from options, or both."""
    described = content_template(application, contents)
    if name:
        described.set("NAME", name)
    content = template_of(file, described, "--name small --cpu 1 --memory 512M")
    if dry:
        click.echo(content.rstrip())
        return
    click.echo(f"ID: {application.client.integer('one.template.allocate', content)}")


@template.command()
@click.argument("word", metavar="TEMPLATE", type=ObjectWord(TEMPLATE))
@click.argument("file", required=False, metavar="[FILE]")
@click.option(
    "--user-inputs",
    "inputs",
    multiple=True,
    metavar="NAME=VALUE[,NAME=VALUE]...",
    help="What the template asks for in USER_INPUTS.",
)
@click.option(
    "-i", "--interactive", is_flag=True, help="Ask for what the template wants to know and is not given."
)
@click.option(
    "--persistent", is_flag=True, help="Give the VM a template and images of its own, which outlive it."
)
@content_options
@start_options
@pass_application
def instantiate(application: Application, /, word: str, file: str | None, **options: Any) -> None:
    """Make VMs from a template; options, or a FILE (- is standard input), add to it and replace."""
    template_id = Finder(application, TEMPLATE).one(word)
    extra = Template.parse(read_text(file)) if file else Template()
    extra.merge(content_template(application, options))
    _answer_inputs(application, template_id, extra, options)
    content, hold, persistent = extra.to_text(), options["hold"], options["persistent"]

    def start(index: int) -> int:
        name = name_of_copy(options["name"], index)
        return application.client.integer(
            "one.template.instantiate", template_id, name, hold, content, persistent
        )

    copies(application, start, options)


def _answer_inputs(
    application: Application, template_id: int, extra: Template, options: Mapping[str, Any]
) -> None:
    """Add the template's user inputs to what its VMs get besides; attributes that are there are answers, too.

    :raises InputError: one is missing or wrong
    """
    inputs = declared_inputs(TEMPLATE.info(application.client, template_id).find("TEMPLATE"))
    if not inputs and not options["inputs"]:
        return
    given = parse_inputs(options["inputs"])
    names = [item.name for item in inputs]
    for name in given:
        if name not in names:
            raise click.BadParameter(
                f"the template asks for no {name!r}; it asks for {', '.join(names) or 'nothing'}"
            )
    open_inputs = [item for item in inputs if item.name not in extra]
    may_ask = options["interactive"] or (sys.stdin.isatty() and not given)
    for name, value in answers(open_inputs, given, may_ask=may_ask).items():
        extra.set(name, value)


add_list_command(template, LISTING)
add_show_command(template, TEMPLATE, describe, flags=(_EXTENDED, DECRYPT))
add_clone_command(template, TEMPLATE, flags=(_COPY_IMAGES,))
add_action(
    template, TEMPLATE, "delete", "Remove templates; VMs made from them stay.", flags=(_DELETE_IMAGES,)
)
add_editing_commands(template, TEMPLATE)
add_ownership_commands(template, TEMPLATE)
