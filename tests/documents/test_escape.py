from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from opennebula_core.documents.escape import escape_document, unescape_document


@given(st.text(alphabet="ab&<>;ltgmp"))
def test_what_is_escaped_can_be_unescaped(text: str) -> None:
    escaped = escape_document(text)

    assert "<" not in escaped
    assert ">" not in escaped
    assert unescape_document(escaped) == text
