from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.shell import Shell, wait_until


@pytest.fixture
def image(cloud: Shell, disk: Path, fresh_name: Callable[[str], str]) -> str:
    """The name of an image that is ready."""
    name = fresh_name("image")
    cloud.make(f"oneimage create --name {name} --path {disk} --wait --timeout 60")
    return name


def state(cloud: Shell, name: str) -> str:
    return cloud.rows(f"oneimage list -f NAME={name} -l STAT")[0][0]


def test_an_image_is_listed_in_the_originals_columns(cloud: Shell, image: str) -> None:
    header, row = cloud.ok(f"oneimage list -f NAME={image}").splitlines()

    assert header.split() == [
        "ID",
        "USER",
        "GROUP",
        "NAME",
        "DATASTORE",
        "SIZE",
        "TYPE",
        "PER",
        "STAT",
        "RVMS",
    ]
    assert row.split()[3:] == [image, "default", "2M", "OS", "No", "rdy", "0"]


def test_an_image_is_made_from_a_template_and_options(
    cloud: Shell, disk: Path, fresh_name: Callable[[str], str]
) -> None:
    name = fresh_name("image")
    cloud.make(
        f"oneimage create --name {name} -d default --wait", "-", stdin=f'PATH = "{disk}"\nTYPE = CDROM\n'
    )

    assert cloud.document(f"oneimage show {name}")["IMAGE"]["TYPE"] == "1"


def test_an_empty_disk_needs_no_path(cloud: Shell, fresh_name: Callable[[str], str]) -> None:
    name = fresh_name("data")
    cloud.make(f"oneimage create --name {name} --type datablock --size 16M --persistent --wait")

    assert cloud.rows(f"oneimage list -f NAME={name} -l SIZE,TYPE,PER") == [["16777216", "DB", "Yes"]]


def test_an_image_changes_as_it_is_told(cloud: Shell, image: str) -> None:
    cloud.ok(f"oneimage disable {image}")
    assert state(cloud, image) == "disa"
    cloud.ok(f"oneimage enable {image}")
    cloud.ok(f"oneimage persistent {image}")
    cloud.ok(f"oneimage chtype {image} datablock")
    assert cloud.rows(f"oneimage list -f NAME={image} -l TYPE,PER,STAT") == [["DB", "Yes", "rdy"]]
    cloud.ok(f"oneimage nonpersistent {image}")
    cloud.ok(f"oneimage update {image} -a", "-", stdin='DESCRIPTION = "changed"\n')
    assert 'DESCRIPTION="changed"' in cloud.ok(f"oneimage show {image}")


def test_an_image_is_cloned_and_both_go(cloud: Shell, image: str, fresh_name: Callable[[str], str]) -> None:
    copy = fresh_name("copy")
    cloud.make(f"oneimage clone {image} {copy} --wait --timeout 60")
    assert state(cloud, copy) == "rdy"

    cloud.ok(f"oneimage delete {image},{copy}")


def test_waiting_for_an_image_that_cannot_be_copied_tells_why(cloud: Shell) -> None:
    assert "Cannot determine Image SIZE" in cloud.refused("oneimage create --name x --path /nowhere/x --wait")


def test_permissions_are_octal_and_owners_change(
    cloud: Shell, image: str, fresh_name: Callable[[str], str]
) -> None:
    user = fresh_name("user")
    cloud.make(f"oneuser create {user}", stdin="secret\n")

    cloud.ok(f"oneimage chmod {image} 604")
    cloud.ok(f"oneimage chown {image} {user} users")

    item = cloud.document(f"oneimage show {image}")["IMAGE"]
    assert (item["UNAME"], item["GNAME"]) == (user, "users")
    assert [item["PERMISSIONS"][name] for name in ("OWNER_U", "OWNER_M", "GROUP_U", "OTHER_U")] == [
        "1",
        "1",
        "0",
        "1",
    ]
    cloud.ok(f"oneimage chgrp {image} oneadmin")
    assert cloud.rows(f"oneimage list -f NAME={image} -l USER,GROUP") == [[user, "oneadmin"]]


def test_a_mode_that_is_none_is_wrong_usage(cloud: Shell) -> None:
    assert "three octal digits" in cloud.misused("oneimage chmod 0 u+w").replace("\n", " ")


