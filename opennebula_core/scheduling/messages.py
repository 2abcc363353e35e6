"""SCHED_MESSAGE: what a user reads about a VM that stays pending."""

from __future__ import annotations

from datetime import datetime
from typing import Final

ATTRIBUTE: Final = "SCHED_MESSAGE"


def is_told(stored: str, message: str) -> bool:
    """Whether the stored SCHED_MESSAGE says the same already, whenever it was written."""
    return stored.partition(": ")[2] == _quotable(message)


def update_text(message: str, now: datetime) -> str:
    """Return the template that writes the message, with its time, into a VM's user template.

    Source of the form: OpenNebula 6.10 mm_sched.
    """
    return f'{ATTRIBUTE} = "{now.astimezone().strftime("%a %b %e %H:%M:%S %Y")}: {_quotable(message)}"'


def _quotable(message: str) -> str:
    """Return the message without what would end the value, or what every template refuses."""
    return message.replace('"', "'").replace("]]>", "]] >").strip()
