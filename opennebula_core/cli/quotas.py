"""The commands that set quotas of users and groups: ``quota``, ``batchquota`` and ``defaultquota``."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.bulk import for_each
from opennebula_core.cli.kinds import Kind
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.texts import edited, is_piped, read_text
from opennebula_core.cli.words import ObjectWord, several
from opennebula_core.model.quotas import METRICS, Resource
from opennebula_core.model.template import Template, Vector

GUIDE: Final = """\
# Limits, one vector for each: numbers, -1 for the default, -2 for no limit, 0 for nothing at all.
# A vector that stands here replaces the present limits of its ID; one that is taken out changes nothing.
# Sizes are in MiB.
#
# DATASTORE = [ ID = "1", IMAGES = "10", SIZE = "20480" ]
# NETWORK   = [ ID = "0", LEASES = "5" ]
# VM        = [ VMS = "5", RUNNING_VMS = "3", CPU = "4", MEMORY = "8192", SYSTEM_DISK_SIZE = "-1" ]
# IMAGE     = [ ID = "3", RVMS = "2" ]
"""


def add_quota_commands(group: click.Group, kind: Kind) -> None:
    """Add ``quota``, ``batchquota`` and ``defaultquota`` to a group."""
    _add_quota(group, kind)
    _add_batch_quota(group, kind)
    _add_default_quota(group, kind)


def _add_quota(group: click.Group, kind: Kind) -> None:
    @group.command("quota", help=f"Set limits of a {kind.title}: from FILE, standard input, or in $EDITOR.")
    @click.argument("word", metavar=kind.title.upper(), type=ObjectWord(kind))
    @click.argument("file", required=False, metavar="[FILE]")
    @pass_application
    def quota(application: Application, word: str, file: str | None) -> None:
        object_id = Finder(application, kind).one(word)
        text = _read(file)
        if text is None:
            text = edited(_present(kind.info(application.client, object_id)))
        if text is None:
            click.echo("Nothing was changed.", err=True)
            return
        application.client.call(f"{kind.prefix}.quota", object_id, text)


def _add_batch_quota(group: click.Group, kind: Kind) -> None:
    doc = f"Set the same limits for several {kind.title}s, named as in 3..7 or 3,5: from FILE, or in $EDITOR."

    @group.command("batchquota", help=doc)
    @click.argument("words", metavar=several(kind), type=ObjectWord(kind))
    @click.argument("file", required=False, metavar="[FILE]")
    @pass_application
    def batch_quota(application: Application, words: str, file: str | None) -> None:
        text = _read(file)
        if text is None:
            text = edited(GUIDE)
        if text is None:
            click.echo("Nothing was changed.", err=True)
            return
        method = f"{kind.prefix}.quota"
        for_each(application, kind, (words,), lambda item: application.client.call(method, item, text))


def _add_default_quota(group: click.Group, kind: Kind) -> None:
    doc = f"Set the limits of {kind.title}s that have none of their own: from FILE, or in $EDITOR."

    @group.command("defaultquota", help=doc)
    @click.argument("file", required=False, metavar="[FILE]")
    @pass_application
    def default_quota(application: Application, file: str | None) -> None:
        text = _read(file)
        if text is None:
            text = edited(_present(application.client.element(f"{kind.prefix}quota.info")))
        if text is None:
            click.echo("Nothing was changed.", err=True)
            return
        application.client.call(f"{kind.prefix}quota.update", text)


def _read(file: str | None) -> str | None:
    """Return the text of a file or of what is piped in, None when the user is to write it."""
    return read_text(file) if file is not None or is_piped() else None


def _present(document: Element) -> str:
    """Return the limits that a document shows, as a text to edit."""
    template = Template()
    for resource in Resource:
        names = [metric.name for metric in METRICS[resource]]
        for entry in document.iterfind(f"{resource}_QUOTA/{resource}"):
            keys = names if resource is Resource.VM else ["ID", *names]
            template.add(resource, Vector((key, entry.findtext(key, "-1")) for key in keys))
    return f"{GUIDE}\n{template.to_text()}\n"
