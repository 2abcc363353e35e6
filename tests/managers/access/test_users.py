from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from opennebula_core.errors import (
    ActionError,
    AuthenticationError,
    AuthorizationError,
    InternalError,
    NotFoundError,
)
from opennebula_core.managers.access.rules import add_rule
from opennebula_core.model.acl import parse_rule
from opennebula_core.testing.cloud import Cloud, running_cloud

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHIEF = "chief:pw"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cloud(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cloud]:
    """Run a cloud with a group dev (100) and its admin chief (2)."""
    async with running_cloud(tmp_path_factory.mktemp("one")) as running:
        group_id = await running.new("one.group.allocate", "dev")
        chief = await running.new("one.user.allocate", "chief", "pw", "", [group_id])
        await running.call("one.group.addadmin", group_id, chief)
        assert (group_id, chief) == (100, 2)
        yield running


async def member(cloud: Cloud, name: str, *groups: int) -> int:
    return await cloud.new("one.user.allocate", name, "pw", "", list(groups) or [100])


async def enters(cloud: Cloud, session: str) -> bool:
    try:
        await cloud.call("one.user.info", -1, session=session)
    except AuthenticationError:
        return False
    return True


async def test_a_user_is_in_the_group_users_unless_others_are_named(cloud: Cloud) -> None:
    plain = await cloud.document("one.user.info", await cloud.new("one.user.allocate", "plain", "pw", "", []))
    assert (plain.findtext("GNAME"), [item.text for item in plain.findall("GROUPS/ID")]) == ("users", ["1"])
    both = await cloud.document("one.user.info", await member(cloud, "both", 100, 1))
    assert both.findtext("GNAME") == "dev"
    assert sorted(item.text or "" for item in both.findall("GROUPS/ID")) == ["1", "100"]


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\nb", "a" * 129, "a/b"])
async def test_what_is_no_users_name_is_refused(cloud: Cloud, name: str) -> None:
    with pytest.raises(InternalError, match="Invalid NAME"):
        await cloud.call("one.user.allocate", name, "pw", "", [])


async def test_a_name_is_one_users_and_a_group_has_to_be_there(cloud: Cloud) -> None:
    with pytest.raises(InternalError, match=r"NAME is already taken by USER 2\."):
        await cloud.call("one.user.allocate", "chief", "pw", "", [])
    with pytest.raises(NotFoundError, match=r"Error getting group \[777\]"):
        await cloud.call("one.user.allocate", "lost", "pw", "", [1, 777])


async def test_a_password_is_needed_and_is_never_shown(cloud: Cloud) -> None:
    with pytest.raises(InternalError, match="Invalid PASSWORD"):
        await cloud.call("one.user.allocate", "open", "", "", [])
    user_id = await member(cloud, "shy")
    with pytest.raises(InternalError, match="Invalid PASSWORD"):
        await cloud.call("one.user.passwd", user_id, "", session="shy:pw")
    shown = await cloud.document("one.user.info", -1, session="shy:pw")
    assert shown.findtext("PASSWORD") not in (None, "", "pw")


async def test_a_changed_password_counts_at_once(cloud: Cloud) -> None:
    user_id = await member(cloud, "careful")
    assert await enters(cloud, "careful:pw")
    await cloud.call("one.user.passwd", user_id, "better", session="careful:pw")
    assert await enters(cloud, "careful:better")
    assert not await enters(cloud, "careful:pw")


async def test_a_disabled_user_does_not_enter_and_user_0_cannot_be_disabled(cloud: Cloud) -> None:
    user_id = await member(cloud, "paused")
    assert await enters(cloud, "paused:pw")
    await cloud.call("one.user.enable", user_id, False)
    assert not await enters(cloud, "paused:pw")
    await cloud.call("one.user.enable", user_id, True)
    assert await enters(cloud, "paused:pw")
    with pytest.raises(ActionError, match="User 0 cannot be disabled"):
        await cloud.call("one.user.enable", 0, False)


async def test_users_see_and_change_nobody_else(cloud: Cloud) -> None:
    user_id = await member(cloud, "lone")
    other = await member(cloud, "other")
    pool = await cloud.document("one.userpool.info", session="lone:pw")
    assert [item.findtext("NAME") for item in pool.findall("USER")] == ["lone"]
    for method, params in (
        ("info", (other,)),
        ("passwd", (other, "mine")),
        ("update", (other, "X=y", 1)),
        ("chauth", (user_id, "ssh", "")),
        ("enable", (user_id, False)),
        ("delete", (user_id,)),
        ("addgroup", (user_id, 0)),
        ("addgroup", (user_id, 1)),
        ("chgrp", (user_id, 1)),
    ):
        with pytest.raises(AuthorizationError):
            await cloud.call(f"one.user.{method}", *params, session="lone:pw")
    await cloud.call("one.user.update", user_id, "X=y", 1, session="lone:pw")


