"""Changes to ``oned.toml`` by programs: one setting, and every comment and blank line stays where it is."""

from __future__ import annotations

import json
import os
import re
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from opennebula_core.errors import ConfigError

SECTION: Final = "plugins"
SETTING: Final = "disabled"
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|#[^\n]*|\]')
_MAX_LINES: Final = 1000


def change_disabled(file: Path, name: str, *, is_disabled: bool) -> bool:
    """Put a name into ``[plugins] disabled`` of a configuration file, or take it out.

    The file is replaced in one step and keeps its mode; one that is missing is made.

    :returns: whether anything changed
    :raises ConfigError: the file cannot be read, changed without harm, or written
    """
    try:
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        changed = with_disabled(text, name, is_disabled=is_disabled)
        if changed == text:
            return False
        _replace(file, changed)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"change {file}: {error}; make it a text that you may write") from error
    except ValueError as error:
        raise ConfigError(
            f"change {file}: {error}; write {SETTING} = [...] under [{SECTION}] by hand"
        ) from None
    return True


def with_disabled(text: str, name: str, *, is_disabled: bool) -> str:
    """Return the text of a configuration with a name put into ``[plugins] disabled``, or taken out.

    :raises ValueError: it is no TOML, or is written in a way that is not understood here; nothing is guessed
    """
    before = tomllib.loads(text)
    names = _names(before)
    if (name in names) == is_disabled:
        return text
    wanted = [*names, name] if is_disabled else [other for other in names if other != name]
    lines = text.splitlines(keepends=True)
    changed = "".join(_edited(lines, name, is_disabled=is_disabled))
    after = tomllib.loads(changed)
    if _names(after) != wanted or _without(after) != _without(before):
        raise ValueError(f"the setting {SECTION}.{SETTING} is written in an unusual way")
    return changed


def _names(document: dict[str, Any]) -> list[str]:
    section = document.get(SECTION, {})
    names = section.get(SETTING, []) if isinstance(section, dict) else None
    if not isinstance(names, list):
        raise ValueError(f"{SECTION}.{SETTING} is no list")
    return names


def _without(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document without the setting, to see that nothing else has changed."""
    section = {key: value for key, value in document.get(SECTION, {}).items() if key != SETTING}
    return {**{key: value for key, value in document.items() if key != SECTION}, SECTION: section}


def _edited(lines: list[str], name: str, *, is_disabled: bool) -> Sequence[str]:
    heading = _find(lines, rf"\s*\[\s*{SECTION}\s*\]", 0, len(lines))
    if heading is None:
        end = "" if not lines or lines[-1].endswith("\n") else "\n"
        return [*lines, end, "\n" if lines else "", f"[{SECTION}]\n", f"{SETTING} = [{json.dumps(name)}]\n"]
    section_end = _find(lines, r"\s*\[", heading + 1, len(lines)) or len(lines)
    start = _find(lines, rf"\s*{SETTING}\s*=\s*\[", heading + 1, section_end)
    if start is None:
        hint = _find(lines, rf"\s*#\s*{SETTING}\s*=", heading + 1, section_end)
        place = (heading if hint is None else hint) + 1
        return [*lines[:place], f"{SETTING} = [{json.dumps(name)}]\n", *lines[place:]]
    end_line = _value_end(lines, start)
    value = "".join(lines[start:end_line])
    edit = _with_item if is_disabled else _without_item
    return [*lines[:start], edit(value, name), *lines[end_line:]]


def _find(lines: Sequence[str], pattern: str, begin: int, end: int) -> int | None:
    expression = re.compile(pattern)
    return next((number for number in range(begin, end) if expression.match(lines[number])), None)


def _value_end(lines: Sequence[str], start: int) -> int:
    """Return the line behind a value that may take several: where what was read so far is whole."""
    for end in range(start + 1, min(len(lines), start + _MAX_LINES) + 1):
        try:
            tomllib.loads("".join(lines[start:end]))
        except tomllib.TOMLDecodeError:
            continue
        return end
    raise ValueError(f"the list {SECTION}.{SETTING} has no end")


def _tokens(value: str) -> list[re.Match[str]]:
    """Return the texts of a list and its closing bracket."""
    return [found for found in _TOKEN.finditer(value, value.index("[") + 1) if found[0][0] != "#"]


def _with_item(value: str, name: str) -> str:
    tokens = _tokens(value)
    items = tokens[: next(number for number, found in enumerate(tokens) if found[0] == "]")]
    if not items:
        place = value.index("[") + 1
        return f"{value[:place]}{json.dumps(name)}{value[place:]}"
    place = items[-1].end()
    return f"{value[:place]}, {json.dumps(name)}{value[place:]}"


def _without_item(value: str, name: str) -> str:
    for found in _tokens(value):
        if found[0] != "]" and tomllib.loads(f"item = {found[0]}")["item"] == name:
            rest = value[found.end() :]
            behind = re.match(r"\s*,[ \t]*", rest)
            if behind is not None:
                return value[: found.start()] + rest[behind.end() :]
            return re.sub(r",\s*$", "", value[: found.start()]) + rest
    return value


def _replace(file: Path, text: str) -> None:
    """Replace a file in one step: whoever reads it sees the old one or the new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    target = file.resolve()
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as written:
            written.write(text)
            written.flush()
            os.fsync(written.fileno())
        os.chmod(temporary, target.stat().st_mode & 0o7777 if target.exists() else 0o600)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
