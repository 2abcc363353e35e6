"""ZONE and RAFT documents of a front-end that stands alone."""

from __future__ import annotations

from typing import Final

from opennebula_core.documents.escape import escape_document
from opennebula_core.documents.fragments import cdata, text

_ZONE = escape_document(
    "<ZONE><ID>%d</ID><NAME>%s</NAME><STATE>0</STATE><TEMPLATE><ENDPOINT>%s</ENDPOINT></TEMPLATE>"
    "<SERVER_POOL></SERVER_POOL></ZONE>"
)
RAFT: Final = escape_document(
    "<RAFT><SERVER_ID>-1</SERVER_ID><STATE>0</STATE><TERM>-1</TERM><VOTEDFOR>-1</VOTEDFOR><COMMIT>-1</COMMIT>"
    "<LOG_INDEX>-1</LOG_INDEX><LOG_TERM>-1</LOG_TERM><FEDLOG_INDEX>-1</FEDLOG_INDEX></RAFT>"
)
"""The document of ``one.zone.raftstatus``."""


def render_zone(zone_id: int, name: str, endpoint: str) -> str:
    """Return the ZONE document.

    :param endpoint: the address of its API
    """
    return _ZONE % (zone_id, text(name), cdata(endpoint))
