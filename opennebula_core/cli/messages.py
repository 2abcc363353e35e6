"""Errors as people read them, and commands that fail in part."""

from __future__ import annotations

import re
from typing import Any, Final

import click

from opennebula_core.cli.absent import why_absent

_METHOD: Final = re.compile(r"\[one\.[a-z_.]+\] ")
_FAILED: Final = "opennebula_core.cli.failed"


OWN_PROGRAM: Final = "one"


def failure_status(program: str | None) -> int:
    """Return the exit status of what failed.

    Scripts know 255 of OpenNebula's commands, which end with -1; of ``one``, which it does not have, it is 1.
    """
    return 1 if program == OWN_PROGRAM else 255


def message_of(error: Exception) -> str:
    """Return an error's text without the name of the API method, which the user did not call."""
    return _METHOD.sub("", str(error), count=1)


def report(message: str) -> None:
    """Say on standard error what failed, and have the command end as :func:`failure_status` says."""
    context = click.get_current_context()
    context.meta[_FAILED] = True
    click.echo(f"{context.find_root().info_name}: {message}", err=True)


class CommandGroup(click.Group):
    """A group whose commands may fail in part: they say so with :func:`report` and go on."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is called; one that only OpenNebula has is refused with the way out.

        :raises click.UsageError: there is none of that name
        """
        reason = why_absent(self.name or "", args[0]) if self.get_command(ctx, args[0]) is None else ""
        if reason:
            raise click.UsageError(f"there is no command {args[0]!r}: {reason}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, and end as :func:`failure_status` says when a part of it failed."""
        result = super().invoke(ctx)
        if ctx.meta.get(_FAILED):
            ctx.exit(failure_status(ctx.find_root().info_name))
        return result
