"""``one.metrics.*``: tokens, and the metrics themselves for a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from opennebula_core.contracts.method import Access, Method, Mode, Param, Session
from opennebula_core.db.transaction import Snapshot
from opennebula_core.documents.escape import escape_document
from opennebula_core.model.template_xml import leaf_text
from opennebula_metrics.figures import Samples
from opennebula_metrics.scraping import render
from opennebula_metrics.tokens import delete_token, make_token, tokens_of


def metrics_methods(samples: Samples) -> Iterable[Method]:
    """Return the methods that the plugin adds."""

    def show(tx: Snapshot, session: Session) -> str:
        return render(tx, session, samples)[0].decode()

    yield Method(
        "one.metrics.show",
        (),
        Access.LISTING,
        Mode.READ,
        show,
        "Return the metrics of what the caller may use.",
    )
    yield Method(
        "one.metrics.tokenallocate",
        (Param("name", str),),
        Access.ANYONE,
        Mode.WRITE,
        make_token,
        "Make a token with which the caller's metrics can be scraped, and return it.",
    )
    yield Method(
        "one.metrics.tokendelete",
        (Param("id", int),),
        Access.HANDLER,
        Mode.WRITE,
        delete_token,
        "Delete a token: one's own, or any as an administrator.",
    )
    yield Method(
        "one.metrics.tokenpool",
        (),
        Access.LISTING,
        Mode.READ,
        _tokens,
        "List one's tokens, without their text.",
    )


def _tokens(tx: Snapshot, session: Session) -> bytes:
    parts = ["<METRICS_TOKEN_POOL>"]
    for token_id, user_id, user, name, created in tokens_of(tx, session):
        parts.append(
            f"<METRICS_TOKEN><ID>{token_id}</ID><UID>{user_id}</UID>"
            f"<UNAME>{leaf_text(user, escaped=False)}</UNAME>"
            f"<NAME>{leaf_text(name, escaped=False)}</NAME><CREATED>{created}</CREATED></METRICS_TOKEN>"
        )
    return escape_document("".join((*parts, "</METRICS_TOKEN_POOL>"))).encode()
