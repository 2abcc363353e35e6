"""``onevm log``."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.kinds import VM
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.texts import TextError
from opennebula_core.cli.words import ObjectWord

POLL_S = 0.3
DEFAULT_LINES = 40


@click.command()
@click.argument("word", metavar="VM", type=ObjectWord(VM))
@click.option("-n", "--lines", type=click.IntRange(min=1), default=DEFAULT_LINES, show_default=True,
              help="How many lines of its end.")  # fmt: skip
@click.option("-f", "--follow", is_flag=True, help="Go on with what is added, until Ctrl-C.")
@pass_application
def log(application: Application, word: str, lines: int, follow: bool) -> None:
    """Show the log of a VM, on the machine of the front-end."""
    vm_id = Finder(application, VM).one(word)
    path = application.location.vm_log(vm_id)
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            click.echo("".join(deque(file, lines)), nl=False)
            position = file.tell()
    except OSError as error:
        raise TextError(
            f"read the log of VM {vm_id}: {path}: {error.strerror}; "
            f"run this on the front-end, with its ONE_LOCATION"
        ) from None
    if follow:
        _follow(path, position)


def _follow(path: Path, position: int) -> None:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            file.seek(position)
            while True:
                text = file.read()
                if text:
                    click.echo(text, nl=False)
                else:
                    time.sleep(POLL_S)
    except KeyboardInterrupt:
        return
