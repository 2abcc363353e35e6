"""Which names objects may have. Source: OpenNebula 6.10, PoolObjectSQL."""

from __future__ import annotations

import re
from typing import Final

from opennebula_core.errors import InternalError
from opennebula_core.model.elements import is_legal_text

MAX_NAME_CHARS: Final = 128

_FORBIDDEN = re.compile(r"[&|:\\\";/'#{}$<>\x00-\x1f\x7f]")


def check_name(name: str, *, allow_blanks: bool = True) -> None:
    """Check that an object may have this name.

    :param allow_blanks: users and groups may have none
    :raises InternalError: it may not; the text is OpenNebula's where that has one
    """
    if not name:
        raise InternalError("Invalid NAME, it cannot be empty")
    if len(name) > MAX_NAME_CHARS:
        raise InternalError(
            f"Invalid NAME, it has {len(name)} characters; at most {MAX_NAME_CHARS} are allowed"
        )
    found = _FORBIDDEN.search(name)
    if found or not is_legal_text(name):
        character = repr(found[0]) if found else "a control character"
        raise InternalError(f"Invalid NAME, it contains {character}; use other characters")
    if not allow_blanks and " " in name:
        raise InternalError("Invalid NAME, it contains a blank; users and groups have none")
