"""``onehook``."""

from __future__ import annotations

import base64
import binascii
from typing import Final
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.application import Application, command_group, pass_application
from opennebula_core.cli.columns import Column, date, number, text
from opennebula_core.cli.documents import JSON, TABLE, XML, YAML, format_options, print_document
from opennebula_core.cli.editing import add_action, add_editing_commands
from opennebula_core.cli.kinds import HOOK
from opennebula_core.cli.listing import Listing, add_list_command
from opennebula_core.cli.moments import Moment
from opennebula_core.cli.ownership import add_lock_commands
from opennebula_core.cli.quantities import date_text
from opennebula_core.cli.selection import Finder, SelectionError
from opennebula_core.cli.showing import attributes, identity, section, table
from opennebula_core.cli.texts import read_text
from opennebula_core.cli.top import add_top_command
from opennebula_core.cli.words import ObjectWord

hook = command_group("hook", "Hooks: commands that run when a state is reached or a call is made.")

_RECORD: Final = "HOOK_EXECUTION_RECORD"


def _outcome(item: Element) -> str:
    return "SUCCESS" if item.findtext("EXECUTION_RESULT/CODE") == "0" else "ERROR"


COLUMNS = (
    number("ID", "ID"),
    text("NAME", "NAME"),
    text("TYPE", "TYPE"),
    text("RESOURCE", "TEMPLATE/RESOURCE"),
    text("STATE", "TEMPLATE/STATE"),
    text("LCM_STATE", "TEMPLATE/LCM_STATE"),
    text("CALL", "TEMPLATE/CALL"),
    text("COMMAND", "TEMPLATE/COMMAND"),
)
LISTING = Listing(HOOK, COLUMNS, ("ID", "NAME", "TYPE", "RESOURCE", "STATE", "LCM_STATE", "CALL"))
_EXECUTIONS: Final = (
    number("ID", "EXECUTION_ID"),
    date("TIMESTAMP", "TIMESTAMP"),
    number("RC", "EXECUTION_RESULT/CODE"),
    Column("EXECUTION", _outcome),
)
_OF_ALL: Final = (number("HOOK", "HOOK_ID"), *_EXECUTIONS)


def describe(application: Application, item: Element) -> None:
    """Print a hook for people."""
    section(f"hook {item.findtext('ID')} information", [*identity(item), ("TYPE", item.findtext("TYPE", ""))])
    attributes("hook template", item.find("TEMPLATE"))
    table("execution log", _EXECUTIONS, item.findall(f"HOOKLOG/{_RECORD}"))


add_list_command(hook, LISTING)
add_top_command(hook, LISTING)


@hook.command()
@click.argument("word", metavar="HOOK", type=ObjectWord(HOOK))
@click.option("-e", "--execution", type=int, metavar="ID", help="Show one execution with what it said.")
@format_options(JSON, YAML, XML)
@pass_application
def show(application: Application, word: str, execution: int | None, output: str) -> None:
    """Show a hook with its log, or one execution of it."""
    hook_id = Finder(application, HOOK).one(word)
    document = HOOK.info(application.client, hook_id)
    if execution is not None:
        document = _execution(document, hook_id, execution)
    if output != TABLE:
        print_document(document, output)
    elif execution is None:
        describe(application, document)
    else:
        _describe_execution(document)


def _execution(document: Element, hook_id: int, execution_id: int) -> Element:
    for record in document.iterfind(f"HOOKLOG/{_RECORD}"):
        if record.findtext("EXECUTION_ID") == str(execution_id):
            return record
    raise SelectionError(f"hook {hook_id} has no execution {execution_id} in its log; see `onehook show`")


def _describe_execution(record: Element) -> None:
    result = record.find("EXECUTION_RESULT")
    said = {name: record.findtext(f"EXECUTION_RESULT/{name}") or "" for name in ("STDOUT", "STDERR")}
    facts = [
        ("EXECUTION ID", record.findtext("EXECUTION_ID", "")),
        ("TIMESTAMP", date_text(int(record.findtext("TIMESTAMP", "0")))),
        ("COMMAND", result.findtext("COMMAND", "") if result is not None else ""),
        ("ARGUMENTS", " ".join(map(_decoded, record.findtext("ARGUMENTS", "").split()))),
        ("EXIT CODE", result.findtext("CODE", "") if result is not None else ""),
    ]
    if host := record.findtext("REMOTE_HOST"):
        facts.append(("HOST", host))
    section("hook execution record", facts)
    for name, encoded in said.items():
        click.echo(f"EXECUTION {name}")
        click.echo(base64.b64decode(encoded).decode(errors="replace"))


def _decoded(word: str) -> str:
    """Return the document that an argument holds, or the argument when it holds none."""
    try:
        decoded = base64.b64decode(word, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return word
    return decoded if decoded.startswith("<") else word


@hook.command()
@click.argument("file", required=False, metavar="[FILE]")
@pass_application
def create(application: Application, file: str | None) -> None:
    """Make a hook from a template FILE (- is standard input)."""
    click.echo(f"ID: {application.client.integer('one.hook.allocate', read_text(file))}")


@hook.command()
@click.argument("word", metavar="HOOK", type=ObjectWord(HOOK))
@click.argument("execution", metavar="EXECUTION", type=int)
@pass_application
def retry(application: Application, word: str, execution: int) -> None:
    """Run a hook again, with the arguments of an earlier execution."""
    application.client.call("one.hook.retry", Finder(application, HOOK).one(word), execution)


@hook.command()
@click.option(
    "--since", type=Moment(), default=-1, metavar="MOMENT", help="What began then or later, as in 2026-11-24."
)
@click.option(
    "--until", type=Moment(at_end=True), default=-1, metavar="MOMENT", help="What began then or before."
)
@click.option("--hook-id", "word", metavar="HOOK", type=ObjectWord(HOOK), help="Of one hook only.")
@click.option("--error", "outcome", flag_value=-1, type=int, default=None, help="Only what failed.")
@click.option("--success", "outcome", flag_value=1, type=int, help="Only what succeeded.")
@format_options(JSON, YAML, XML)
@pass_application
def log(
    application: Application,
    since: int,
    until: int,
    word: str | None,
    outcome: int | None,
    output: str,
) -> None:
    """Show the executions of all hooks."""
    hook_id = -1 if word is None else Finder(application, HOOK).one(word)
    document = application.client.element("one.hooklog.info", since, until, hook_id, outcome or 0)
    if output == TABLE:
        table("execution log", _OF_ALL, document.findall(_RECORD))
    else:
        print_document(document, output)


add_action(hook, HOOK, "delete", "Remove hooks.")
add_editing_commands(hook, HOOK)
add_lock_commands(hook, HOOK)
