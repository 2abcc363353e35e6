from __future__ import annotations

from collections.abc import Callable

from tests.cli.shell import Shell


def test_the_first_datastores_are_listed_in_the_originals_columns(cloud: Shell) -> None:
    header, *rows = cloud.ok("onedatastore list --sort ID").splitlines()

    assert header.split() == ["ID", "NAME", "SIZE", "AVA", "CLUSTERS", "IMAGES", "TYPE", "DS", "TM", "STAT"]
    assert [row.split()[1] for row in rows[:3]] == ["system", "default", "files"]


def test_a_datastore_is_made_disabled_and_removed(cloud: Shell, fresh_name: Callable[[str], str]) -> None:
    name = fresh_name("ds")
    cloud.make(f"onedatastore create --name {name} --type SYSTEM_DS --tm dummy --attribute COMMENT=mine")
    assert cloud.document(f"onedatastore show {name}")["DATASTORE"]["TEMPLATE"]["COMMENT"] == "mine"

    cloud.ok(f"onedatastore disable {name}")
    assert cloud.rows(f"onedatastore list -f NAME={name} -l TYPE,STAT") == [["sys", "off"]]
    cloud.ok(f"onedatastore enable {name}")
    cloud.ok(f"onedatastore rename {name} {name}-new")
    cloud.ok(f"onedatastore delete {name}-new")


def test_show_says_where_it_is(cloud: Shell) -> None:
    text = cloud.ok("onedatastore show default")

    assert f"{cloud.location}/var/datastores/1" in text
    assert "TYPE                : IMAGE_DS" in text


def test_a_datastore_with_a_misspelt_driver_is_refused_with_those_that_there_are(cloud: Shell) -> None:
    said = cloud.refused("onedatastore create --name x --ds dummy --tm sssh")

    assert "TM_MAD 'sssh' cannot be used" in said
    assert "did you mean 'ssh'?" in said