def test_a_locked_image_stays_until_it_is_unlocked(cloud: Shell, image: str) -> None:
    cloud.ok(f"oneimage lock {image} --level all")
    assert "LOCK" in cloud.ok(f"oneimage show {image}")
    cloud.ok(f"oneimage unlock {image}")

    cloud.ok(f"oneimage rename {image} {image}-renamed")
    cloud.ok(f"oneimage delete {image}-renamed")


def test_the_template_that_options_make_is_printed_and_nothing_is_made(cloud: Shell) -> None:
    said = cloud.ok(
        "oneimage create --name dry --type DATABLOCK --size 2G --fs ext4 --target vdb --prefix vd "
        "--disk-type FILE --driver raw --persistent --dry"
    )

    assert set(said.split()) == {
        'NAME="dry"', 'TYPE="DATABLOCK"', 'SIZE="2048"', 'FS="ext4"', 'TARGET="vdb"', 'DEV_PREFIX="vd"',
        'DISK_TYPE="FILE"', 'DRIVER="raw"', 'PERSISTENT="YES"',
    }  # fmt: skip
    assert cloud.rows("oneimage list -f NAME=dry") == []


def test_an_image_larger_than_its_datastore_is_taken_when_that_is_meant(
    cloud: Shell, fresh_name: Callable[[str], str]
) -> None:
    line = f"oneimage create --name {fresh_name('huge')} --type DATABLOCK --size 900000G"

    assert cloud.run(line).exit_code == 255
    cloud.make(f"{line} --no-check-capacity")


def test_images_that_nothing_uses_are_orphans(
    cloud: Shell, image: str, fresh_name: Callable[[str], str]
) -> None:
    image_id = cloud.rows(f"oneimage list -l ID -f NAME={image}")[0][0]
    assert image_id in cloud.ok("oneimage orphans").split()

    cloud.make(f"onetemplate create --name {fresh_name('user')} --cpu 1 --memory 32 --disk {image}")

    assert image_id not in cloud.ok("oneimage orphans").split()


def test_an_image_that_is_being_made_is_removed_by_force_only(
    cloud: Shell, fresh_name: Callable[[str], str], control: Callable[[str], None]
) -> None:
    store = cloud.make(f"onedatastore create --name {fresh_name('ds')} --ds dummy --tm dummy")
    control('{"datastore/CP": {"hang": true}}')
    image_id = cloud.make(f"oneimage create --name {fresh_name('image')} --path /any --datastore {store}")

    assert "use force" in cloud.refused(f"oneimage delete {image_id}")
    cloud.ok(f"oneimage delete {image_id} --force")
    wait_until(lambda: cloud.rows(f"oneimage list -f ID={image_id}") == [])
    cloud.ok(f"onedatastore delete {store}")  # others are told by name which there are


def test_snapshots_that_an_image_keeps_are_shown_as_a_tree_and_change(
    cloud: Shell, fresh_name: Callable[[str], str]
) -> None:
    name = fresh_name("kept")
    cloud.make(f"oneimage create --name {name} --type datablock --size 16M --persistent --wait")
    vm_id = cloud.make(f"onevm create --cpu 0.1 --memory 32 --disk {name} --wait --timeout 60")
    cloud.ok(f"onevm poweroff {vm_id} --wait --timeout 60")
    for number in range(3):
        cloud.make(f"onevm disk-snapshot-create {vm_id} 0 s{number} --wait --timeout 60")
    cloud.ok(f"onevm terminate {vm_id} --wait --timeout 60")

    shown = cloud.ok(f"oneimage show {name}")
    assert "  s1" in shown
    assert "    s2" in shown
    assert "SNAP_REVERT" in cloud.refused(f"oneimage snapshot-revert {name} 0 --wait --timeout 60")
    kept = Path(cloud.document(f"oneimage show {name}")["IMAGE"]["SOURCE"] + ".snap")
    kept.mkdir()  # as a transfer driver that moves files would have left them
    for number in range(3):
        (kept / str(number)).touch()
    cloud.ok(f"oneimage snapshot-revert {name} 0 --wait --timeout 60")
    cloud.ok(f"oneimage snapshot-delete {name} 2 --wait --timeout 60")
    assert "active snapshot" in cloud.refused(f"oneimage snapshot-delete {name} 0")
    cloud.ok(f"oneimage snapshot-flatten {name} 1 --wait --timeout 60")
    assert "SNAPSHOTS" not in cloud.ok(f"oneimage show {name}")
