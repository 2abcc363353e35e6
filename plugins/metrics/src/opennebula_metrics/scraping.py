"""The route that Prometheus scrapes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from opennebula_core.contracts.manager import HttpRequest, HttpResponse
from opennebula_core.contracts.method import Session
from opennebula_core.db.store import Store
from opennebula_core.db.transaction import Snapshot
from opennebula_metrics.families import CloudMetrics
from opennebula_metrics.figures import Samples
from opennebula_metrics.tokens import session_of

PATH: Final = "/metrics/cloud"

_NO_TOKEN: Final = HttpResponse(
    401,
    body=b"a token is missing or not valid; make one with: one metrics token create NAME, "
    b"and send it as: Authorization: Bearer TOKEN\n",
)
_NO_GET: Final = HttpResponse(405, body=b"metrics can only be looked at\n")


def render(tx: Snapshot, session: Session, samples: Samples, accept: str = "") -> tuple[bytes, str]:
    """Return the text of all that a user may see, and its type.

    :param accept: the header of that name; OpenMetrics when it asks for that, else Prometheus's text
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(CloudMetrics(tx, session, samples))
    encoder, content_type = choose_encoder(accept)
    return encoder(registry), content_type


class Scraping:
    """Answers scrapers; one at a time, for each takes a processor while it lasts."""

    def __init__(self, store: Store, samples: Samples) -> None:
        self._store = store
        self._samples = samples
        self._turn = asyncio.Lock()

    async def answer(self, request: HttpRequest) -> HttpResponse:
        """Return the metrics of the token's user."""
        if request.method not in ("GET", "HEAD"):
            return _NO_GET
        token = _bearer(request.headers)
        session = self._store.read(lambda tx: session_of(tx, token)) if token else None
        if session is None:
            return _NO_TOKEN
        accept = request.headers.get("accept", "")
        async with self._turn:
            body, content_type = await self._store.read_in_thread(
                lambda tx: render(tx, session, self._samples, accept)
            )
        return HttpResponse(200, content_type, body)


def _bearer(headers: Mapping[str, str]) -> str:
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
