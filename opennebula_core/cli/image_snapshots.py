"""``oneimage snapshot-*``: the snapshots that a persistent image keeps."""

from __future__ import annotations

from collections.abc import Callable, Collection

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.kinds import IMAGE
from opennebula_core.cli.messages import report
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.waiting import wait_options
from opennebula_core.cli.words import ObjectWord

Wait = Callable[[Application, Collection[int], float], None]
_COMMANDS = (
    ("delete", "Remove a snapshot that an image keeps."),
    ("revert", "Bring an image back to one of its snapshots."),
    ("flatten", "Make an image what one of its snapshots is, and remove all of them."),
)


def add_snapshot_commands(group: click.Group, wait_for: Wait) -> None:
    """Add the commands.

    :param wait_for: waits until images are there
    """
    for name, summary in _COMMANDS:
        group.add_command(_command(name, summary, wait_for))


def _command(name: str, summary: str, wait_for: Wait) -> click.Command:
    @click.command(f"snapshot-{name}", help=summary)
    @click.argument("word", metavar="IMAGE", type=ObjectWord(IMAGE))
    @click.argument("snapshot_id", metavar="SNAPSHOT_ID", type=click.IntRange(min=0))
    @wait_options
    @pass_application
    def act(application: Application, word: str, snapshot_id: int, wait: bool, timeout: float) -> None:
        image_id = Finder(application, IMAGE).one(word)
        application.client.call(f"one.image.snapshot{name}", image_id, snapshot_id)
        if wait:
            wait_for(application, [image_id], timeout)
            error = IMAGE.info(application.client, image_id).findtext("TEMPLATE/ERROR")
            if error:  # what succeeds removes it
                report(f"image {word}: {error}")

    return act
