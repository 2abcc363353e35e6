from __future__ import annotations

from datetime import UTC, datetime

from opennebula_core.model.template import Template
from opennebula_core.scheduling.messages import ATTRIBUTE, is_told, update_text

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def test_a_message_is_dated() -> None:
    text = Template.parse(update_text("no host", NOON)).get(ATTRIBUTE)
    assert text.endswith(": no host")
    assert "2024" in text


def test_a_message_that_was_written_is_known_again_whenever_that_was() -> None:
    text = Template.parse(update_text('"a": b ]]> c', NOON)).get(ATTRIBUTE)
    assert is_told(text, '"a": b ]]> c')
    assert not is_told(text, "b ]]> c")
    assert not is_told("", "anything")
