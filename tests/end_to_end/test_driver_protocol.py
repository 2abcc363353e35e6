"""The project's drivers for real hosts keep the protocol on real hosts."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from opennebula_core.plugins.discovery import describe
from opennebula_core.testing.conformance.outcome import Outcome, Result
from opennebula_core.testing.conformance.report import lines_of
from opennebula_core.testing.conformance.runner import Selection, run
from opennebula_core.testing.conformance.subject import Limits, Subject
from opennebula_core.testing.kvmlab.lab import Lab

pytestmark = pytest.mark.integration

PATIENT = Limits(answer=60, end=10, check=180, total=400)
ONEDRIVER = (sys.executable, "-m", "opennebula_core.wire.onedriver")
NEEDS_SYSTEM = frozenset(
    {
        "SHUTDOWN",
        "REBOOT",
        "ATTACHDISK",
        "DETACHDISK",
        "ATTACHNIC",
        "DETACHNIC",
        "RESIZE",
        "RESIZEDISK",
        "SNAPSHOTCREATE",
    }
)
"""What a guest without disks and without an operating system cannot take part in."""

FOLDER = "/var/lib/one/datastores/0/check"
KVM = 'CPU = 0.1\nVCPU = 1\nMEMORY = 32\nOS = [ MACHINE = "pc" ]'
KINDS = {
    "im": ("kvm", Subject("im", (), unreachable="nowhere", period_s=0.5)),
    "tm": ("ssh", Subject("tm", (), pretends=True)),
    "vnm": ("bridge", Subject("vnm", ())),
    "vmm": ("kvm", Subject("vmm", (), template=KVM, folder=FOLDER)),
}


def subject(kind: str, config: Path) -> Subject:
    name, found = KINDS[kind]
    command = (*ONEDRIVER, "vmm", "dummy") if kind == "vnm" else (*ONEDRIVER, kind, name)
    actions = frozenset(describe(f"opennebula.{kind}", name).actions) - NEEDS_SYSTEM
    return replace(
        found, command=command, name=name, is_own=True, actions=actions, config=str(config), limits=PATIENT
    )


def tell(outcome: Outcome) -> None:
    """Let the report be seen with ``pytest -s``."""
    sys.stderr.write("\n".join(lines_of(outcome)) + "\n")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_driver_keeps_the_protocol(kind: str, front_end_network: Lab, tmp_path: Path) -> None:
    config = tmp_path / "oned.toml"
    name = KINDS[kind][0]
    config.write_text(
        f'[drivers.{kind}.{name}.options]\nssh_config = "{front_end_network.front_end_ssh_config}"\n'
    )

    for host in front_end_network.hosts:
        front_end_network.exec(host, ["mkdir", "-p", FOLDER])

    outcomes = await run(
        subject(kind, config),
        Selection(("action", "work", "end.all")),
        tell,
    )

    assert not ["\n".join(lines_of(each)) for each in outcomes if each.result is Result.FAILED]
