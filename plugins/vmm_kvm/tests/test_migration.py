from __future__ import annotations

from datetime import timedelta

import pytest

from opennebula_vmm_kvm.migration import MigrationSettings, Whereabouts, amounts
from opennebula_vmm_kvm.states import DomainState

JOB = """Job type:         Unbounded
Operation:        Outgoing migration
Time elapsed:     12345        ms
Data processed:   1.500 GiB
Data remaining:   512.000 MiB
Data total:       2.000 GiB
Memory processed: 1.000 GiB
"""


def settings(*, has_shared_storage: bool = False) -> MigrationSettings:
    uri = "qemu+ssh://{host}/system"
    return MigrationSettings(uri, has_shared_storage, ["--auto-converge"], timedelta(hours=1))


def test_disks_travel_with_a_guest_unless_its_hosts_share_them() -> None:
    assert settings().words("one-7", "host2") == [
        *("migrate", "--live", "--copy-storage-all", "--auto-converge"),
        *("one-7", "qemu+ssh://host2/system"),
    ]
    assert "--copy-storage-all" not in settings(has_shared_storage=True).words("one-7", "host2")


def test_the_amounts_of_a_job_are_bytes() -> None:
    assert amounts(JOB) == (1536 << 20, 2 << 30)
    assert amounts("Job type:         None\n") == (0, 0)


@pytest.mark.parametrize(
    ("here", "there", "is_moved"),
    [
        ("", "running (migrated)", True),
        ("shut off (migrated)", "running (migrated)", True),
        ("running (booted)", "", False),
        ("paused (migrating)", "running (migrated)", False),
        ("", "paused (migrating)", False),
        ("", "", False),
    ],
)
def test_a_guest_has_moved_when_it_runs_there_and_not_here(here: str, there: str, is_moved: bool) -> None:
    assert Whereabouts(DomainState.parse(here), DomainState.parse(there)).is_moved is is_moved
