"""Words for objects on the command line, completed by asking the API when the shell wants to."""

from __future__ import annotations

import os
from typing import Final

import click
from click.shell_completion import CompletionItem

from opennebula_core.cli.endpoint import with_endpoint
from opennebula_core.cli.kinds import Kind
from opennebula_core.client import client_from_environment
from opennebula_core.errors import OpenNebulaError

COMPLETION_TIMEOUT_S: Final = "1"
"""A shell that waits for completion is worse than one that completes nothing."""


def several(kind: Kind) -> str:
    """Return how an argument that takes several objects is shown in the help."""
    return f"{kind.word}..."


class ObjectWord(click.ParamType):  # type: ignore[type-arg]  # not generic in older clicks
    """An id or a name; where several may be given also a range ``1..4`` or a list ``1,web``."""

    name = "object"

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the names that begin so; none when the API does not answer at once."""
        head, comma, last = incomplete.rpartition(",")
        try:
            environment = {**with_endpoint(os.environ), "ONE_XMLRPC_TIMEOUT": COMPLETION_TIMEOUT_S}
            with client_from_environment(environment) as client:
                items = self.kind.list(client).findall(self.kind.element)
        except OpenNebulaError:
            # Nothing can be said here: the shell is about to draw the user's own line.
            return []
        found = ((item.findtext("NAME", ""), item.findtext("ID", "")) for item in items)
        return [
            CompletionItem(head + comma + name, help=f"{self.kind.title} {object_id}")
            for name, object_id in found
            if name.startswith(last)
        ]
