"""Which call of the API each scheduled action is, and what its ARGS mean. Source: OpenNebula 6.10."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from opennebula_core.errors import InternalError
from opennebula_core.model.numbers import whole_number

_PLAIN: Final = (
    "terminate", "terminate-hard", "undeploy", "undeploy-hard", "hold", "release", "stop", "suspend",
    "resume", "reboot", "reboot-hard", "poweroff", "poweroff-hard",
)  # fmt: skip
MAX_ARGS: Final = 1024


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the API."""

    method: str
    parameters: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Form:
    """What ARGS holds, separated by commas.

    :param kinds: ``int`` or ``str`` for each; those behind ``needed`` have the ``defaults``
    """

    method: str
    format: str
    kinds: tuple[type, ...]
    needed: int
    defaults: tuple[object, ...] = ()

    def read(self, action: str, text: str) -> tuple[object, ...]:
        words = [word.strip() for word in text.split(",")] if text.strip() else []
        if self.needed <= len(words) <= len(self.kinds):
            read = [_READERS[kind](word) for kind, word in zip(self.kinds, words, strict=False)]
            if None not in read:
                return (*read, *self.defaults[len(words) - self.needed :])
        raise InternalError(f"Missing or malformed ARGS for: {action}. Format: {self.format}")


def _flag(word: str) -> bool | None:
    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(word.lower())


_READERS: Final[Mapping[type, Callable[[str], object]]] = {
    int: whole_number,
    str: lambda word: word or None,
    bool: _flag,
}
_FORMS: Final[Mapping[str, _Form]] = {
    "snapshot-create": _Form("one.vm.snapshotcreate", "snapshot-name", (str,), 1),
    "snapshot-revert": _Form("one.vm.snapshotrevert", "snapshot-id", (int,), 1),
    "snapshot-delete": _Form("one.vm.snapshotdelete", "snapshot-id", (int,), 1),
    "disk-snapshot-create": _Form("one.vm.disksnapshotcreate", "disk-id, snapshot-name", (int, str), 2),
    "disk-snapshot-revert": _Form("one.vm.disksnapshotrevert", "disk-id, snapshot-id", (int, int), 2),
    "disk-snapshot-delete": _Form("one.vm.disksnapshotdelete", "disk-id, snapshot-id", (int, int), 2),
    "backup": _Form("one.vm.backup", "datastore-id [, reset]", (int, bool), 1, (False,)),
}
_READ: Final[Mapping[str, Callable[[int, str], Call]]] = {
    name: partial(lambda action, vm_id, args: Call("one.vm.action", (action, vm_id)), name) for name in _PLAIN
} | {
    name: partial(
        lambda action, vm_id, args: Call(
            _FORMS[action].method, (vm_id, *_FORMS[action].read(action, args))
        ),
        name,
    )
    for name in _FORMS
}  # fmt: skip


def call_of(vm_id: int, action: str, args: str) -> Call:
    """Return the call that carries out an action on a VM.

    :raises InternalError: there is no such action, or the arguments are not what it takes
    """
    read = _READ.get(action)
    if read is None:
        raise InternalError(
            f"Action {action[:80]!r} is not supported as a scheduled action; use one of {', '.join(_READ)}"
        )
    if len(args) > MAX_ARGS:
        raise InternalError(f"ARGS of {action} has {len(args)} characters; write at most {MAX_ARGS}")
    return read(vm_id, args)
