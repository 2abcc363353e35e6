"""``one manual``: man pages of all programs, made from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

import opennebula_core
from opennebula_core.cli.application import CONTEXT
from opennebula_core.cli.main import COMMANDS, NAMED_PROGRAMS, load
from opennebula_core.cli.roff import bold, definitions, escaped, heading, paragraphs, subheading, title_line
from opennebula_core.errors import OpenNebulaError

SOURCE: Final = f"opennebula-core {opennebula_core.__version__}"
_ENVIRONMENT: Final = (
    ("ONE_LOCATION", "The folder of a cloud on this machine; ~/.one without it."),
    (
        "ONE_XMLRPC",
        "The API, such as http://frontend:2633/RPC2; without it what etc/oned.toml in ONE_LOCATION says.",
    ),
    (
        "ONE_AUTH",
        "A file that holds user:password; without it $ONE_LOCATION/one_auth, else ~/.one/one_auth.",
    ),
    ("ONE_XMLRPC_TIMEOUT", "Seconds that a call may take; 60 without it."),
    ("ONE_CERT_DIR", "A folder of further certificate authorities, for https."),
)
_STATUSES: Final = (
    ("0", "All went well."),
    ("1", "Something failed; each failure is a line on standard error."),
    ("2", "The command was used wrongly."),
)


class ManualError(OpenNebulaError):
    """A page cannot be written."""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def manual(folder: Path) -> None:
    """Write man pages of all programs into FOLDER, which is made if it is missing.

    Read them with 'man -l FOLDER/onevm.1'; in a folder man1 below one of MANPATH, man finds them by name.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in pages():
            (folder / f"{name}.1").write_text(text, encoding="utf-8")
    except OSError as error:
        raise ManualError(
            f"write man pages into {str(folder)!r}: {error.strerror}; name another folder"
        ) from None
    click.echo(f"{len(NAMED_PROGRAMS) + 1} pages in {folder}")


def pages() -> Iterator[tuple[str, str]]:
    """Yield the name of each program, and its page as roff."""
    own = {name: load(name) for name in COMMANDS if name not in NAMED_PROGRAMS}
    one = click.Group("one", own, help="Run and use a cloud.", context_settings=CONTEXT)
    yield "one", _page("one", one)
    for name in NAMED_PROGRAMS:
        yield f"one{name}", _page(f"one{name}", load(name))


def _page(program: str, command: click.Command) -> str:
    context = click.Context(command, info_name=program, **command.context_settings)
    help_text = command.help or ""
    summary = help_text.partition("\n")[0].rstrip(".")
    lines = [
        title_line(program, SOURCE),
        heading("Name"),
        f"{escaped(program)} \\- {escaped(summary)}",
        heading("Synopsis"),
        f"{bold(program)} {escaped(' '.join(command.collect_usage_pieces(context)))}",
        heading("Description"),
        *paragraphs(help_text),
        *_named_programs(program),
        heading("Options"),
        *definitions(_options(context)),
    ]
    if isinstance(command, click.Group):
        lines.append(heading("Commands"))
        for child in _leaves(context):
            lines.extend(_command(child, program))
    lines.extend([heading("Environment"), *definitions(_ENVIRONMENT)])
    lines.extend([heading("Exit status"), *definitions(_STATUSES)])
    lines.extend([heading("See also"), _see_also(program)])
    return "\n".join(lines) + "\n"


def _named_programs(program: str) -> list[str]:
    """Return what the page of ``one`` says of the commands that have a page of their own."""
    if program != "one":
        return paragraphs(f"'one {program.removeprefix('one')}' is the same command.")
    return paragraphs(
        "Objects have programs, and pages, of their own: 'one vm list' and 'onevm list' are the same command."
    )


def _leaves(context: click.Context) -> Iterator[click.Context]:
    """Yield a context for each command below a group, those of groups in it among them."""
    command = context.command
    assert isinstance(command, click.Group)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        if found is None or found.hidden:
            continue
        child = click.Context(found, info_name=name, parent=context)
        if isinstance(found, click.Group):
            yield from _leaves(child)
        else:
            yield child


def _command(context: click.Context, program: str) -> list[str]:
    """Return the part of a page about one command."""
    path = context.command_path.removeprefix(program).strip()
    pieces = " ".join(context.command.collect_usage_pieces(context))
    return [
        subheading(f"{path} {pieces}"),
        *paragraphs(context.command.help or ""),
        *definitions(_options(context)),
    ]


def _options(context: click.Context) -> Iterator[tuple[str, str]]:
    """Yield the options of a command with their meaning; hidden ones not, and help once a page."""
    is_help_told = context.parent is not None
    for parameter in context.command.get_params(context):
        record = parameter.get_help_record(context)
        if not isinstance(parameter, click.Option) or (is_help_told and parameter.name == "help"):
            continue
        if record is not None:
            yield record


def _see_also(program: str) -> str:
    others = ("one", *(f"one{name}" for name in NAMED_PROGRAMS))
    return ", ".join(f"{bold(other)}(1)" for other in others if other != program)
