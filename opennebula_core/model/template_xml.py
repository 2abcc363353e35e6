"""Templates as XML elements: sorted by name, leaves as CDATA; plain, or escaped for embedding in a text.

Documents are kept escaped (``&lt;VM&gt;``) because an XML-RPC answer carries them as a string. The markup is
written escaped from the start, and the layout of a vector's keys is worked out once for all vectors that
have the same: rendering is on the path of every change of a VM.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Final

from opennebula_core.model.elements import is_legal_text, legal_text
from opennebula_core.model.template_syntax import Value

Layout = tuple[str, Callable[[Mapping[str, str]], tuple[str, ...]]]

_PLAIN: Final = "<{0}><![CDATA[%s]]></{0}>"
_ESCAPED: Final = "&lt;{0}&gt;&lt;![CDATA[%s]]&gt;&lt;/{0}&gt;"
_MAX_CACHED_KEYS: Final = 64
"""Layouts of larger vectors are not remembered: users could fill the memory with them."""


def render_attributes(attributes: Mapping[str, list[Value]], *, escaped: bool) -> str:
    """Return the elements of all attributes, one after the other."""
    parts = []
    for name, held in sorted(attributes.items()):
        for value in held:
            if isinstance(value, str):
                parts.append(render_leaf(name, value, escaped=escaped))
            elif value:
                parts.append(render_vector(name, value, escaped=escaped))
    return "".join(parts)


def render_vector(
    name: str, vector: Mapping[str, str], *, escaped: bool, kept: frozenset[str] | None = None
) -> str:
    """Return the element of a vector.

    :param kept: leave out all other keys
    """
    layout = _layout if len(vector) <= _MAX_CACHED_KEYS else _layout.__wrapped__
    form, pick = layout(name, tuple(vector), kept, escaped)
    values = pick(vector)
    blob = "".join(values)
    if _is_harmless(blob, escaped=escaped):
        return form % values
    return form % tuple(leaf_text(value, escaped=escaped) for value in values)


def render_leaf(name: str, value: str, *, escaped: bool) -> str:
    """Return the element of a single attribute."""
    inner = leaf_text(value, escaped=escaped)
    if escaped:
        return f"&lt;{name}&gt;&lt;![CDATA[{inner}]]&gt;&lt;/{name}&gt;"
    return f"<{name}><![CDATA[{inner}]]></{name}>"


def leaf_text(value: str, *, escaped: bool) -> str:
    """Return what stands between the brackets of a CDATA section to give ``value``.

    What XML cannot hold is replaced: control characters by ``?``, ``]]>`` (a driver's message may have it) by
    ``]] >``.
    """
    if _is_harmless(value, escaped=escaped):
        return value
    value = legal_text(value.replace("]]>", "]] >"))
    if escaped:
        return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return value


def _is_harmless(text: str, *, escaped: bool) -> bool:
    if escaped:
        return not ("&" in text or "<" in text or ">" in text) and is_legal_text(text)
    return "]]>" not in text and is_legal_text(text)


@lru_cache(maxsize=4096)
def _layout(name: str, keys: tuple[str, ...], kept: frozenset[str] | None, escaped: bool) -> Layout:
    ordered = sorted(key for key in keys if kept is None or key in kept)
    leaf = _ESCAPED if escaped else _PLAIN
    inner = "".join(leaf.format(key) for key in ordered)
    open_bracket, close_bracket = ("&lt;", "&gt;") if escaped else ("<", ">")
    form = f"{open_bracket}{name}{close_bracket}{inner}{open_bracket}/{name}{close_bracket}"
    return form, _picker(ordered)


def _picker(keys: Iterable[str]) -> Callable[[Mapping[str, str]], tuple[str, ...]]:
    names = tuple(keys)
    if len(names) > 1:
        return itemgetter(*names)
    return lambda vector: tuple(vector[name] for name in names)
