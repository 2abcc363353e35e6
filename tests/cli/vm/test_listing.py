from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.shell import Shell


@pytest.fixture
def held(cloud: Shell, fresh_name: Callable[[str], str]) -> str:
    """The name of a VM on hold."""
    name = fresh_name("held")
    cloud.make(f"onevm create --name {name} --cpu 0.5 --memory 1536 --hold")
    return name


def test_vms_are_listed_in_the_originals_columns(cloud: Shell, held: str) -> None:
    header, *rows = cloud.ok("onevm list").splitlines()

    assert header.split() == ["ID", "USER", "GROUP", "NAME", "STAT", "CPU", "MEM", "HOST", "IP", "TIME"]
    row = next(row.split() for row in rows if held in row)
    assert row[1:7] == ["oneadmin", "oneadmin", held, "hold", "0.5", "1.5G"]


def test_columns_are_chosen_and_the_header_left_out(cloud: Shell, held: str) -> None:
    assert cloud.ok(f"onevm list -l NAME,MEM --no-header -f NAME={held}").split() == [held, "1.5G"]


def test_a_filter_takes_short_and_full_states_patterns_and_sizes(cloud: Shell, held: str) -> None:
    for condition in (
        "STAT=hold",
        "STATE=HOLD",
        "MEM>1G",
        "MEM<=1.5G",
        "CPU<0.6",
        "NAME~^held",
        "stat!=runn",
    ):
        assert [held] in cloud.rows("onevm list -l NAME -f", condition), condition
    for condition in ("STAT!=hold", "MEM>2G", "NAME!~held", "NAME~^held,CPU>1"):
        assert [held] not in cloud.rows("onevm list -l NAME -f", condition), condition


def test_a_filter_on_an_unknown_column_names_the_known(cloud: Shell) -> None:
    assert "no column 'COLOUR'; there are ID, USER" in cloud.misused("onevm list -f COLOUR=red").replace(
        "\n", " "
    )


def test_json_is_the_document_with_lists_where_things_repeat(cloud: Shell, held: str) -> None:
    pool = cloud.document(f"onevm list -f NAME={held}")

    (vm,) = pool["VM_POOL"]["VM"]
    assert (vm["NAME"], vm["STATE"], vm["HISTORY_RECORDS"]["HISTORY"]) == (held, "2", [])


def test_yaml_and_xml_are_the_document_too(cloud: Shell, held: str) -> None:
    assert f"NAME: {held}\n" in cloud.ok(f"onevm list -f NAME={held} --yaml")
    assert f"<NAME>{held}</NAME>" in cloud.ok(f"onevm list -f NAME={held} --xml")


def test_lists_are_sorted_by_a_column(cloud: Shell, held: str) -> None:
    up = [float(row[0]) for row in cloud.rows("onevm list -l ID --sort ID")]
    down = [float(row[0]) for row in cloud.rows("onevm list -l ID --sort=-ID")]

    assert up == sorted(up)
    assert down == up[::-1]


def test_a_narrow_terminal_shortens_words_not_numbers(cloud: Shell, held: str) -> None:
    cloud.ok(f"onevm rename {held} {held}-{'x' * 40}")
    lines = cloud.run("onevm list", columns="70").stdout.splitlines()

    assert all(len(line) <= 70 for line in lines)
    assert any("…" in line for line in lines)


def test_a_user_sees_what_is_hers(cloud: Shell, held: str, fresh_name: Callable[[str], str]) -> None:
    name = fresh_name("user")
    cloud.make(f"oneuser create {name}", stdin="secret\n")
    auth = cloud.location / name
    auth.write_text(f"{name}:secret\n")
    hers = Shell(cloud.location, {"ONE_AUTH": str(auth)})

    vm_id = hers.make("onevm create --cpu 0.1 --memory 32 --wait --timeout 60")

    assert hers.rows("onevm list -l ID") == [[str(vm_id)]]
    assert hers.rows("onevm list m -l ID") == [[str(vm_id)]]
    assert cloud.rows(f"onevm list {name} -l ID") == [[str(vm_id)]]
    assert [str(vm_id)] not in cloud.rows("onevm list m -l ID")
    assert "Not authorized" in hers.refused(f"onevm show {vm_id - 1}")


def test_top_draws_once_when_asked(cloud: Shell, held: str) -> None:
    assert held in cloud.ok("onevm top --once")


def test_a_state_that_there_is_not_is_refused_with_those_that_there_are(cloud: Shell) -> None:
    said = " ".join(cloud.misused("onevm list -f STAT=foo").split())
    assert "STAT is never 'foo'" in said
    assert "pend, hold" in said
    assert "did you mean 'runn'?" in " ".join(cloud.misused("onevm list -f STAT=run").split())
    assert "did you mean STAT?" in " ".join(cloud.misused("onevm list -f STATT=runn").split())


def test_comma_separated_values_are_for_programs(cloud: Shell, held: str) -> None:
    (row,) = cloud.rows(f"onevm list -f NAME={held} -l CPU,MEM,TIME,UMEM")
    assert row[:2] == ["0.5", str(1536 << 20)]
    assert int(row[2]) >= 0
    assert row[3] in ("", "0")


def test_one_format_excludes_another(cloud: Shell) -> None:
    for first, second in (("--csv", "--json"), ("--json", "--xml"), ("-y", "-j")):
        assert "exclude each other" in cloud.misused(f"onevm list {first} {second}")


def test_the_front_end_finds_vms_by_what_they_hold(cloud: Shell, held: str) -> None:
    assert cloud.rows("onevm list -l NAME --search", f"NAME={held}&TEMPLATE.MEMORY=1536") == [[held]]
    assert cloud.rows("onevm list -l NAME --search", f"NAME={held}&TEMPLATE.MEMORY=1537") == []


def test_an_extended_listing_has_complete_documents(cloud: Shell, held: str) -> None:
    short, full = (
        cloud.document(f"onevm list -f NAME={held} {option}")["VM_POOL"]["VM"][0]
        for option in ("", "--extended")
    )

    assert set(short) < set(full)
    assert full["PERMISSIONS"]["OWNER_U"] == "1"
