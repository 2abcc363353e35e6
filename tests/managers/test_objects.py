"""What all kinds of objects have: rename, chmod, chown, lock. VM templates stand for all."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from opennebula_core.errors import ActionError, AuthorizationError, NotFoundError, ParameterError
from opennebula_core.managers.access.rules import add_rule
from opennebula_core.managers.objects import new_permissions
from opennebula_core.model.acl import parse_rule
from opennebula_core.testing.cloud import ADMIN, Cloud, running_cloud

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALICE, BOB, EVE = "alice:pw", "bob:pw", "eve:pw"
TEXT = "CPU=1\nMEMORY=64\n"
BITS = tuple(f"{who}_{right}" for who in ("OWNER", "GROUP", "OTHER") for right in "UMA")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def module_cloud(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cloud]:
    """Run a cloud with three plain users: alice (2) and bob (3) of group dev (100), eve (4) of users."""
    async with running_cloud(tmp_path_factory.mktemp("one")) as running:
        await _populate(running)
        yield running


async def _populate(cloud: Cloud) -> None:
    group_id = await cloud.new("one.group.allocate", "dev")
    for name, groups in (("alice", [group_id]), ("bob", [group_id]), ("eve", [])):
        await cloud.new("one.user.allocate", name, "pw", "", groups)
    rule = parse_rule(f"@{group_id} VM+TEMPLATE/* CREATE #0")
    await cloud.daemon.store.write(lambda tx: add_rule(tx, rule))


@pytest.fixture
def cloud(module_cloud: Cloud) -> Cloud:
    return module_cloud


@pytest.fixture(scope="module")
def names() -> Iterator[str]:
    return (f"t{number}" for number in itertools.count())


async def template(cloud: Cloud, names: Iterator[str], session: str = ALICE) -> int:
    return await cloud.new("one.template.allocate", f"NAME={next(names)}\n{TEXT}", session=session)


async def chmod(cloud: Cloud, object_id: int, session: str = ADMIN, **changed: int) -> None:
    bits = [changed.get(name, -1) for name in BITS]
    await cloud.call("one.template.chmod", object_id, *bits, session=session)


async def permissions(cloud: Cloud, object_id: int) -> str:
    shown = await cloud.document("one.template.info", object_id)
    return "".join(shown.findtext(f"PERMISSIONS/{name}", "?") for name in BITS)


# -- chmod ---------------------------------------------------------------------------------------


async def test_owners_share_their_objects_with_group_and_others(cloud: Cloud, names: Iterator[str]) -> None:
    shared = await template(cloud, names)
    assert await permissions(cloud, shared) == "110000000"
    await chmod(cloud, shared, ALICE, GROUP_U=1, OTHER_U=1, OTHER_M=1)
    assert await permissions(cloud, shared) == "110100110"
    await cloud.call("one.template.rename", shared, next(names), session=EVE)
    await chmod(cloud, shared, ALICE, OTHER_U=0, OTHER_M=0)
    assert await permissions(cloud, shared) == "110100000"
    with pytest.raises(AuthorizationError, match=rf"USE TEMPLATE \[{shared}\]"):
        await cloud.call("one.template.info", shared, session=EVE)


@pytest.mark.parametrize("bit", ["OWNER_A", "GROUP_A", "OTHER_A"])
async def test_admin_bits_are_for_those_who_have_that_right(
    cloud: Cloud, names: Iterator[str], bit: str
) -> None:
    own = await template(cloud, names)
    with pytest.raises(AuthorizationError, match=rf"Not authorized to perform ADMIN TEMPLATE \[{own}\]"):
        await chmod(cloud, own, ALICE, **{bit: 1})
    await chmod(cloud, own, ALICE, **{bit: 0})  # it changes nothing
    await chmod(cloud, own, OWNER_A=1)
    await chmod(cloud, own, ALICE, **{bit: 1})
    assert await permissions(cloud, own) == "".join("1" if name in (*BITS[:3], bit) else "0" for name in BITS)


async def test_who_may_use_may_not_chmod(cloud: Cloud, names: Iterator[str]) -> None:
    shared = await template(cloud, names)
    await chmod(cloud, shared, ALICE, GROUP_U=1)
    with pytest.raises(AuthorizationError, match=rf"MANAGE TEMPLATE \[{shared}\]"):
        await chmod(cloud, shared, BOB, OTHER_U=1)


async def test_bits_of_others_can_be_left_to_administrators(tmp_path: Path) -> None:
    settings = "[users]\nenable_other_permissions = false\n"
    async with running_cloud(tmp_path, settings=settings) as cloud:
        await _populate(cloud)
        own = await cloud.new("one.template.allocate", f"NAME=own\n{TEXT}", session=ALICE)
        with pytest.raises(AuthorizationError, match="'other' permissions are disabled"):
            await chmod(cloud, own, ALICE, OTHER_U=1)
        await chmod(cloud, own, ALICE, GROUP_U=1, OTHER_U=0)
        await chmod(cloud, own, OTHER_U=1)
        await chmod(cloud, own, ALICE, GROUP_M=1)
        assert await permissions(cloud, own) == "110110100"


@pytest.mark.parametrize("bit", [-2, 2, 2**31 - 1, -(2**31)])
async def test_a_bit_is_one_or_zero_or_kept(cloud: Cloud, names: Iterator[str], bit: int) -> None:
    own = await template(cloud, names)
    with pytest.raises(ParameterError, match="Wrong permission"):
        await chmod(cloud, own, ALICE, GROUP_U=bit)
    assert await permissions(cloud, own) == "110000000"


async def test_each_bit_is_set_cleared_and_kept_by_itself() -> None:
    for position, present in itertools.product(range(9), (0, 0o777)):
        bits = [-1] * 9
        bits[position] = 0 if present else 1
        assert new_permissions(present, bits) == present ^ (0o400 >> position)
        assert new_permissions(present, [-1] * 9) == present


# -- chown ---------------------------------------------------------------------------------------


async def test_only_administrators_give_objects_away(cloud: Cloud, names: Iterator[str]) -> None:
    own = await template(cloud, names)
    with pytest.raises(AuthorizationError, match=r"MANAGE USER \[3\]"):
        await cloud.call("one.template.chown", own, 3, -1, session=ALICE)
    with pytest.raises(AuthorizationError, match=r"USE GROUP \[1\]"):
        await cloud.call("one.template.chown", own, -1, 1, session=ALICE)
    with pytest.raises(AuthorizationError, match=r"USE GROUP \[0\]"):
        await cloud.call("one.template.chown", own, -1, 0, session=ALICE)
    await cloud.call("one.template.chown", own, 2, 100, session=ALICE)  # it changes nothing
    await cloud.call("one.template.chown", own, 3, 1)
    shown = await cloud.document("one.template.info", own)
    assert [shown.findtext(name) for name in ("UID", "UNAME", "GID", "GNAME")] == ["3", "bob", "1", "users"]
    with pytest.raises(AuthorizationError):
        await cloud.call("one.template.info", own, session=ALICE)


@pytest.mark.parametrize(("uid", "gid"), [(999, -1), (-1, 999), (2**31 - 1, 2**31 - 1)])
async def test_new_owners_exist(cloud: Cloud, names: Iterator[str], uid: int, gid: int) -> None:
    own = await template(cloud, names)
    with pytest.raises(NotFoundError, match=r"Error getting (user|group)"):
        await cloud.call("one.template.chown", own, uid, gid)


async def test_an_owner_gets_no_second_object_of_a_name(cloud: Cloud, names: Iterator[str]) -> None:
    name = next(names)
    mine, his = [
        await cloud.new("one.template.allocate", f"NAME={name}\n{TEXT}", session=session)
        for session in (ALICE, BOB)
    ]
    with pytest.raises(ActionError, match=rf"NAME is already taken by TEMPLATE {his}\."):
        await cloud.call("one.template.chown", mine, 3, -1)


# -- rename --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "a" * 129, "a;b", "a\nb", "a&b", "${x}", "a/b"])
async def test_a_name_that_is_none_is_refused(cloud: Cloud, names: Iterator[str], name: str) -> None:
    own = await template(cloud, names)
    with pytest.raises(ActionError, match="Invalid NAME"):
        await cloud.call("one.template.rename", own, name, session=ALICE)


async def test_a_name_may_stay_and_may_be_somebody_elses(cloud: Cloud, names: Iterator[str]) -> None:
    own, his, name = await template(cloud, names), await template(cloud, names, BOB), next(names)
    for _ in range(2):
        await cloud.call("one.template.rename", own, name, session=ALICE)
        await cloud.call("one.template.rename", his, name, session=BOB)
    second = await template(cloud, names)
    with pytest.raises(ActionError, match=rf"NAME is already taken by TEMPLATE {own}\."):
        await cloud.call("one.template.rename", second, name, session=ALICE)


# -- locks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "shown", "refused"),
    [
        (1, "1", {"clone", "rename", "chmod"}),
        (2, "2", {"rename", "chmod"}),
        (3, "3", set()),
        (4, "1", {"clone", "rename", "chmod"}),
    ],
)
async def test_a_lock_keeps_owner_and_administrator_from_what_it_names(
    cloud: Cloud, names: Iterator[str], level: int, shown: str, refused: set[str]
) -> None:
    own = await template(cloud, names)
    await cloud.call("one.template.lock", own, level, session=ALICE)
    document = await cloud.document("one.template.info", own, session=ALICE)
    assert (document.findtext("LOCK/LOCKED"), document.findtext("LOCK/OWNER")) == (shown, "2")
    for session, text in ((ALICE, "Not authorized to perform"), (ADMIN, "TEMPLATE is locked")):
        calls = {
            "clone": (own, next(names)),
            "rename": (own, next(names)),
            "chmod": (own, 1, 1, -1, 0, 0, -1, 0, 0, -1),
        }
        for word, params in calls.items():
            if word in refused:
                with pytest.raises(AuthorizationError, match=text):
                    await cloud.call(f"one.template.{word}", *params, session=session)
            else:
                await cloud.call(f"one.template.{word}", *params, session=session)
    await cloud.call("one.template.unlock", own, session=ALICE)
    await cloud.call("one.template.rename", own, next(names), session=ALICE)


async def test_only_the_locker_and_administrators_unlock(cloud: Cloud, names: Iterator[str]) -> None:
    shared = await template(cloud, names)
    await chmod(cloud, shared, ALICE, GROUP_U=1, GROUP_M=1)
    await cloud.call("one.template.lock", shared, 2, session=ALICE)
    for method, params in (("unlock", ()), ("lock", (1,))):
        with pytest.raises(AuthorizationError, match="was locked by user 2"):
            await cloud.call(f"one.template.{method}", shared, *params, session=BOB)
    with pytest.raises(ActionError, match=r"\d+$"):
        await cloud.call("one.template.lock", shared, 2, True, session=BOB)
    await cloud.call("one.template.unlock", shared)
    await cloud.call("one.template.lock", shared, 2, True, session=BOB)
    await cloud.call("one.template.unlock", shared, session=BOB)


@pytest.mark.parametrize("level", [0, 5, -1, 2**31 - 1])
async def test_there_are_four_levels(cloud: Cloud, names: Iterator[str], level: int) -> None:
    own = await template(cloud, names)
    with pytest.raises(ParameterError, match="Wrong lock level"):
        await cloud.call("one.template.lock", own, level, session=ALICE)


@pytest.mark.parametrize("append", [-1, 2, 2**31 - 1])
async def test_an_update_replaces_or_merges(cloud: Cloud, names: Iterator[str], append: int) -> None:
    own = await template(cloud, names)
    with pytest.raises(ParameterError, match="Wrong update type"):
        await cloud.call("one.template.update", own, "X=y\n", append, session=ALICE)
