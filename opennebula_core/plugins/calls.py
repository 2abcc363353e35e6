"""Calling hooks: tell all, ask all, hand a value through all. The one border where plugins' code runs.

pluggy's own call stops at the first exception and cannot say whose it was; these do not and can.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from time import perf_counter
from typing import Final

from pluggy import HookCaller, HookImpl

from opennebula_core.errors import OpenNebulaError, PluginError
from opennebula_core.hookspecs import IN_TRANSACTION
from opennebula_core.plugins.complaints import Complaints, repeated

LOG = logging.getLogger(__name__)
SLOW_MS: Final = 5.0
BLOCKED_MS: Final = 200.0
"""Outside of transactions: as long as nobody notices."""
COMPLAINTS: Final = Complaints()


def notify(hook: HookCaller, **event: object) -> None:
    """Tell every plugin; one that fails is logged and does not stop the others."""
    for implementation in _in_order(hook):
        arguments = _arguments(implementation, event)
        try:
            _call(hook, implementation, arguments)
        except Exception:  # noqa: BLE001  # the border to foreign code; _complain logs it
            _complain(hook, implementation)


def ask(hook: HookCaller, **event: object) -> list[object]:
    """Return what the plugins answer, without the Nones; the first one that raises refuses for all.

    :raises OpenNebulaError: a plugin refused
    :raises PluginError: a plugin failed with any other exception, which refuses too: whatever a plugin guards
        must not pass because the guard fell over
    """
    return [answer for _, answer in ask_each(hook, **event)]


def ask_each(hook: HookCaller, **event: object) -> Iterator[tuple[str, object]]:
    """Give, one after the other, each plugin's name and its answer, without the Nones.

    :raises PluginError: see :func:`ask`
    """
    for implementation in _in_order(hook):
        answer = _asked(hook, implementation, event)
        if answer is not None:
            yield implementation.plugin_name, answer


def gather(hook: HookCaller, **event: object) -> list[tuple[str, object]]:
    """Return the plugins' names and answers, without the Nones; one that fails is logged and left out."""
    answers: list[tuple[str, object]] = []
    for implementation in _in_order(hook):
        arguments = _arguments(implementation, event)
        try:
            answer = _call(hook, implementation, arguments)
        except Exception:  # noqa: BLE001  # the border to foreign code; _complain logs it
            _complain(hook, implementation)
            continue
        if answer is not None:
            answers.append((implementation.plugin_name, answer))
    return answers


def chain(hook: HookCaller, subject: str, **event: object) -> object:
    """Hand the argument ``subject`` through all plugins: each sees what the one before has made of it.

    :returns: what the last one made of it
    :raises PluginError: see :func:`ask`
    """
    for implementation in _in_order(hook):
        answer = _asked(hook, implementation, event)
        if answer is not None:
            event[subject] = answer
    return event[subject]


def _complain(hook: HookCaller, implementation: HookImpl) -> None:
    """Log the exception at hand, unless the same hook has been complained about a moment ago."""
    quiet = COMPLAINTS.is_due("failed", implementation)
    if quiet is not None:
        LOG.exception("plugin %s: failed in %s%s", implementation.plugin_name, hook.name, repeated(quiet))


def _in_order(hook: HookCaller) -> list[HookImpl]:
    """Return the implementations in the order of calls: ``tryfirst``, then last registered first."""
    return hook.get_hookimpls()[::-1]


def _asked(hook: HookCaller, implementation: HookImpl, event: dict[str, object]) -> object:
    arguments = _arguments(implementation, event)
    try:
        return _call(hook, implementation, arguments)
    except OpenNebulaError:
        raise
    except Exception as error:
        name = implementation.plugin_name
        raise PluginError(
            f"ask plugin {name!r} in {hook.name}: {type(error).__name__}: {error}; "
            f"upgrade it, or put {name!r} into [plugins] disabled"
        ) from error


def _arguments(implementation: HookImpl, event: dict[str, object]) -> list[object]:
    return [event[name] for name in implementation.argnames]


def _call(hook: HookCaller, implementation: HookImpl, arguments: list[object]) -> object:
    is_inside = hook.name in IN_TRANSACTION
    started = perf_counter()
    try:
        return implementation.function(*arguments)
    finally:
        taken_ms = (perf_counter() - started) * 1000
        if taken_ms > (SLOW_MS if is_inside else BLOCKED_MS):
            _say_slow(hook.name, implementation, taken_ms, is_inside=is_inside)


def _say_slow(name: str, implementation: HookImpl, taken_ms: float, *, is_inside: bool) -> None:
    quiet = COMPLAINTS.is_due("slow", implementation)
    if quiet is not None:
        where = "inside a transaction that everybody waits for" if is_inside else "while everybody waits"
        LOG.warning(
            "plugin %s: took %.1f ms in %s, %s%s",
            implementation.plugin_name,
            taken_ms,
            name,
            where,
            repeated(quiet),
        )
