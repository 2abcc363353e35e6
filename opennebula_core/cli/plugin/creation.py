"""``one plugin new``."""

from __future__ import annotations

from pathlib import Path

import click

from opennebula_core.skeletons import SKELETON_KINDS, write_package


@click.command()
@click.argument("kind", type=click.Choice(SKELETON_KINDS))
@click.argument("name")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("."),
    help="Where the package's folder is made; without it, here.",
)
def new(kind: str, name: str, folder: Path) -> None:
    """Write a package that works, passes its tests and does something, to be changed into yours."""
    made = write_package(kind, name, folder)
    click.echo(f"{made}: a package with the {kind} plugin {name!r}. Next:")
    click.echo(f"  pip install -e {made}[testing] && (cd {made} && pytest)")
