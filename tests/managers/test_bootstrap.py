from __future__ import annotations

import stat
from pathlib import Path

import pytest

from opennebula_core.errors import AuthenticationError
from opennebula_core.managers.bootstrap import RULES
from opennebula_core.model.acl import render_rule
from opennebula_core.model.states import DatastoreType
from opennebula_core.testing.cloud import ADMIN, Cloud, running_cloud


def owned(cloud: Cloud) -> dict[str, dict[int, str]]:
    """Return the names of all objects that a new cloud has, by kind and id."""
    pools = (
        "users",
        "groups",
        "clusters",
        "datastores",
        "security_groups",
        "hosts",
        "vms",
        "images",
        "networks",
    )
    return {
        pool: cloud.daemon.store.read(
            lambda tx, pool=pool: {found.id: found.name for found in getattr(tx, pool).where()}  # type: ignore[misc]
        )
        for pool in pools
    }


async def test_a_new_cloud_has_what_opennebula_has_by_its_ids(front_end: Cloud) -> None:
    assert owned(front_end) == {
        "users": {0: "oneadmin", 1: "serveradmin"},
        "groups": {0: "oneadmin", 1: "users"},
        "clusters": {0: "default"},
        "datastores": {0: "system", 1: "default", 2: "files", 100: "dummy images"},
        "security_groups": {0: "default"},
        "hosts": {},
        "vms": {},
        "images": {},
        "networks": {},
    }
    kinds = front_end.daemon.store.read(lambda tx: {found.id: found.type for found in tx.datastores.where()})
    assert [kinds[number] for number in (0, 1, 2)] == [
        DatastoreType.SYSTEM_DS,
        DatastoreType.IMAGE_DS,
        DatastoreType.FILE_DS,
    ]


async def test_its_users_have_the_secret_that_every_user_has(front_end: Cloud) -> None:
    users = [await front_end.document("one.user.info", number) for number in (0, 1)]
    secrets = {user.findtext("TEMPLATE/TOKEN_PASSWORD", "") for user in users}
    assert [len(secret) for secret in secrets] == [64, 64]


async def test_its_rules_let_the_group_users_work(front_end: Cloud) -> None:
    rules = front_end.daemon.store.read(lambda tx: list(tx.acl_rules()))
    of_vdc = [f"@1 {words} #0" for words in ("HOST/* MANAGE", "NET/* USE", "DATASTORE/* USE")]
    assert [(rule.id, render_rule(rule)) for rule in rules] == list(enumerate([*RULES, *of_vdc]))


async def test_the_first_objects_of_a_kind_that_people_make_follow_on(front_end: Cloud) -> None:
    assert await front_end.new("one.user.allocate", "alice", "pw", "", []) == 2
    assert await front_end.new("one.group.allocate", "dev") == 100
    assert await front_end.new("one.cluster.allocate", "rack") == 100
    assert await front_end.new("one.secgroup.allocate", "NAME=web") == 100
    assert await front_end.add_network("net") == 0
    assert await front_end.add_vm() == 0


async def test_the_password_is_the_file_s_and_is_not_kept_as_it_is(front_end: Cloud) -> None:
    await front_end.call("one.user.info", -1)
    stored = front_end.daemon.store.read(lambda tx: {user.name: user.password for user in tx.users.where()})
    assert "secret" not in stored["oneadmin"]
    with pytest.raises(AuthenticationError):
        await front_end.call("one.user.info", -1, session="oneadmin:wrong")
    with pytest.raises(AuthenticationError):
        await front_end.call("one.user.info", -1, session=f"oneadmin:{stored['oneadmin']}")
    with pytest.raises(AuthenticationError):
        await front_end.call("one.user.info", -1, session=f"serveradmin:{stored['serveradmin']}")


async def test_a_cloud_that_starts_again_is_as_it_was(tmp_path: Path) -> None:
    async with running_cloud(tmp_path) as cloud:
        await cloud.call("one.user.passwd", 0, "changed")
        await cloud.call("one.acl.delrule", 0, session="oneadmin:changed")
        before = owned(cloud)
        rules = cloud.daemon.store.read(lambda tx: tx.acl_rules())
    async with running_cloud(tmp_path) as cloud:
        assert owned(cloud) == before
        assert cloud.daemon.store.read(lambda tx: tx.acl_rules()) == rules
        await cloud.call("one.user.info", -1, session="oneadmin:changed")
        with pytest.raises(AuthenticationError):
            await cloud.call("one.user.info", -1, session=ADMIN)


async def test_nobody_else_reads_the_folder_of_the_database(front_end: Cloud) -> None:
    folder = front_end.daemon.config.database_file.parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
