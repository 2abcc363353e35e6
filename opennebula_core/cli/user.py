"""``oneuser``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.application import Application, command_group, pass_application
from opennebula_core.cli.bulk import for_each
from opennebula_core.cli.columns import Column, number, text
from opennebula_core.cli.editing import add_action, add_editing_commands
from opennebula_core.cli.kinds import GROUP, USER
from opennebula_core.cli.listing import Listing, add_list_command
from opennebula_core.cli.quota_tables import quota_tables
from opennebula_core.cli.quotas import add_quota_commands
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.showing import add_show_command, attributes, identity, ids, section, yes_no
from opennebula_core.cli.texts import TextError
from opennebula_core.cli.usage import USAGE
from opennebula_core.cli.words import ObjectWord, several

user = command_group("user", "Users.")

F = TypeVar("F", bound=Callable[..., Any])

CALLER = "-1"
CORE_DRIVER = "core"
COLUMNS = (
    number("ID", "ID"),
    text("NAME", "NAME"),
    Column("ENAB", lambda item: yes_no(item.findtext("ENABLED")).lower(), also=("ENABLED",)),
    text("GROUP", "GNAME"),
    text("AUTH", "AUTH_DRIVER"),
    *USAGE,
)
LISTING = Listing(USER, COLUMNS, ("ID", "NAME", "ENAB", "GROUP", "AUTH", "VMS", "MEMORY", "CPU"))


def describe(application: Application, item: Element) -> None:
    """Print a user for people; the password's hash is for programs only."""
    section(
        f"user {item.findtext('ID')} information",
        [
            *identity(item),
            ("GROUPS", ids(item, "GROUPS")),
            ("AUTH_DRIVER", item.findtext("AUTH_DRIVER", "")),
            ("ENABLED", yes_no(item.findtext("ENABLED"))),
        ],
    )
    attributes("user template", item.find("TEMPLATE"))
    quota_tables(item)


def read_password(file: str | None) -> str:
    """Return a password: the first line of a file, else of standard input, else what is typed twice.

    It is no argument, because everybody on the machine sees those.

    :raises TextError: there is none
    """
    if file is not None:
        try:
            lines = Path(file).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise TextError(f"read the password in {file!r}: {error}; name another file") from None
    elif sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    else:
        lines = sys.stdin.read().splitlines()
    if not lines or not lines[0]:
        raise TextError("no password: the first line is empty; write it there")
    return lines[0]


def _refuse_password(context: click.Context, argument: click.Parameter, words: tuple[str, ...]) -> None:
    """Refuse a password among the arguments, where OpenNebula's own command takes it."""
    if words:
        raise click.UsageError(
            "a password among the arguments can be read by everybody on this machine: leave it out to be "
            "asked for it, pipe it in, or name its file with --password-file; choose another one, as this "
            "one was seen",
            context,
        )


def _password_options(function: F) -> F:
    function = click.argument(
        "password", nargs=-1, metavar="", expose_value=False, callback=_refuse_password
    )(function)  # fmt: skip
    return click.option(
        "-r", "--password-file", "--read-file", "password_file", metavar="FILE",
        help="File of the password; else standard input, else a question.",
    )(function)  # fmt: skip


@user.command()
@click.argument("name")
@_password_options
@click.option("--driver", default=CORE_DRIVER, show_default=True, help="How the user is authenticated.")
@click.option("-g", "--group", "groups", multiple=True, type=ObjectWord(GROUP), help="Groups, primary first.")
@pass_application
def create(
    application: Application, name: str, password_file: str | None, driver: str, groups: tuple[str, ...]
) -> None:
    """Make a user."""
    finder = Finder(application, GROUP)
    group_ids = [finder.one(part) for word in groups for part in word.split(",")]
    password = read_password(password_file)
    click.echo(f"ID: {application.client.integer('one.user.allocate', name, password, driver, group_ids)}")


@user.command()
@click.argument("word", metavar="[USER]", type=ObjectWord(USER), required=False)
@_password_options
@pass_application
def passwd(application: Application, word: str | None, password_file: str | None) -> None:
    """Change a password, your own if no user is named."""
    if word is None:
        user_id = int(USER.info(application.client, int(CALLER)).findtext("ID", CALLER))
    else:
        user_id = Finder(application, USER).one(word)
    application.client.call("one.user.passwd", user_id, read_password(password_file))


def _add_membership(command: str, summary: str) -> None:
    @user.command(command, help=summary)
    @click.argument("words", metavar=several(USER), type=ObjectWord(USER))
    @click.argument("group", metavar="GROUP", type=ObjectWord(GROUP))
    @pass_application
    def change(application: Application, words: str, group: str) -> None:
        group_id, client = Finder(application, GROUP).one(group), application.client
        method = f"one.user.{command}"
        for_each(application, USER, (words,), lambda user_id: client.call(method, user_id, group_id))


_add_membership("chgrp", "Change the primary group of users.")
_add_membership("addgroup", "Add users to a group.")
_add_membership("delgroup", "Take users out of a group.")
add_list_command(user, LISTING)
add_show_command(user, USER, describe, default=CALLER)
add_action(user, USER, "enable", "Let users call.", True)
add_action(user, USER, "disable", "Refuse users.", False, method="enable")
add_action(user, USER, "delete", "Remove users.")
add_editing_commands(user, USER, can_rename=False)
add_quota_commands(user, USER)
