"""One action on many objects: a failure is told and does not stop the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from opennebula_core.cli.application import Application
from opennebula_core.cli.kinds import Kind
from opennebula_core.cli.messages import message_of, report
from opennebula_core.cli.selection import Finder
from opennebula_core.errors import AuthenticationError, ClientError, OpenNebulaError


def for_each(
    application: Application, kind: Kind, words: Iterable[str], action: Callable[[int], object]
) -> list[int]:
    """Carry out an action on each object that the words select, and return the ids that it succeeded on.

    What fails is reported and makes the exit status 1.

    :raises ClientError: the API cannot be reached, which would be said once for each object
    """
    done: list[int] = []
    for selected in Finder(application, kind).many(words):
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
    return done
