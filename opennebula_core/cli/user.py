"""``oneuser``."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.application import Application, command_group, pass_application
from opennebula_core.cli.bulk import for_each
from opennebula_core.cli.columns import Column, number, text
from opennebula_core.cli.editing import add_action, add_editing_commands
from opennebula_core.cli.kinds import GROUP, USER
from opennebula_core.cli.listing import Listing, add_list_command
from opennebula_core.cli.login import key, login, token_create, token_delete, token_set
from opennebula_core.cli.quota_tables import quota_tables
from opennebula_core.cli.quotas import add_quota_commands
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.showing import add_show_command, attributes, identity, ids, section, yes_no
from opennebula_core.cli.texts import read_secret
from opennebula_core.cli.usage import USAGE
from opennebula_core.cli.words import ObjectWord, several
from opennebula_core.model.passwords import server_digest

user = command_group("user", "Users.")

F = TypeVar("F", bound=Callable[..., Any])

CALLER = "-1"
CORE_DRIVER, SERVER_CIPHER = "core", "server_cipher"
TOKEN_SHOWN = 8
"""Characters of a login token that are shown: enough to name it, too few to use it."""
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
    if tokens := item.findall("LOGIN_TOKEN"):
        section("login tokens", [_token_row(token) for token in tokens])
    attributes("user template", item.find("TEMPLATE"))
    quota_tables(item)


def _token_row(token: Element) -> tuple[str, str]:
    expires, group = int(token.findtext("EXPIRATION_TIME", "0")), token.findtext("EGID", "")
    until = (
        "for ever" if expires < 0 else f"until {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(expires))}"
    )
    return token.findtext("TOKEN", "")[:TOKEN_SHOWN], until if group == "-1" else f"{until}, group {group}"


def read_password(file: str | None, driver: str = CORE_DRIVER) -> str:
    """Return the password of a user as it is sent, see :func:`.read_secret`.

    That of a server user goes as the digest which is its protocol's key.
    """
    password = read_secret(file, "Password", is_new=True)
    return server_digest(password) if driver == SERVER_CIPHER else password


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
    password = read_password(password_file, driver)
    click.echo(f"ID: {application.client.integer('one.user.allocate', name, password, driver, group_ids)}")


@user.command()
@click.argument("word", metavar="[USER]", type=ObjectWord(USER), required=False)
@_password_options
@pass_application
def passwd(application: Application, word: str | None, password_file: str | None) -> None:
    """Change a password, your own if no user is named."""
    user_id = int(CALLER) if word is None else Finder(application, USER).one(word)
    found = USER.info(application.client, user_id)
    password = read_password(password_file, found.findtext("AUTH_DRIVER", CORE_DRIVER))
    application.client.call("one.user.passwd", int(found.findtext("ID", CALLER)), password)


@user.command()
@click.argument("word", metavar="USER", type=ObjectWord(USER))
@click.argument("driver", metavar="DRIVER")
@click.option(
    "-r", "--password-file", metavar="FILE", help="File of the new password; else the old one stays."
)
@pass_application
def chauth(application: Application, word: str, driver: str, password_file: str | None) -> None:
    """Change how a user is authenticated."""
    user_id = Finder(application, USER).one(word)
    password = "" if password_file is None else read_password(password_file, driver)
    application.client.call("one.user.chauth", user_id, driver, password)


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
for command in (login, key, token_create, token_set, token_delete):
    user.add_command(command)
