"""VMs that failed, that are not known to run, that hang on the way, or that nobody places."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from opennebula_core.cli.application import Application
from opennebula_core.cli.columns import figure
from opennebula_core.cli.doctor.findings import Finding, error, limited, ok, warning
from opennebula_core.cli.kinds import VM
from opennebula_core.cli.quantities import period_text
from opennebula_core.cli.states import has_failed, vm_state
from opennebula_core.model.states import LcmState, VmState

STUCK_S: Final = 3600
"""A transfer may well take minutes; an hour on the way is worth a look."""
PENDING_S: Final = 300
_SETTLED: Final = {
    LcmState.RUNNING.name,
    *(state.name for state in VmState if state not in (VmState.INIT, VmState.PENDING, VmState.CLONING,
                                                      VmState.CLONING_FAILURE)),
}  # fmt: skip
_MOMENTS: Final = ("STIME", "PSTIME", "PETIME", "RSTIME", "RETIME", "ESTIME", "EETIME")
MAX_EXAMINED: Final = 1000


def examine_machines(application: Application, vms: Sequence[Element]) -> Iterator[Finding]:
    """Yield VMs that need a person.

    :param vms: the documents of all, as the pool lists them
    """
    suspects = [vm.findtext("ID", "") for vm in vms if vm_state(vm) not in _SETTLED]
    findings: list[Finding] = []
    if suspects:
        # Only they are read in full: reasons and times are in no short document.
        pool = application.client.element("one.vmpool.infoset", ",".join(suspects[:MAX_EXAMINED]), True)
        findings = [finding for vm in pool.iterfind(VM.element) for finding in _of_machine(vm)]
    if not findings:
        yield ok("VMs", f"{len(vms)}, none has failed or hangs")
    findings.sort(key=lambda finding: -finding.level)
    yield from limited(findings, "onevm list -l ID,NAME,STAT,ERROR,MESSAGE")


def _of_machine(vm: Element) -> Iterator[Finding]:
    state, own_id = vm_state(vm), vm.findtext("ID", "")
    what = f"VM {own_id} ({vm.findtext('NAME')})"
    reason = vm.findtext("USER_TEMPLATE/ERROR") or ""
    if has_failed(vm):
        way_out = "--delete" if state.endswith("_FAILURE") else "--success once its guest is surely gone"
        yield error("VMs", f"{what} is in {state}: {reason or f'see onevm log {own_id}'}",
                    f"onevm recover {own_id} --retry, or {way_out}")  # fmt: skip
    elif state == LcmState.UNKNOWN.name:
        yield warning("VMs", f"{what} is UNKNOWN: it does not run on its host, or the host is silent",
                      f"onevm show {own_id}; start it again: onevm resume {own_id}")  # fmt: skip
    elif state == VmState.PENDING.name:
        yield from _of_pending(vm, what, own_id)
    else:
        since_s = time.time() - _last_moment(vm)
        if since_s > STUCK_S:
            said = f"{what} is in {state} for {period_text(since_s)}: {reason or 'no reason is known'}"
            yield warning("VMs", said, f"onevm log {own_id}; onevm recover {own_id} --failure")


def _of_pending(vm: Element, what: str, own_id: str) -> Iterator[Finding]:
    waits_s = time.time() - _last_moment(vm)
    if waits_s > PENDING_S:
        message = vm.findtext("USER_TEMPLATE/SCHED_MESSAGE") or "the scheduler has said nothing of it"
        yield warning("VMs", f"{what} waits for a host for {period_text(waits_s)}: {message}",
                      f"onevm show {own_id}; onehost list")  # fmt: skip


def _last_moment(vm: Element) -> float:
    """Return when something last happened to a VM, as far as its history says."""
    records = vm.findall("HISTORY_RECORDS/HISTORY")
    moments = [figure(records[-1], name) for name in _MOMENTS] if records else []
    return max((figure(vm, "STIME"), *moments))
