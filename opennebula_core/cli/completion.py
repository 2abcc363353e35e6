"""``one completion``: what a shell needs to complete the commands, their options and the objects' names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from opennebula_core.cli.main import NAMED_PROGRAMS

SHELLS = ("bash", "zsh", "fish")
PREPARATION = {"zsh": "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }"}
"""What has to be said before the scripts: zsh knows no completion until it is asked to."""


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print a script that completes all programs; let your shell read it when it starts.

    As in: echo 'source <(one completion bash)' >> ~/.bashrc
    """
    source = get_completion_class(shell)
    if source is None:
        raise click.UsageError(f"click knows no shell {shell!r}; upgrade click")
    click.echo(PREPARATION.get(shell, ""), nl=shell in PREPARATION)
    for program in ("one", *(f"one{name}" for name in NAMED_PROGRAMS)):
        variable = f"_{program.upper()}_COMPLETE"
        click.echo(source(_NO_COMMAND, {}, program, variable).source())


_NO_COMMAND = click.Command("one")
"""The script asks the program itself; the command is not looked at for it."""
