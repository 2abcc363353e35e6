"""The manual's page on VM states, drawn from the transition table.

``python -m opennebula_core.model.state_diagram > docs/vm-states.md`` writes it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from opennebula_core.model.states import LcmState, VmState
from opennebula_core.model.transitions import TRANSITIONS, Place, state_name
from opennebula_core.model.vm_events import VmEvent as E

_STEPS = (E.STEP_SUCCEEDED, E.STEP_FAILED, E.MOVED_POWERED_OFF)
_RECOVERY = (E.RECOVER_RETRY, E.RECOVER_SUCCESS, E.RECOVER_FAILURE)
_LABELS = {E.STEP_SUCCEEDED: "ok", E.STEP_FAILED: "failed", E.MOVED_POWERED_OFF: "ok, powered off"}

_SECTIONS = (
    (
        "Before the first host",
        (E.SUBMIT, E.SUBMIT_ON_HOLD, E.AWAIT_IMAGES, E.IMAGES_READY, E.IMAGES_FAILED, E.HOLD, E.RELEASE),
    ),
    ("Deployment", (E.DEPLOY, E.DEPLOY_STOPPED, E.DEPLOY_UNDEPLOYED)),
    ("Rest and resume", (E.SUSPEND, E.STOP, E.POWEROFF, E.UNDEPLOY, E.RESUME)),
    ("Migration", (E.MIGRATE_LIVE, E.MIGRATE_SAVE, E.MIGRATE_POWEROFF)),
    ("The end", (E.TERMINATE, E.TERMINATE_HARD, E.TERMINATE_STORED)),
    (
        "What monitoring changes",
        (E.MONITOR_RUNNING, E.MONITOR_POWEROFF, E.MONITOR_SUSPENDED, E.MONITOR_UNKNOWN),
    ),
)

_INTRODUCTION = """\
# States of a VM

Drawn from the transition table by `python -m opennebula_core.model.state_diagram`; do not edit.

A VM shows two states. STATE is what users see; in ACTIVE, LCM_STATE says what the core is waiting for.
The pictures name an ACTIVE VM by its LCM state. Capital words are events; *ok* and *failed* are the outcome
of the driver's action that the state waits for.
"""


def render_page() -> str:
    """Return the page in Markdown, with a Mermaid diagram for each group of operations."""
    parts = [_INTRODUCTION]
    parts += [f"## {title}\n\n```mermaid\n{render_mermaid(events)}\n```\n" for title, events in _SECTIONS]
    parts.append("## Changes to a VM\n\n" + _changes_table())
    parts.append("## Recovery\n\n" + _recovery_table())
    return "\n".join(parts)


def render_mermaid(events: Iterable[E]) -> str:
    """Return a Mermaid state diagram of ``events`` and of the steps that they start."""
    labels: dict[tuple[str, str], dict[str, None]] = {}
    for source, event, target in _edges(tuple(events)):
        name = "any_FAILURE" if source[1].is_failure else state_name(*source)
        labels.setdefault((name, state_name(*target)), {})[_LABELS.get(event, event.name)] = None
    lines = ["stateDiagram-v2"]
    lines += [f"    {source} --> {target}: {', '.join(words)}" for (source, target), words in labels.items()]
    return "\n".join(lines)


def _edges(events: tuple[E, ...]) -> Iterator[tuple[Place, E, Place]]:
    found = [
        ((state, lcm), event, target)
        for (state, lcm, event), target in TRANSITIONS.items()
        if event in events
    ]
    yield from found
    followed: set[Place] = set()
    waiting = [target for _, event, target in found if not event.startswith("MONITOR")]
    while waiting:
        place = waiting.pop(0)
        if place in followed:
            continue
        followed.add(place)
        for step in _STEPS:
            target = None if place[1].is_failure else TRANSITIONS.get((*place, step))
            if target:
                yield place, step, target
                waiting.append(target)


def _changes_table() -> str:
    """Return a table of what is done to a VM that goes back to the state it came from."""
    drawn = {event for _, events in _SECTIONS for event in events}
    rows: dict[E, list[str]] = {}
    for (state, lcm, event), target in TRANSITIONS.items():
        if event in drawn or event in (*_STEPS, *_RECOVERY, E.DELETE, E.RECREATE, E.DELETE_DB):
            continue
        source, wait = state_name(state, lcm), state_name(*target)
        rows.setdefault(event, []).append(source if wait == source else f"{source} (through {wait})")
    lines = ["| event | in |", "| --- | --- |"]
    lines += [f"| {event.name} | {', '.join(places)} |" for event, places in sorted(rows.items())]
    return "\n".join(lines) + "\n"


def _recovery_table() -> str:
    lines = ["| in | retry | success | failure |", "| --- | --- | --- | --- |"]
    for lcm in LcmState:
        targets = [TRANSITIONS.get((VmState.ACTIVE, lcm, event)) for event in _RECOVERY]
        if any(targets):
            cells = [state_name(*target) if target else "" for target in targets]
            lines.append(f"| {lcm.name} | {' | '.join(cells)} |")
    lines.append("")
    lines.append(
        "`recover --delete` and `--recreate` work in every state but DONE, through CLEANUP_DELETE and"
    )
    lines.append(
        "CLEANUP_RESUBMIT where the VM has files or a guest. While the guest cannot be ended, the VM stays"
    )
    lines.append("there with its addresses and images, and says so in ERROR: one VM never runs twice.")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render_page())
