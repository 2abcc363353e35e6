"""Actions on VMs that are carried out later: ``--schedule`` and its kin, and what changes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.bulk import for_each
from opennebula_core.cli.kinds import VM
from opennebula_core.cli.moments import moment_of
from opennebula_core.cli.selection import Finder, SelectionError
from opennebula_core.cli.texts import edited, is_piped, read_text
from opennebula_core.cli.words import ObjectWord
from opennebula_core.model.schedules import End, Repeat
from opennebula_core.model.template import Template

_RELATIVE = re.compile(r"\+\d+")
_PERIODS: Final = {
    "weekly": (Repeat.WEEKLY, "DAYS", "Again on these days of the week, 0 (Sunday) to 6, as in 1,5."),
    "monthly": (Repeat.MONTHLY, "DAYS", "Again on these days of the month, as in 1,15."),
    "yearly": (Repeat.YEARLY, "DAYS", "Again on these days of the year, 0 to 365."),
    "hourly": (Repeat.HOURLY, "HOURS", "Again after so many hours."),
}

F = TypeVar("F", bound=Callable[..., Any])


class DueMoment(click.ParamType):  # type: ignore[type-arg]  # not generic in older clicks
    """When a scheduled action is due: a moment, or seconds behind the VM's start."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return what TIME says."""
        if _RELATIVE.fullmatch(value):
            return str(value)
        try:
            return str(moment_of(value))
        except ValueError as error:
            self.fail(f"{error}; or +SECONDS behind the VM's start", param, ctx)


class Ending(click.ParamType):  # type: ignore[type-arg]  # not generic in older clicks
    """When a repeated action ends: after a number of times, or at a moment."""

    name = "end"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return END_TYPE and END_VALUE."""
        if isinstance(value, tuple):
            return value
        if value.isdecimal() and len(value) < 9:
            return End.TIMES, int(value)
        try:
            return End.DATE, moment_of(value)
        except ValueError as error:
            self.fail(f"{error}; or how many times", param, ctx)


def schedule_options(function: F) -> F:
    """Add the options that :func:`scheduled_template` takes together."""
    for name, (_, metavar, text) in reversed(_PERIODS.items()):
        function = click.option(f"--{name}", metavar=metavar, help=text)(function)
    function = click.option(
        "--end", type=Ending(), metavar="TIMES|MOMENT", help="How often it comes again, or until when."
    )(function)
    return click.option(
        "--schedule", type=DueMoment(), metavar="MOMENT",
        help="Not now, but then: 2026-11-24 14:15, 14:15, now, or +SECONDS behind the VM's start.",
    )(function)  # fmt: skip


def scheduled_template(action: str, args: str, options: Mapping[str, Any]) -> str | None:
    """Return the template of the scheduled action that the options describe, None without ``--schedule``.

    :raises click.UsageError: the options contradict one another
    """
    given = {name: options[name] for name in _PERIODS if options.get(name)}
    if options.get("schedule") is None:
        if given or options.get("end"):
            raise click.UsageError("say when it comes for the first time: --schedule MOMENT")
        return None
    if len(given) > 1:
        raise click.UsageError(f"choose one of {', '.join('--' + name for name in given)}")
    vector = {"ACTION": action, "TIME": options["schedule"]}
    if args:
        vector["ARGS"] = args
    for name, days in given.items():
        vector |= {"REPEAT": str(int(_PERIODS[name][0])), "DAYS": days, "END_TYPE": str(int(End.NEVER))}
    if options.get("end"):
        if not given:
            raise click.UsageError("--end is for what comes again: --weekly, --monthly, --yearly or --hourly")
        kind, value = options["end"]
        vector |= {"END_TYPE": str(int(kind)), "END_VALUE": str(value)}
    return Template((("SCHED_ACTION", vector),)).to_text()


def schedule_on(application: Application, words: tuple[str, ...], text: str) -> None:
    """Add a scheduled action to each of the VMs, and print its id."""

    def add(vm_id: int) -> None:
        action_id = application.client.integer("one.vm.schedadd", vm_id, text)
        click.echo(f"VM {vm_id}: scheduled action {action_id}")

    for_each(application, VM, words, add)


@click.command("sched-delete")
@click.argument("word", metavar="VM", type=ObjectWord(VM))
@click.argument("actions", nargs=-1, required=True, metavar="ACTION...", type=int)
@pass_application
def sched_delete(application: Application, word: str, actions: tuple[int, ...]) -> None:
    """Remove scheduled actions of a VM; `onevm show` has their ids."""
    vm_id = Finder(application, VM).one(word)
    for action_id in actions:
        application.client.call("one.vm.scheddelete", vm_id, action_id)


@click.command("sched-update")
@click.argument("word", metavar="VM", type=ObjectWord(VM))
@click.argument("action", metavar="ACTION", type=int)
@click.argument("file", required=False, metavar="[FILE]")
@pass_application
def sched_update(application: Application, word: str, action: int, file: str | None) -> None:
    """Change a scheduled action of a VM: from FILE, from standard input (-), or in $EDITOR."""
    vm_id = Finder(application, VM).one(word)
    if file is not None or is_piped():
        text: str | None = read_text(file)
    else:
        text = edited(_present(application, vm_id, action))
    if text is None:
        click.echo("Nothing was changed.", err=True)
        return
    application.client.call("one.vm.schedupdate", vm_id, action, text)


def _present(application: Application, vm_id: int, action_id: int) -> str:
    document = VM.info(application.client, vm_id)
    for found in document.iterfind("TEMPLATE/SCHED_ACTION"):
        if found.findtext("ID") == str(action_id):
            hidden = ("ID", "PARENT_ID", "TYPE", "DONE", "MESSAGE")
            shown = {item.tag: item.text or "" for item in found if item.tag not in hidden}
            return Template((("SCHED_ACTION", shown),)).to_text() + "\n"
    raise SelectionError(f"VM {vm_id} has no scheduled action {action_id}; see `onevm show {vm_id}`")
