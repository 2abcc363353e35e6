"""The command ``show``: an object's document for people, in sections, or as it is for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.bulk import for_each
from opennebula_core.cli.columns import Column, lay_out
from opennebula_core.cli.documents import JSON, TABLE, XML, YAML, format_options, print_document
from opennebula_core.cli.flags import Flag, flag_options
from opennebula_core.cli.kinds import Kind
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.words import ObjectWord, several
from opennebula_core.model.template import Template

Describe = Callable[[Application, Element], None]

KEY_WIDTH: Final = 20
DECRYPT: Final = Flag("decrypt", "Show attributes in clear that the front-end keeps encrypted.")
_RIGHTS: Final = (("OWNER", "OWNER"), ("GROUP", "GROUP"), ("OTHER", "OTHER"))
_LOCKS: Final = {"1": "use", "2": "manage", "3": "admin"}


def add_show_command(
    group: click.Group,
    kind: Kind,
    describe: Describe,
    *,
    describe_all: Describe | None = None,
    default: str | None = None,
    flags: Sequence[Flag] = (DECRYPT,),
) -> None:
    """Add ``show`` to a group.

    :param describe: prints the document for people
    :param describe_all: prints even what tables say already, for ``--all``
    :param default: the id that is shown when none is named, such as -1 for the caller
    :param flags: what the kind's ``info`` takes behind the id, in that order
    """
    text = (
        f"Show a {kind.title}, or several: by name, id, range (1..4) or list (1,web).\n\n"
        f"Of several, --json, --yaml and --xml print one {kind.element}_POOL."
    )

    @pass_application
    def show(
        application: Application,
        /,
        words: tuple[str, ...],
        output: str,
        everything: bool = False,
        **given: bool,
    ) -> None:
        further = tuple(given[flag.name] for flag in flags)
        wanted = Wanted(application, kind, further if any(further) else ())
        is_one, documents = wanted.documents(words or (default or "",), default)
        if output == TABLE:
            tell = describe_all if everything and describe_all is not None else describe
            for document in documents:
                tell(application, document)
        elif is_one:
            for document in documents:
                print_document(document, output)
        else:
            pool = Element(f"{kind.element}_POOL")
            pool.extend(documents)
            print_document(pool, output)

    function: Callable[..., None] = flag_options(flags)(format_options(JSON, YAML, XML)(show))
    if describe_all is not None:
        function = click.option(
            "--all", "everything", is_flag=True, help="Print the whole template, with what the tables say."
        )(function)
    function = click.argument(
        "words", nargs=-1, metavar=several(kind), type=ObjectWord(kind), required=default is None
    )(function)
    group.command("show", help=text)(function)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which documents shall be shown.

    :param further: parameters of the kind's ``info`` behind the id
    """

    application: Application
    kind: Kind
    further: tuple[bool, ...]

    def _document(self, object_id: int) -> Element:
        return self.kind.info(self.application.client, object_id, *self.further)

    def documents(self, words: tuple[str, ...], default: str | None) -> tuple[bool, list[Element]]:
        """Return whether a single object is wanted, and the documents of those that are found."""
        if words == (default,):
            return True, [self._document(int(words[0]))]
        finder = Finder(self.application, self.kind)
        if len(words) == 1 and not finder.is_several(words[0]):
            return True, [self._document(finder.one(words[0]))]
        found: list[Element] = []
        for_each(
            self.application, self.kind, words,
            lambda object_id: found.append(self._document(object_id)), is_told=False,
        )  # fmt: skip
        return False, found


def section(title: str, facts: Iterable[tuple[str, str]]) -> None:
    """Print a section of names and values."""
    click.echo(title.upper())
    for name, value in facts:
        click.echo(f"{name:{KEY_WIDTH}}: {value}".rstrip())
    click.echo()


def table(title: str, columns: Sequence[Column], items: Sequence[Element]) -> None:
    """Print a section with a table; nothing when there are no rows."""
    if not items:
        return
    click.echo(title.upper())
    for line in lay_out(columns, [[column.read(item) for column in columns] for item in items]):
        click.echo(line)
    click.echo()


def identity(item: Element) -> list[tuple[str, str]]:
    """Return what every object has."""
    facts = [("ID", item.findtext("ID", "")), ("NAME", item.findtext("NAME", ""))]
    for name, path in (("USER", "UNAME"), ("GROUP", "GNAME")):
        if (value := item.findtext(path)) is not None:
            facts.append((name, value))
    lock = item.findtext("LOCK/LOCKED")
    if lock:
        facts.append(("LOCK", f"{_LOCKS.get(lock, lock)}, by user {item.findtext('LOCK/OWNER')}"))
    return facts


def permissions(item: Element) -> None:
    """Print what owner, group and others may do."""
    rights = item.find("PERMISSIONS")
    if rights is None:
        return
    facts = []
    for title, prefix in _RIGHTS:
        letters = (
            letter if rights.findtext(f"{prefix}_{letter.upper()}") == "1" else "-" for letter in "uma"
        )
        facts.append((title, "".join(letters)))
    section("permissions", facts)


def attributes(title: str, element: Element | None, *, without: Iterable[str] = ()) -> None:
    """Print a template as the text that describes it; nothing when there is nothing.

    :param without: names that are shown elsewhere
    """
    if element is None:
        return
    template = Template.from_element(element)
    for name in without:
        template.remove(name)
    click.echo(title.upper())
    if template:
        click.echo(template.to_text().rstrip())
    click.echo()


def ids(item: Element, path: str) -> str:
    """Return the ids that a list element such as VMS holds, ``-`` when there are none."""
    return ",".join(element.text or "" for element in item.iterfind(f"{path}/ID")) or "-"


def yes_no(value: str | None) -> str:
    """Return ``Yes`` for 1, else ``No``."""
    return "Yes" if value == "1" else "No"
