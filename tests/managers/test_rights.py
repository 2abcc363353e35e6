"""Rights on objects: what bits and rules open, and to whom. VM templates and hosts stand for all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from opennebula_core.errors import AuthorizationError, NotFoundError
from opennebula_core.managers.access.rules import add_rule
from opennebula_core.model.acl import parse_rule
from opennebula_core.testing.cloud import ADMIN, Cloud, running_cloud

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALICE, BOB, ROOT = "alice:pw", "bob:pw", "root:pw"
"""alice (2) and bob (3) are in users (1), bob in dev (100), too; root (4) is an administrator of users."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cloud(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cloud]:
    """Run a cloud with two templates of oneadmin's, 0 of group 0 and 1 of dev, and a host in cluster 100."""
    async with running_cloud(tmp_path_factory.mktemp("one")) as running:
        group_id = await running.new("one.group.allocate", "dev")
        for name, groups in (("alice", [1]), ("bob", [1, group_id]), ("root", [1, 0])):
            await running.new("one.user.allocate", name, "pw", "", groups)
        for name in ("first", "second"):
            await running.new("one.template.allocate", f"NAME={name}\nCPU=1\nMEMORY=64\n")
        await running.call("one.template.chown", 1, -1, group_id)
        cluster_id = await running.new("one.cluster.allocate", "rack")
        await running.new("one.host.allocate", "h1", "dummy", "dummy", cluster_id)
        yield running


@asynccontextmanager
async def rule(cloud: Cloud, text: str) -> AsyncIterator[None]:
    """Have an access rule while the block runs."""
    rule_id = await cloud.daemon.store.write(lambda tx: add_rule(tx, parse_rule(text)))
    yield
    await cloud.call("one.acl.delrule", rule_id)


async def may(cloud: Cloud, session: str, method: str, *params: object) -> bool:
    try:
        await cloud.call(method, *params, session=session)
    except AuthorizationError:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "alice", "bob"),
    [
        ("#2 TEMPLATE/#1 USE #0", {1}, set()),
        ("#2 TEMPLATE/#0 USE *", None, None),
        ("@1 TEMPLATE/* USE *", {0, 1}, {0, 1}),
        ("@100 TEMPLATE/* USE #0", set(), {0, 1}),
        ("* TEMPLATE/@100 USE #0", {1}, {1}),
        ("#3 TEMPLATE/@0 USE #0", set(), {0}),
        ("#2 TEMPLATE/* USE #5", set(), set()),
        ("#2 VM+IMAGE/* USE #0", set(), set()),
        ("#2 TEMPLATE/* MANAGE+ADMIN+CREATE #0", set(), set()),
        ("#2 VM+TEMPLATE/#1 MANAGE+USE #0", {1}, set()),
    ],
)
async def test_a_rule_opens_what_it_says_and_to_whom(
    cloud: Cloud, text: str, alice: set[int] | None, bob: set[int] | None
) -> None:
    if alice is None:  # one object in all zones makes no sense
        with pytest.raises(Exception, match="malformed"):
            parse_rule(text)
        return
    async with rule(cloud, text):
        for session, expected in ((ALICE, alice), (BOB, bob)):
            opened = {number for number in (0, 1) if await may(cloud, session, "one.template.info", number)}
            assert opened == expected, session
    assert not await may(cloud, ALICE, "one.template.info", 1)


@pytest.mark.parametrize(
    ("right", "allowed"),
    [
        ("USE", {"info"}),
        ("MANAGE", {"rename", "chmod"}),
        ("ADMIN", set()),
        ("MANAGE+ADMIN", {"rename", "chmod", "chmod of ADMIN"}),
    ],
)
async def test_one_right_does_not_bring_another(cloud: Cloud, right: str, allowed: set[str]) -> None:
    keep = [-1] * 9
    calls: dict[str, tuple[object, ...]] = {
        "info": ("one.template.info", 0),
        "rename": ("one.template.rename", 0, f"by {right.lower()}"),
        "chmod": ("one.template.chmod", 0, *keep[:-1], 0),
        "chmod of ADMIN": ("one.template.chmod", 0, *keep[:-1], 1),
    }
    async with rule(cloud, f"#2 TEMPLATE/#0 {right} #0"):
        assert {
            word for word, (method, *params) in calls.items() if await may(cloud, ALICE, str(method), *params)
        } == allowed
    await cloud.call("one.template.chmod", 0, *keep[:-1], 0)


async def test_a_rule_on_a_cluster_opens_what_is_in_it(cloud: Cloud) -> None:
    async with rule(cloud, "#2 HOST/%100 USE #0"):
        assert await may(cloud, ALICE, "one.host.info", 0)
        await cloud.call("one.cluster.addhost", 0, 0)
        assert not await may(cloud, ALICE, "one.host.info", 0)
        await cloud.call("one.cluster.addhost", 100, 0)
    assert not await may(cloud, ALICE, "one.host.info", 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#2 TEMPLATE/* CREATE #0", True),
        ("#2 TEMPLATE/@1 CREATE #0", True),
        ("#2 TEMPLATE/@100 CREATE #0", False),
        ("#2 TEMPLATE/#7 CREATE #0", False),
        ("#2 TEMPLATE/* USE+MANAGE+ADMIN #0", False),
        ("#2 VM/* CREATE #0", False),
    ],
)
async def test_making_objects_is_a_right_of_its_own(cloud: Cloud, text: str, expected: bool) -> None:
    await cloud.daemon.store.write(lambda tx: tx.execute("DELETE FROM acl WHERE user = ?", (0x200000001,)))
    name = text.translate({ord(sign): "-" for sign in "#/@"})
    async with rule(cloud, text):
        made = await may(cloud, ALICE, "one.template.allocate", f'NAME="{name}"\nCPU=1\nMEMORY=64\n')
    assert made is expected


async def test_members_of_the_group_oneadmin_need_no_rule_whatever_their_first_group(cloud: Cloud) -> None:
    for session in (ADMIN, ROOT):
        assert await may(cloud, session, "one.template.info", 0)
        assert await may(cloud, session, "one.acl.info")
        assert await may(cloud, session, "one.user.passwd", 2, "pw")
    assert not await may(cloud, BOB, "one.acl.info")


async def test_what_is_not_there_is_not_there_for_anybody(cloud: Cloud) -> None:
    for session in (ALICE, ADMIN):
        with pytest.raises(NotFoundError, match=r"Error getting virtual machine template \[999\]\."):
            await cloud.call("one.template.info", 999, session=session)
        with pytest.raises(NotFoundError, match=r"Error getting virtual machine template Pool\."):
            await cloud.call("one.template.info", -1, session=session)
