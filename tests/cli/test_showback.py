from __future__ import annotations

import time

import pytest

from tests.cli.shell import Shell


def test_costs_are_calculated_and_listed(cloud: Shell) -> None:
    template = "CPU=0.1\nMEMORY=32\nCPU_COST=3600\n"
    vm_id = cloud.make("onevm create - --name priced --wait --timeout 60", stdin=template)
    time.sleep(1.1)  # costs go by the second
    assert "oneshowback list" in cloud.ok("oneshowback calculate")
    month = time.strftime("%Y-%m")
    (row,) = cloud.rows(f"oneshowback list --start {month} -l VM_NAME,YEAR,MONTH,COST --filter VM_ID={vm_id}")
    assert row[:2] == ["priced", month[:4]]
    assert int(row[2]) == int(month[5:])
    assert float(row[3]) > 0
    cloud.ok(f"onevm terminate --hard {vm_id}")


def test_months_narrow_the_list(cloud: Shell) -> None:
    assert cloud.rows("oneshowback list --end 01/2020") == []
    assert cloud.rows("oneshowback list --user oneadmin --group users") == []


@pytest.mark.parametrize("word", ["13/2026", "2026", "may"])
def test_what_is_no_month_is_refused(cloud: Shell, word: str) -> None:
    assert f"{word!r} is no month" in cloud.misused("oneshowback calculate --start", word)
