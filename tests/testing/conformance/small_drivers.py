"""Small drivers as subjects of ``onedriver check``."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from opennebula_core.testing.conformance.subject import Limits, Login, Subject

SMALL = Path(__file__).with_name("small")
ROOT = Path(__file__).parents[3]
VMM_ACTIONS = (
    "DEPLOY POLL CANCEL CLEANUP SHUTDOWN SAVE RESTORE MIGRATE REBOOT RESET ATTACHNIC DETACHNIC RESIZE "
    "SNAPSHOTCREATE"
)
TM_ACTIONS = "CLONE LN MKIMAGE MKSWAP MV MVDS DELETE"
DELAY_S = 0.5

SUBJECTS = {
    "vmm": Subject("vmm", (), actions=frozenset(VMM_ACTIONS.split()), slow=f"DELAY = {DELAY_S}"),
    "tm": Subject("tm", (), actions=frozenset(TM_ACTIONS.split()), slow=f"#% DELAY={DELAY_S}"),
    "datastore": Subject("datastore", (), slow=f"DELAY = {DELAY_S}"),
    "im": Subject("im", (), slow=f"DELAY = {DELAY_S}", period_s=0.3, unreachable="nowhere"),
    "auth": Subject("auth", (), slow=f"slow{DELAY_S}", login=Login("alice", "-", "open-Sesame")),
}


def small_driver(kind: str, *faults: str, limits: Limits | None = None) -> Subject:
    """Return the small driver of a kind, with faults."""
    command = (sys.executable, "-S", "-m", "tests.testing.conformance.small.driver", kind, *faults)
    return replace(
        SUBJECTS[kind], command=command, environment={"PYTHONPATH": str(ROOT)}, limits=limits or Limits()
    )
