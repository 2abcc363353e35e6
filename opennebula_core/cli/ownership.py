"""Commands about whose an object is and who may use it: chmod, chown, chgrp, lock, unlock."""

from __future__ import annotations

import re
from typing import Final

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.bulk import for_each
from opennebula_core.cli.kinds import EVERYTHING_USABLE, GROUP, USER, Kind
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.words import ObjectWord, several

FLAGS: Final = {"a": EVERYTHING_USABLE, "all": EVERYTHING_USABLE, "m": -3, "mine": -3, "g": -1, "group": -1}
LOCK_LEVELS: Final = {"use": 1, "manage": 2, "admin": 3, "all": 4}
_KEEP: Final = -1


def filter_flag(application: Application, word: str) -> int:
    """Return the filter flag that a word of ``list`` means: a, m, g, or a user."""
    return FLAGS[word] if word in FLAGS else Finder(application, USER).one(word)


def parse_mode(mode: str) -> list[int]:
    """Return the nine permissions of an octal mode such as ``640``: use 4, manage 2, admin 1.

    :raises click.BadParameter: it is none
    """
    if not re.fullmatch("[0-7]{3}", mode):
        raise click.BadParameter(
            f"{mode!r} is no mode; write three octal digits for owner, group and others, each the sum of "
            f"use 4, manage 2 and admin 1, such as 640"
        )
    return [int(digit) >> shift & 1 for digit in mode for shift in (2, 1, 0)]


def add_ownership_commands(group: click.Group, kind: Kind, *, can_lock: bool = True) -> None:
    """Add the commands to the group of a kind that has an owner."""
    _add_chmod(group, kind)
    _add_chown(group, kind)
    if can_lock:
        add_lock_commands(group, kind)


def _add_chmod(group: click.Group, kind: Kind) -> None:
    @group.command("chmod", help=f"Set permissions of {kind.title}s, in octal as in 640.")
    @click.argument("words", metavar=several(kind), type=ObjectWord(kind))
    @click.argument("mode", metavar="MODE")
    @pass_application
    def chmod(application: Application, words: str, mode: str) -> None:
        bits = parse_mode(mode)
        client = application.client
        for_each(application, kind, (words,), lambda item: client.call(f"{kind.prefix}.chmod", item, *bits))


def _add_chown(group: click.Group, kind: Kind) -> None:
    @group.command("chown", help=f"Give {kind.title}s to another user, and group when one is named.")
    @click.argument("words", metavar=several(kind), type=ObjectWord(kind))
    @click.argument("user", metavar="USER", type=ObjectWord(USER))
    @click.argument("new_group", metavar="[GROUP]", required=False, type=ObjectWord(GROUP))
    @pass_application
    def chown(application: Application, words: str, user: str, new_group: str | None) -> None:
        user_id = Finder(application, USER).one(user)
        group_id = Finder(application, GROUP).one(new_group) if new_group else _KEEP
        method, client = f"{kind.prefix}.chown", application.client
        for_each(application, kind, (words,), lambda item: client.call(method, item, user_id, group_id))

    @group.command("chgrp", help=f"Give {kind.title}s to another group.")
    @click.argument("words", metavar=several(kind), type=ObjectWord(kind))
    @click.argument("new_group", metavar="GROUP", type=ObjectWord(GROUP))
    @pass_application
    def chgrp(application: Application, words: str, new_group: str) -> None:
        group_id = Finder(application, GROUP).one(new_group)
        method, client = f"{kind.prefix}.chown", application.client
        for_each(application, kind, (words,), lambda item: client.call(method, item, _KEEP, group_id))


def add_lock_commands(group: click.Group, kind: Kind) -> None:
    """Add ``lock`` and ``unlock`` to a group."""

    @group.command("lock", help=f"Lock {kind.title}s: against changes, or more or less than that.")
    @click.argument("words", nargs=-1, required=True, metavar=several(kind), type=ObjectWord(kind))
    @click.option(
        "--level", type=click.Choice(tuple(LOCK_LEVELS)), default="manage", help="What is locked; manage."
    )
    @pass_application
    def lock(application: Application, words: tuple[str, ...], level: str) -> None:
        method, client = f"{kind.prefix}.lock", application.client
        for_each(application, kind, words, lambda item: client.call(method, item, LOCK_LEVELS[level], False))

    @group.command("unlock", help=f"Unlock {kind.title}s.")
    @click.argument("words", nargs=-1, required=True, metavar=several(kind), type=ObjectWord(kind))
    @pass_application
    def unlock(application: Application, words: tuple[str, ...]) -> None:
        client = application.client
        for_each(application, kind, words, lambda item: client.call(f"{kind.prefix}.unlock", item))
