from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from opennebula_core.remote import Completed, Remote
from opennebula_vmm_kvm.acceleration import Acceleration, architecture_of, offers_kvm
from opennebula_vmm_kvm.virsh import Virsh

CAPABILITIES = """<capabilities>
  <host><cpu><arch>{host}</arch></cpu></host>
  <guest><arch name='i686'><domain type='qemu'/></arch></guest>
  <guest><arch name='x86_64'><domain type='qemu'/>{kvm}</arch></guest>
</capabilities>"""
WITH_KVM = CAPABILITIES.format(host="x86_64", kvm="<domain type='kvm'/>")
WITHOUT_KVM = CAPABILITIES.format(host="x86_64", kvm="")
OTHER_PROCESSOR = CAPABILITIES.format(host="aarch64", kvm="").replace("x86_64", "aarch64")


class HostAnswers(Virsh):
    """Answers for a host, and counts the probes."""

    def __init__(self, capabilities: str, probe: Completed) -> None:
        super().__init__(Remote(), "qemu:///system", timedelta(seconds=1))
        self.boot_id = "boot-1"
        self.probes = 0
        self._capabilities = capabilities
        self._probe = probe

    async def script(self, host: str, text: str, arguments: Sequence[str], **_: object) -> str:
        return f"{self.boot_id}\n{self._capabilities}"

    async def feed(
        self, host: str, text: str, arguments: Sequence[str], stdin: bytes | str, *, lock: str
    ) -> Completed:
        assert len(stdin) == 512
        self.probes += 1
        return self._probe


@pytest.mark.parametrize(
    ("probe", "can"),
    [
        (Completed(0, "crashed (panicked)\n", ""), True),
        (Completed(0, "paused (unknown)\n", ""), False),
        (Completed(0, "running (booted)\n", ""), False),
        (Completed(1, "", "error: failed to initialize kvm: Permission denied"), False),
        (Completed(1, "", "error: cannot open /var/tmp/one-kvm-probe.x: Permission denied"), True),
    ],
    ids=["it ran", "it stopped", "it was interpreted", "it did not start", "something else was wrong"],
)
async def test_the_outcome_of_the_probe_decides(probe: Completed, can: bool) -> None:
    assert await Acceleration(HostAnswers(WITH_KVM, probe)).has_kvm("host1") is can


async def test_a_host_that_offers_no_kvm_is_not_tried() -> None:
    answers = HostAnswers(WITHOUT_KVM, Completed(0, "crashed (panicked)", ""))

    assert not await Acceleration(answers).has_kvm("host1")
    assert answers.probes == 0


async def test_a_host_is_tried_once() -> None:
    answers = HostAnswers(WITH_KVM, Completed(0, "crashed (panicked)", ""))
    acceleration = Acceleration(answers)

    await acceleration.has_kvm("host1")
    await acceleration.has_kvm("host1")

    assert answers.probes == 1


async def test_a_host_that_started_again_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opennebula_vmm_kvm.acceleration.TRUSTED_FOR_S", 0.0)
    answers = HostAnswers(WITH_KVM, Completed(0, "crashed (panicked)", ""))
    acceleration = Acceleration(answers)
    await acceleration.has_kvm("host1")
    await acceleration.has_kvm("host1")

    answers.boot_id = "boot-2"
    await acceleration.has_kvm("host1")

    assert answers.probes == 2


def test_capabilities_tell_what_the_hosts_own_architecture_can() -> None:
    assert offers_kvm(WITH_KVM)
    assert not offers_kvm(WITHOUT_KVM)
    assert architecture_of(OTHER_PROCESSOR) == "aarch64"
