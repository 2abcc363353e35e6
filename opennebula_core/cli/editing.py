"""Commands that change or remove an object of any kind: update, rename, delete."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.bulk import for_each
from opennebula_core.cli.flags import Flag, flag_options
from opennebula_core.cli.kinds import Kind
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.texts import TextError, edited, is_piped, read_text
from opennebula_core.cli.words import ObjectWord, several
from opennebula_core.model.template import Template

REPLACE, APPEND = 0, 1


def add_editing_commands(
    group: click.Group, kind: Kind, *, template: str = "TEMPLATE", can_rename: bool = True
) -> None:
    """Add ``update`` and ``rename`` to a group.

    :param template: the element that ``update`` changes
    """
    _add_update(group, kind, template)
    if can_rename:
        _add_rename(group, kind)


def _add_update(group: click.Group, kind: Kind, template: str) -> None:
    @group.command("update")
    @click.argument("word", metavar=kind.word, type=ObjectWord(kind))
    @click.argument("file", required=False, metavar="[FILE]")
    @click.option("-a", "--append", is_flag=True, help="Merge into what is there, do not replace it.")
    @pass_application
    def update(application: Application, word: str, file: str | None, append: bool) -> None:
        """Change the attributes: from FILE, from standard input (-), or in $EDITOR."""
        object_id = Finder(application, kind).one(word)
        if file is not None or is_piped():
            given = read_text(file)
            if file is None and not given.strip():
                raise TextError(
                    f"update {kind.title} {word!r}: standard input is empty; name a file, or - to mean that"
                )
            text: str | None = given
        else:
            text = edited(_present(kind.info(application.client, object_id), template))
        if text is None:
            click.echo("Nothing was changed.", err=True)
            return
        application.client.call(f"{kind.prefix}.update", object_id, text, APPEND if append else REPLACE)


def _present(document: Element, template: str) -> str:
    found = document.find(template)
    return Template.from_element(found).to_text() + "\n" if found is not None else ""


def _add_rename(group: click.Group, kind: Kind) -> None:
    @group.command("rename", help=f"Give a {kind.title} another name.")
    @click.argument("word", metavar=kind.word, type=ObjectWord(kind))
    @click.argument("name", metavar="NAME")
    @pass_application
    def rename(application: Application, word: str, name: str) -> None:
        object_id = Finder(application, kind).one(word)
        application.client.call(f"{kind.prefix}.rename", object_id, name)


def add_clone_command(group: click.Group, kind: Kind, flags: Sequence[Flag] = ()) -> None:
    """Add ``clone`` to a group.

    :param flags: what the method takes behind the name
    """

    @group.command("clone", help=f"Copy a {kind.title}.")
    @click.argument("word", metavar=kind.word, type=ObjectWord(kind))
    @click.argument("name", metavar="NAME")
    @flag_options(flags)
    @pass_application
    def clone(application: Application, /, word: str, name: str, **given: bool) -> None:
        object_id = Finder(application, kind).one(word)
        further = [given[flag.name] for flag in flags]
        click.echo(f"ID: {application.client.integer(f'{kind.prefix}.clone', object_id, name, *further)}")


def add_action(
    group: click.Group,
    kind: Kind,
    name: str,
    summary: str,
    *further: object,
    method: str = "",
    flags: Sequence[Flag] = (),
) -> None:
    """Add a command that calls one method for each object that is named.

    :param further: parameters behind the object's id
    :param method: its last word, where that is not the command's name
    :param flags: parameters that options give, behind the others
    """

    @group.command(name, help=summary)
    @click.argument("words", nargs=-1, required=True, metavar=several(kind), type=ObjectWord(kind))
    @flag_options(flags)
    @pass_application
    def act(application: Application, /, words: tuple[str, ...], **given: bool) -> None:
        full_name, client = f"{kind.prefix}.{method or name}", application.client
        parameters = (*further, *(given[flag.name] for flag in flags))
        for_each(application, kind, words, lambda item: client.call(full_name, item, *parameters))
