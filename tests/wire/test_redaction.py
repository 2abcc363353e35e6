from __future__ import annotations

import base64

from opennebula_core.wire.redaction import without


def test_secrets_are_hidden_in_every_form() -> None:
    encoded = base64.b64encode(b"open sesame").decode()
    assert without(f"wrong: open sesame, {encoded}; open", ["open sesame"]) == "wrong: ***, ***; ***"


def test_other_texts_stay() -> None:
    assert without("wrong secret", []) == without("wrong secret", [""]) == "wrong secret"
