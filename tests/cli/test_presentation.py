from __future__ import annotations

from collections.abc import Callable

from tests.cli.shell import Shell


def test_owners_are_shown_by_their_ids(cloud: Shell, fresh_name: Callable[[str], str]) -> None:
    name = fresh_name("tmpl")
    cloud.make(f"onetemplate create --name {name} --cpu 1 --memory 16")
    line = f"onetemplate list -f NAME={name} -l USER,GROUP,NAME"

    assert cloud.rows(line) == [["oneadmin", "oneadmin", name]]
    assert cloud.rows(f"{line} --numeric") == [["0", "0", name]]
    assert cloud.ok(f"{line} -n --csv").splitlines()[1] == f"0,0,{name}"


def test_sizes_are_numbers_of_kib(cloud: Shell) -> None:
    line = "onehost list -f NAME=host01 -l MAX_MEM"

    shown = cloud.ok(f"{line} --no-header").strip()
    in_kib = cloud.ok(f"{line} --no-header --kilobytes").strip()

    assert shown[-1].isalpha()
    assert [[str(int(in_kib) * 1024)]] == cloud.rows(line)


def test_columns_are_as_wide_as_wanted(cloud: Shell, fresh_name: Callable[[str], str]) -> None:
    name = fresh_name("a-name-that-is-rather-long")
    cloud.make(f"onetemplate create --name {name} --cpu 1 --memory 16")
    line = f"onetemplate list -f NAME={name} -l NAME,USER,REGTIME"

    assert name not in cloud.run(line, columns="30").stdout
    assert name in cloud.run(f"{line} --adjust name", columns="30").stdout
    assert cloud.run(f"{line} --size NAME=8 --no-header").stdout.startswith(f"{name[:7]}… oneadmin")
    assert "is no width" in cloud.misused(f"{line} --size NAME=wide")
    assert "no column 'NAMES'" in cloud.misused(f"{line} --adjust NAMES")