async def test_groups_come_and_go_but_the_primary_one_stays(cloud: Cloud) -> None:
    user_id = await member(cloud, "roamer")
    await cloud.call("one.user.addgroup", user_id, 1)
    with pytest.raises(ActionError, match="already in group 1"):
        await cloud.call("one.user.addgroup", user_id, 1)
    with pytest.raises(ActionError, match="primary group"):
        await cloud.call("one.user.delgroup", user_id, 100)
    await cloud.call("one.user.chgrp", user_id, 1)
    shown = await cloud.document("one.user.info", user_id)
    assert (shown.findtext("GID"), [item.text for item in shown.findall("GROUPS/ID")]) == ("1", ["1"])
    with pytest.raises(ActionError, match="not in group 100"):
        await cloud.call("one.user.delgroup", user_id, 100)
    with pytest.raises(ActionError, match="primary group of user 0"):
        await cloud.call("one.user.chgrp", 0, 1)


async def test_the_clouds_own_users_and_those_with_vms_stay(cloud: Cloud) -> None:
    for user_id in (0, 1):
        with pytest.raises(ActionError, match=f"Cannot delete user {user_id}"):
            await cloud.call("one.user.delete", user_id)
    owner = await member(cloud, "owner")
    vm_id = await cloud.add_vm()
    await cloud.call("one.vm.chown", vm_id, owner, -1)
    with pytest.raises(ActionError, match="He has 1 VMs"):
        await cloud.call("one.user.delete", owner)
    await cloud.act("terminate", vm_id)
    await cloud.call("one.user.delete", owner)
    assert not await enters(cloud, "owner:pw")


# -- what an admin of a group cannot do, lest he were an administrator ---------------------------


async def test_an_admin_of_a_group_changes_no_administrator_in_it(cloud: Cloud) -> None:
    boss = await member(cloud, "boss", 100, 0)
    for method, params in (
        ("passwd", (boss, "mine")),
        ("chauth", (boss, "core", "mine")),
        ("enable", (boss, False)),
        ("delete", (boss,)),
        ("update", (boss, "X=y", 1)),
    ):
        with pytest.raises(AuthorizationError, match=rf"Not authorized to perform \w+ USER \[{boss}\]"):
            await cloud.call(f"one.user.{method}", *params, session=CHIEF)
    assert await enters(cloud, "boss:pw")
    await cloud.call("one.user.passwd", boss, "new", session="boss:pw")


@pytest.mark.parametrize("driver", ["server_cipher", "server_x509"])
async def test_an_admin_of_a_group_makes_no_server_users(cloud: Cloud, driver: str) -> None:
    user_id = await member(cloud, f"later-{driver}")
    with pytest.raises(AuthorizationError, match="only administrators make server users"):
        await cloud.call("one.user.allocate", f"at-once-{driver}", "a" * 64, driver, [100], session=CHIEF)
    with pytest.raises(AuthorizationError, match="only administrators make server users"):
        await cloud.call("one.user.chauth", user_id, driver, "a" * 64, session=CHIEF)
    await cloud.call("one.user.chauth", user_id, "ssh", "key", session=CHIEF)


async def test_an_admin_of_a_group_brings_nobody_into_the_group_oneadmin(cloud: Cloud) -> None:
    user_id = await member(cloud, "climber")
    for method in ("addgroup", "chgrp"):
        with pytest.raises(AuthorizationError):
            await cloud.call(f"one.user.{method}", user_id, 0, session=CHIEF)


@pytest.mark.parametrize("driver", ["../x", "a b", "-x", "x" * 129])
async def test_what_is_no_drivers_name_is_refused(cloud: Cloud, driver: str) -> None:
    with pytest.raises(InternalError, match="Wrong AUTH_DRIVER"):
        await cloud.call("one.user.allocate", "odd", "pw", driver, [])
    with pytest.raises(InternalError, match="Wrong AUTH_DRIVER"):
        await cloud.call("one.user.chauth", 2, driver, "pw")


async def test_who_may_look_at_a_user_does_not_see_what_is_kept_of_his_password(cloud: Cloud) -> None:
    watcher = await member(cloud, "watcher", 1)
    rule = parse_rule(f"#{watcher} USER/* USE #0")
    await cloud.daemon.store.write(lambda tx: add_rule(tx, rule))
    for user_id in (0, 1, 2):
        shown = await cloud.document("one.user.info", user_id, session="watcher:pw")
        assert not shown.findtext("PASSWORD")
        assert (await cloud.document("one.user.info", user_id)).findtext("PASSWORD")
    pool = await cloud.document("one.userpool.info", session="watcher:pw")
    assert len(pool.findall("USER")) > 3
    assert not any(item.findtext("PASSWORD") for item in pool.findall("USER"))
    assert (await cloud.document("one.user.info", -1, session="watcher:pw")).findtext("PASSWORD")
