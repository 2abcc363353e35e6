"""What a hook's template says: on which event it runs which command. Source: OpenNebula 6.10, hooks."""

from __future__ import annotations

from collections.abc import Container, Mapping
from enum import IntEnum
from typing import Final

from opennebula_core.errors import InternalError
from opennebula_core.managers.hook.commands import check_command
from opennebula_core.model.numbers import whole_number
from opennebula_core.model.objects import Hook
from opennebula_core.model.states import HostState, ImageState, LcmState, NetworkState, VmState
from opennebula_core.model.template import Template

API, STATE = "api", "state"
YES: Final = frozenset({"YES", "TRUE"})
_ON_VM: Final[Mapping[str, tuple[VmState, LcmState]]] = {
    "CREATE": (VmState.PENDING, LcmState.LCM_INIT),
    "PROLOG": (VmState.ACTIVE, LcmState.PROLOG),
    "RUNNING": (VmState.ACTIVE, LcmState.RUNNING),
    "SHUTDOWN": (VmState.ACTIVE, LcmState.EPILOG),
    "STOP": (VmState.STOPPED, LcmState.LCM_INIT),
    "DONE": (VmState.DONE, LcmState.LCM_INIT),
    "UNKNOWN": (VmState.ACTIVE, LcmState.UNKNOWN),
}
"""The short words for states of VMs; CUSTOM goes by STATE and LCM_STATE."""
_ON_OTHERS: Final[Mapping[str, Mapping[str, str]]] = {
    "HOST": {"CREATE": "INIT", "ERROR": "ERROR", "DISABLE": "DISABLED"},
    "IMAGE": {"CREATE": "READY", "ERROR": "ERROR"},
    "NET": {"CREATE": "READY", "ERROR": "ERROR"},
}
_STATES: Final[Mapping[str, type[IntEnum]]] = {
    "VM": VmState,
    "HOST": HostState,
    "IMAGE": ImageState,
    "NET": NetworkState,
}
_WITHOUT_HOST: Final = ("IMAGE", "NET")
_CUSTOM: Final = "CUSTOM"
_MAX_TIMEOUT_S: Final = 86400


def is_yes(template: Template, name: str) -> bool:
    """Return whether an attribute says yes."""
    return template.get(name).upper() in YES


def define(hook: Hook, calls: Container[str], allowed_folders: tuple[str, ...]) -> None:
    """Read a hook's template into its fields; what is short or left out is written out there.

    :param calls: the methods of the API
    :raises InternalError: it names no event, or no command
    """
    template = hook.template
    kind = template.get("TYPE", hook.type).lower()
    template.remove("TYPE")
    if kind not in (API, STATE):
        raise InternalError(f"Invalid Hook type: {kind!r}; use TYPE=state or TYPE=api")
    if hook.type and kind != hook.type:
        raise InternalError(f"Hook type cannot be changed from {hook.type} to {kind}; make another hook")
    hook.type = kind
    check_command(template.get("COMMAND"), allowed_folders)
    _check_timeout(template)
    hook.call = hook.resource = hook.state = ""
    if kind == API:
        _define_call(hook, calls)
    else:
        _define_state(hook)


def _check_timeout(template: Template) -> None:
    text = template.get("TIMEOUT")
    if "TIMEOUT" in template and not whole_number(text, _MAX_TIMEOUT_S):
        raise InternalError(f"TIMEOUT is {text!r}; write seconds, at most {_MAX_TIMEOUT_S}")


def _define_call(hook: Hook, calls: Container[str]) -> None:
    hook.call = hook.template.get("CALL")
    if hook.call not in calls:
        raise InternalError(f"Invalid API call: {hook.call!r}; CALL is a method such as one.vm.allocate")
    if is_yes(hook.template, "REMOTE"):
        raise InternalError("REMOTE is for hooks on states of VMs and hosts; a call has no host")


def _define_state(hook: Hook) -> None:
    template = hook.template
    hook.resource = template.get("RESOURCE").upper()
    if hook.resource not in _STATES:
        raise InternalError(f"Invalid RESOURCE: {hook.resource!r}; use one of {', '.join(_STATES)}")
    if hook.resource in _WITHOUT_HOST and is_yes(template, "REMOTE"):
        raise InternalError("REMOTE is for hooks on states of VMs and hosts; nothing else has a host")
    template.set("RESOURCE", hook.resource)
    on = template.get("ON").upper()
    template.remove("ON")
    if on and on != _CUSTOM:
        _expand(template, hook.resource, on)
    hook.state = _vm_place(template) if hook.resource == "VM" else _state(template, hook.resource)


def _expand(template: Template, resource: str, on: str) -> None:
    if resource == "VM" and on in _ON_VM:
        state, lcm_state = _ON_VM[on]
        template.set("STATE", state.name)
        template.set("LCM_STATE", lcm_state.name)
    elif on in _ON_OTHERS.get(resource, {}):
        template.set("STATE", _ON_OTHERS[resource][on])
    else:
        known = ", ".join((*_ON_OTHERS.get(resource, _ON_VM), _CUSTOM))
        raise InternalError(f"Invalid ON: {on!r}; use one of {known}")


def _state(template: Template, resource: str) -> str:
    name, known = template.get("STATE").upper(), _STATES[resource].__members__
    if name not in known:
        raise InternalError(f"Invalid STATE: {name!r}; use ON, or one of {', '.join(known)}")
    template.set("STATE", name)
    return name


def _vm_place(template: Template) -> str:
    state = _state(template, "VM")
    name = template.get("LCM_STATE").upper() or LcmState.LCM_INIT.name
    if name not in LcmState.__members__:
        raise InternalError(f"Invalid LCM_STATE: {name!r}; use a state such as RUNNING")
    if (state == VmState.ACTIVE.name) == (name == LcmState.LCM_INIT.name):
        raise InternalError(
            f"No VM is ever in STATE {state} with LCM_STATE {name}; ACTIVE takes an LCM_STATE, others none"
        )
    template.set("LCM_STATE", name)
    return f"{state} {name}"
