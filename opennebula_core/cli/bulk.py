"""One action on many objects: a failure is told and does not stop the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click

from opennebula_core.cli.application import Application
from opennebula_core.cli.kinds import Kind
from opennebula_core.cli.messages import message_of, report
from opennebula_core.cli.selection import Finder
from opennebula_core.errors import AuthenticationError, ClientError, OpenNebulaError


def for_each(
    application: Application,
    kind: Kind,
    words: Iterable[str],
    action: Callable[[int], object],
    *,
    is_told: bool = True,
) -> list[int]:
    """Carry out an action on each object that the words select, and return the ids that it succeeded on.

    What fails is reported and told by the exit status. Of several, standard error is told how many succeeded.

    :param is_told: False where the command prints what it has of each anyway
    :raises ClientError: the API cannot be reached, which would be said once for each object
    """
    done: list[int] = []
    count = 0
    for selected in Finder(application, kind).many(words):
        count += 1
        if selected.error:
            report(selected.error)
            continue
        try:
            action(selected.object_id)
        except (AuthenticationError, ClientError):
            raise
        except OpenNebulaError as error:
            report(f"{kind.title} {selected.word}: {message_of(error)}")
        else:
            done.append(selected.object_id)
    if is_told and count > 1:
        _summarise(kind, count, done)
    return done


def _summarise(kind: Kind, count: int, done: list[int]) -> None:
    """Say how many there were, and when not all went well, which did."""
    path = click.get_current_context().command_path
    which = f": {', '.join(map(str, done))}" if 0 < len(done) < count else ""
    click.echo(f"{path}: done for {len(done)} of {count} {kind.title}s{which}", err=True)
