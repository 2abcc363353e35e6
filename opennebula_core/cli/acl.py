"""``oneacl``."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.application import Application, command_group, pass_application
from opennebula_core.cli.bulk import for_each
from opennebula_core.cli.columns import Column, Read, number
from opennebula_core.cli.kinds import Kind
from opennebula_core.cli.listing import Listing, add_list_command
from opennebula_core.model.acl import parse_rule

acl = command_group("acl", "Access rules, such as '@100 VM+NET/#12 USE+MANAGE #0'.")

RULE = Kind("rule", "one.acl", "one.acl.info", "ACL", None)
_RULE_WORDS = 4


def _word(position: int, part: int | None = None) -> Read:
    """Return what reads one of a rule's words.

    :param part: the first or second half of ``KINDS/SELECTOR``
    """

    def read(item: Element) -> str:
        words = item.findtext("STRING", "").split()
        if len(words) != _RULE_WORDS:
            return ""
        return words[position] if part is None else words[position].partition("/")[part]

    return read


COLUMNS = (
    number("ID", "ID"),
    Column("USER", _word(0)),
    Column("RESOURCES", _word(1, 0)),
    Column("RID", _word(1, 2)),
    Column("RIGHTS", _word(2)),
    Column("ZONE", _word(3)),
    Column("RULE", lambda item: item.findtext("STRING", "")),
)
LISTING = Listing(RULE, COLUMNS, ("ID", "USER", "RESOURCES", "RID", "RIGHTS", "ZONE"))


@acl.command()
@click.argument("words", nargs=-1, required=True, metavar="RULE")
@pass_application
def create(application: Application, words: tuple[str, ...]) -> None:
    """Add a rule: USER RESOURCES/SELECTOR RIGHTS [ZONE].

    USER and SELECTOR are '#id', '@group' or '*', SELECTOR also '%cluster'.
    Quote the rule: the shell knows '#' and '*', too.
    """
    rule = parse_rule(" ".join(words))
    numbers = [f"{number:x}" for number in (rule.user, rule.resource, rule.rights, rule.zone)]
    click.echo(f"ID: {application.client.integer('one.acl.addrule', *numbers)}")


@acl.command()
@click.argument("words", nargs=-1, required=True, metavar="RULE...")
@pass_application
def delete(application: Application, words: tuple[str, ...]) -> None:
    """Remove rules, by their ids."""
    client = application.client
    for_each(application, RULE, words, lambda rule_id: client.call("one.acl.delrule", rule_id))


add_list_command(acl, LISTING)
