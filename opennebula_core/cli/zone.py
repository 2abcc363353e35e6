"""``onezone``."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from opennebula_core.cli.application import Application, command_group
from opennebula_core.cli.columns import Column, number, text
from opennebula_core.cli.kinds import ZONE
from opennebula_core.cli.listing import Listing, add_list_command
from opennebula_core.cli.showing import add_show_command, attributes, identity, section, table

zone = command_group("zone", "Zones of the federation; a front-end that stands alone is one.")

_STATES: Final = {"0": "ENABLED", "1": "DISABLED"}


def _state(item: Element) -> str:
    number_text = item.findtext("STATE") or "0"
    return _STATES.get(number_text, number_text)


COLUMNS = (
    number("ID", "ID"),
    text("NAME", "NAME"),
    text("ENDPOINT", "TEMPLATE/ENDPOINT"),
    Column("STAT", _state, also=("STATE",)),
)
LISTING = Listing(ZONE, COLUMNS, ("ID", "NAME", "ENDPOINT", "STAT"))
_SERVERS = (number("ID", "ID"), text("NAME", "NAME"), text("ENDPOINT", "ENDPOINT"))


def describe(application: Application, item: Element) -> None:
    """Print a zone for people."""
    section(f"zone {item.findtext('ID')} information", [*identity(item), ("STATE", _state(item))])
    table("zone servers", _SERVERS, item.findall("SERVER_POOL/SERVER"))
    attributes("zone template", item.find("TEMPLATE"))


add_list_command(zone, LISTING)
add_show_command(zone, ZONE, describe)
