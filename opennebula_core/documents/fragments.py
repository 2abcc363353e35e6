"""Parts that many documents have; all of them in escaped form."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from opennebula_core.documents.escape import escape_document
from opennebula_core.model.objects import Lock, NetworkTemplate, PoolObject, VmTemplate
from opennebula_core.model.template_xml import leaf_text

_OWNED = escape_document(
    "<ID>%d</ID><UID>%d</UID><GID>%d</GID><UNAME>%s</UNAME><GNAME>%s</GNAME><NAME>%s</NAME>"
)
_LOCK = escape_document("<LOCK><LOCKED>%d</LOCKED><OWNER>%d</OWNER><TIME>%d</TIME><REQ_ID>%d</REQ_ID></LOCK>")
_REGTIME = escape_document("<REGTIME>%d</REGTIME>")
_PERMISSION_NAMES: Final = tuple(f"{who}_{right}" for who in ("OWNER", "GROUP", "OTHER") for right in "UMA")
_ID = "&lt;ID&gt;%d&lt;/ID&gt;"


def text(value: str) -> str:
    """Return a text for an element without CDATA: a name or an id that a driver gave."""
    if value.isalnum():
        return value
    return escape_document(escape_document(leaf_text(value, escaped=False)))


def cdata(value: str) -> str:
    """Return a CDATA section that holds ``value``."""
    return f"&lt;![CDATA[{leaf_text(value, escaped=True)}]]&gt;"


def owned(value: PoolObject) -> str:
    """Return ID, UID, GID, UNAME, GNAME and NAME."""
    return _OWNED % (value.id, value.uid, value.gid, text(value.uname), text(value.gname), text(value.name))


def renamed_group(column: str, name: str) -> str:
    """Return SQL of what a column that begins as :func:`owned` says is with another GNAME.

    :param name: SQL of the new name, as :func:`text` writes it; no text of a user can look like the element
    """
    begin, end = escape_document("<GNAME>"), escape_document("</GNAME>")
    return (
        f"substr({column}, 1, instr({column}, '{begin}') + {len(begin) - 1}) || {name} || "
        f"substr({column}, instr({column}, '{end}'))"
    )


@lru_cache(maxsize=512)
def permissions(bits: int) -> str:
    """Return PERMISSIONS for nine bits as in ``chmod``."""
    flags = zip(_PERMISSION_NAMES, f"{bits & 0o777:09b}", strict=True)
    inner = "".join(f"<{name}>{flag}</{name}>" for name, flag in flags)
    return escape_document(f"<PERMISSIONS>{inner}</PERMISSIONS>")


def lock(held: Lock | None) -> str:
    """Return LOCK, nothing for an object that is not locked."""
    return _LOCK % (held.level, held.owner_id, held.time, held.request_id) if held else ""


def registered(root: str, value: VmTemplate | NetworkTemplate) -> str:
    """Return the document of what objects are made from."""
    content = (
        owned(value),
        lock(value.lock),
        permissions(value.permissions),
        _REGTIME % value.regtime,
        value.template.to_xml(escaped=True),
    )
    return element(root, "".join(content))


def ids(root: str, numbers: Iterable[int]) -> str:
    """Return a list of ids such as ``VMS``; the wrapper is there even when it is empty."""
    numbers = tuple(numbers)
    return f"&lt;{root}&gt;{_ID * len(numbers) % numbers}&lt;/{root}&gt;"


def element(name: str, escaped_content: str) -> str:
    """Return an element around what is already escaped."""
    return f"&lt;{name}&gt;{escaped_content}&lt;/{name}&gt;"


def pool(root: str, documents: Iterable[str]) -> str:
    """Return a pool document such as ``HOST_POOL`` around whole documents."""
    return element(root, "".join(documents))
