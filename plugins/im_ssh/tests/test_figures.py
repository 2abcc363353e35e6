from __future__ import annotations

import pytest

from opennebula_core.contracts.im import DatastoreReport
from opennebula_core.errors import DriverError
from opennebula_im_ssh.answer import Answer
from opennebula_im_ssh.figures import (
    Clock,
    CpuTimes,
    Memory,
    Traffic,
    clock,
    disks,
    memory,
    processors,
    traffic,
)


def answer_with(section: str, *lines: str) -> Answer:
    return Answer("\n".join([f"--m {section}", *lines, "--m end", ""]), "--m")


def test_recorded_processors_are_counted_and_summed(recorded: str) -> None:
    count, times = processors(Answer(recorded, "--mark"))
    line = next(line for line in recorded.splitlines() if line.startswith("cpu "))
    fields = [int(field) for field in line.split()[1:]]
    assert count == 2
    assert times == CpuTimes(sum(fields[:8]), fields[3] + fields[4])


def test_guests_time_is_not_counted_twice() -> None:
    _, times = processors(answer_with("cpu", "cpu 10 0 0 90 0 0 0 0 10 0", "cpu0 10 0 0 90 0 0 0 0 10 0"))
    assert times.total == 100


def test_recorded_memory_in_use_is_what_is_not_available(recorded: str) -> None:
    assert memory(Answer(recorded, "--mark")) == Memory(24684096, 24684096 - 23873676)


def test_an_old_kernels_caches_count_as_available() -> None:
    lines = ("MemTotal: 100 kB", "MemFree: 10 kB", "Buffers: 5 kB", "Cached: 25 kB")
    assert memory(answer_with("memory", *lines)) == Memory(100, 60)


def test_physical_cards_count_where_there_are_any() -> None:
    lines = ("lo virtual 1 1", "eth0 physical 10 20", "eth1 physical 1 2", "bond0 virtual 11 22")
    assert traffic(answer_with("network", *lines)) == Traffic(11, 22)


def test_virtual_cards_count_where_there_are_no_others(recorded: str) -> None:
    assert traffic(Answer(recorded, "--mark")) == Traffic(19101 + 1556, 43313 + 656)


def test_room_is_known_for_the_folder_and_each_datastore() -> None:
    lines = ("4096 1024 512 256 /var/lib/one/datastores", "1048576 100 60 50 /var/lib/one/datastores/104")
    folder, datastores = disks(answer_with("disk", *lines))
    assert folder == DatastoreReport(-1, total_mib=4, used_mib=2, free_mib=1)
    assert datastores == [DatastoreReport(104, total_mib=100, used_mib=40, free_mib=50)]


def test_a_recorded_clock_has_boot_and_uptime(recorded: str) -> None:
    assert clock(Answer(recorded, "--mark")) == Clock("309bfe8c-3306-4978-a04f-db2963a072c5", 2021.94)


@pytest.mark.parametrize(
    ("section", "lines"),
    [
        ("cpu", ()),
        ("cpu", ("cpu 1 2", "cpu0 1 2")),
        ("cpu", ("cpu 1 2 3 4 5",)),
        ("memory", ("MemTotal: 100 kB",)),
        ("memory", ("MemTotal: lots kB", "MemFree: 1 kB", "Buffers: 1 kB", "Cached: 1 kB")),
        ("network", ("eth0 magic 1 2",)),
        ("network", ("eth0 physical -1 2",)),
        ("disk", ()),
        ("disk", ("4096 1024 512 256 /d", "4096 1 1 1 /d/lost+found")),
        ("clock", ("only-a-boot-id",)),
        ("clock", ("id", "inf 1")),
        ("clock", ("i" * 65, "1.0 1")),
    ],
)
def test_what_a_kernel_does_not_write_is_refused(section: str, lines: tuple[str, ...]) -> None:
    read = {"cpu": processors, "memory": memory, "network": traffic, "disk": disks, "clock": clock}[section]
    with pytest.raises(DriverError, match=f"section {section}: "):
        read(answer_with(section, *lines))
