from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.shell import Shell


@pytest.fixture
def user(cloud: Shell, fresh_name: Callable[[str], str]) -> str:
    """The name of a user without limits."""
    name = fresh_name("user")
    cloud.make(f"oneuser create {name}", stdin="secret\n")
    return name


def test_limits_come_from_a_file_or_standard_input_and_are_shown(
    cloud: Shell, user: str, tmp_path: Path
) -> None:
    file = tmp_path / "limits"
    file.write_text("VM=[VMS=4,MEMORY=2048,CPU=1.5]\nNETWORK=[ID=7,LEASES=3]\n")
    cloud.ok(f"oneuser quota {user} {file}")
    cloud.ok(f"oneuser quota {user}", stdin="DATASTORE=[ID=1,SIZE=2048]")

    lines = cloud.ok(f"oneuser show {user}").splitlines()

    place = lines.index("VMS USAGE & QUOTAS")
    assert lines[place + 1].split() == ["VMS", "MEMORY", "CPU", "SYSTEM_DISK_SIZE"]
    assert lines[place + 2].split("  ") != []
    assert " ".join(lines[place + 2].split()) == "0 / 4 0K / 2G 0 / 1.50 0K / -"
    place = lines.index("NETWORK USAGE & QUOTAS")
    assert lines[place + 2].split() == ["7", "0", "/", "3"]
    place = lines.index("DATASTORE USAGE & QUOTAS")
    assert " ".join(lines[place + 2].split()) == "1 0 / - 0K / 2G"


def test_several_users_get_the_same_limits(cloud: Shell, user: str, fresh_name: Callable[[str], str]) -> None:
    other = fresh_name("user")
    cloud.make(f"oneuser create {other}", stdin="secret\n")

    cloud.ok(f"oneuser batchquota {user},{other}", stdin="VM=[VMS=6]")

    for name in (user, other):
        assert "0 / 6" in cloud.ok(f"oneuser show {name}")


def test_groups_have_limits_and_defaults_show_where_there_are_none(
    cloud: Shell, fresh_name: Callable[[str], str]
) -> None:
    name = fresh_name("group")
    cloud.make(f"onegroup create {name}")
    cloud.ok("onegroup defaultquota", stdin="VM=[VMS=77]")
    try:
        assert "0 / 77" in cloud.ok(f"onegroup show {name}")
        cloud.ok(f"onegroup quota {name}", stdin="VM=[VMS=8]")
        assert "0 / 8" in cloud.ok(f"onegroup show {name}")
    finally:
        cloud.ok("onegroup defaultquota", stdin="VM=[VMS=-1]")


def test_a_wrong_limit_is_told_with_what_would_do(cloud: Shell, user: str) -> None:
    said = cloud.refused(f"oneuser quota {user}", stdin="VM=[VMS=lots]")
    assert "Wrong limit 'lots' for VMS; use a number, -1 for the default or -2 for no limit" in said
