"""The methods of the API that are about the cloud as a whole."""

from __future__ import annotations

from collections.abc import Callable

from opennebula_core.api.changes import FROM_NOW, ChangeFeed
from opennebula_core.contracts.method import Access, Method, Mode, Param, Session
from opennebula_core.db.transaction import Snapshot
from opennebula_core.model.template import Template

Configuration = Callable[[], Template]
"""Returns the settings that ``one.system.config`` shows; nothing secret."""


def system_methods(feed: ChangeFeed, configuration: Configuration, *, version: str) -> tuple[Method, ...]:
    """Return the declarations of ``one.system.*``."""

    def tell_version(_snapshot: Snapshot, _session: Session) -> str:
        return version

    def show_configuration(_snapshot: Snapshot, _session: Session) -> str:
        return configuration().to_xml("OPENNEBULA_CONFIGURATION")

    async def changes(_session: Session, cursor: int, timeout_s: int) -> bytes:
        return await feed.after(cursor, timeout_s)

    return (
        Method(
            "one.system.version", (), Access.ANYONE, Mode.POINT, tell_version, "Return the API's version."
        ),
        Method(
            "one.system.config",
            (),
            Access.ANYONE,
            Mode.POINT,
            show_configuration,
            "Return the settings of the cloud that clients ask for.",
        ),
        Method(
            "one.system.changes",
            (Param("cursor", int, FROM_NOW), Param("timeout", int, 0)),
            Access.ADMINS,
            Mode.ASYNC,
            changes,
            "Return what changed behind a cursor (-1: from now), waiting up to timeout seconds for it.",
        ),
    )
