from __future__ import annotations

import pytest

from tests.cli.shell import Shell, wait_until

TEMPLATE = "--cpu 0.1 --memory 32 --wait --timeout 60"


@pytest.fixture(scope="module")
def ended(cloud: Shell) -> int:
    """A VM that ran and was ended."""
    vm_id = cloud.make(f"onevm create --name accounted {TEMPLATE}")
    cloud.ok(f"onevm terminate --hard {vm_id}")
    wait_until(lambda: cloud.document(f"onevm show {vm_id}")["VM"]["STATE"] == "6")
    return vm_id


def test_a_stay_is_shown_with_what_it_used(cloud: Shell, ended: int) -> None:
    columns = "VID,NAME,USER,SEQ,ACTION,CPU"
    rows = cloud.rows(f"oneacct -l {columns} --filter VID={ended}")
    assert rows == [[str(ended), "accounted", "oneadmin", "0", "terminate-hard", "0.1"]]
    (seconds,) = cloud.rows(f"oneacct -l RUNNING --filter VID={ended}")[0]
    assert 0 <= int(seconds) < 3600


def test_records_are_those_of_a_time_a_user_a_group_and_a_host(cloud: Shell, ended: int) -> None:
    def has(*options: str) -> bool:
        return [str(ended)] in cloud.rows("oneacct -l VID", *options)

    assert has("--start", "2020-01-01")
    assert has("-s", "2020/01/01 10:00", "-e", "2099-01-01")
    assert not has("--start", "2099-01-01")
    assert not has("--end", "2020-01-01")
    assert has("--user", "oneadmin")
    assert has("--group", "oneadmin")
    assert not has("--group", "users")
    host = cloud.rows(f"oneacct -l HOSTNAME --filter VID={ended}")[0][0]
    assert has("--host", host)
    assert not has("--host", {"host01": "host02", "host02": "host01"}[host])


def test_each_vm_has_a_table_of_its_own_when_asked(cloud: Shell, ended: int) -> None:
    lines = cloud.ok("oneacct --split").splitlines()
    assert lines[lines.index(f"# VM {ended} accounted") + 1].split()[:2] == ["USER", "VID"]


def test_programs_get_the_document(cloud: Shell, ended: int) -> None:
    records = cloud.document("oneacct")["HISTORY_RECORDS"]["HISTORY"]
    assert str(ended) in {record["OID"] for record in records}
    assert "<HISTORY_RECORDS>" in cloud.ok("oneacct -x")


@pytest.mark.parametrize("word", ["yesterday", "2026-13-01", "25:30"])
def test_what_is_no_moment_is_refused(cloud: Shell, word: str) -> None:
    assert f"{word!r} is no moment" in cloud.misused("oneacct --start", word)
