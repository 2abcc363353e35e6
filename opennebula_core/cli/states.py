"""States as words: the short ones of listings, the full ones of ``show`` and of filters."""

from __future__ import annotations

from enum import IntEnum
from xml.etree.ElementTree import Element

from opennebula_core.cli.columns import Column
from opennebula_core.model.states import LcmState, VmState


def full_name(kind: type[IntEnum], text: str | None) -> str:
    """Return a number's name; the number itself when only another server knows it."""
    try:
        return kind(int(text or 0)).name
    except ValueError:
        return str(text)


def short_name(kind: type[IntEnum], text: str | None) -> str:
    """Return the word of listings for a number."""
    try:
        member = kind(int(text or 0))
    except ValueError:
        return str(text)
    return str(getattr(member, "short", member.name))


def state_column(name: str, kind: type[IntEnum], path: str, *, also: tuple[str, ...] = ()) -> Column:
    """Return a column of states; filters may use the short and the full word."""
    return Column(
        name,
        lambda item: short_name(kind, item.findtext(path)),
        words=lambda item: (full_name(kind, item.findtext(path)),),
        also=also,
        choices=state_words(kind),
    )


def state_words(*kinds: type[IntEnum]) -> tuple[str, ...]:
    """Return the words by which states may be named: the short ones first, then the full ones."""
    short = (str(getattr(member, "short", member.name)) for kind in kinds for member in kind)
    full = (member.name for kind in kinds for member in kind)
    return tuple(dict.fromkeys(word for word in (*short, *full) if word))


def vm_state_names(item: Element) -> tuple[str, str]:
    """Return the full names of a VM's STATE and LCM_STATE."""
    return full_name(VmState, item.findtext("STATE")), full_name(LcmState, item.findtext("LCM_STATE"))


def vm_state(item: Element) -> str:
    """Return the name that says most: of the LCM state while ACTIVE, else of the state."""
    state, lcm_state = vm_state_names(item)
    return lcm_state if state == VmState.ACTIVE.name else state


def short_vm_state(item: Element) -> str:
    """Return the word of ``onevm list``."""
    if item.findtext("STATE") == str(int(VmState.ACTIVE)):
        return short_name(LcmState, item.findtext("LCM_STATE"))
    return short_name(VmState, item.findtext("STATE"))


def has_failed(vm: Element) -> bool:
    """Return whether a VM waits for recover: in a failure state, or in its removal with an error.

    :param vm: a document that has the user template
    """
    state = vm_state(vm)
    is_held_up = state.startswith("CLEANUP_") and vm.find("USER_TEMPLATE/ERROR") is not None
    return state.endswith("_FAILURE") or is_held_up
