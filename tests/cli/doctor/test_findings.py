from __future__ import annotations

from opennebula_core.cli.doctor.findings import MAX_TOLD, Level, error, limited


def test_many_findings_of_one_area_are_cut_and_counted() -> None:
    found = [error("VMs", f"VM {number}", "onevm show") for number in range(MAX_TOLD + 5)]

    told = list(limited(found, "onevm list"))

    assert len(told) == MAX_TOLD + 1
    assert (told[-1].text, told[-1].level, told[-1].remedy) == ("and 5 more", Level.ERROR, "onevm list")
