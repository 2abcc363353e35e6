"""Listings through the API: whose objects, which of them, in what order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from opennebula_core.errors import ParameterError
from opennebula_core.managers.access.rules import add_rule
from opennebula_core.model.acl import parse_rule
from opennebula_core.model.states import VmState
from opennebula_core.testing.cloud import ADMIN, Cloud, running_cloud

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALICE, BOB, EVE = "alice:pw", "bob:pw", "eve:pw"
"""alice (2) and bob (3) are in the group dev (100), bob in users (1), too, where eve (4) is."""
GROUP_ONLY, MINE, ALL, MINE_AND_GROUPS = -4, -3, -2, -1


@dataclass
class Estate:
    """A cloud with a template and a VM of each user, by name; ``shared`` ones are for the group, or all."""

    cloud: Cloud
    templates: dict[str, int] = field(default_factory=dict)
    vms: dict[str, int] = field(default_factory=dict)

    async def listed(self, session: str, flag: int, start: int = -1, end: int = -1) -> list[int]:
        """Return the ids in the template pool, in their order."""
        pool = await self.cloud.document("one.templatepool.info", flag, start, end, session=session)
        return [int(item.findtext("ID", "")) for item in pool.findall("VMTEMPLATE")]

    async def names(self, session: str, flag: int) -> set[str]:
        """Return the names of the templates that are listed."""
        ids = await self.listed(session, flag)
        return {name for name, number in self.templates.items() if number in ids}

    async def vm_ids(self, state: int, method: str = "info", session: str = ADMIN) -> list[int]:
        """Return the ids in the VM pool."""
        pool = await self.cloud.document(f"one.vmpool.{method}", ALL, -1, -1, state, session=session)
        return [int(item.findtext("ID", "")) for item in pool.findall("VM")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def estate(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Estate]:
    async with running_cloud(tmp_path_factory.mktemp("one")) as cloud:
        made = Estate(cloud)
        await _populate(made)
        yield made


async def _populate(made: Estate) -> None:
    cloud = made.cloud
    group_id = await cloud.new("one.group.allocate", "dev")
    for name, groups in (("alice", [group_id]), ("bob", [group_id, 1]), ("eve", [])):
        await cloud.new("one.user.allocate", name, "pw", "", groups)
    rule = parse_rule("* VM+TEMPLATE/* CREATE #0")
    await cloud.daemon.store.write(lambda tx: add_rule(tx, rule))
    for session in (ADMIN, ALICE, BOB, EVE):
        owner = session.partition(":")[0]
        for kind, bits in (("own", ()), ("group", (3,)), ("all", (6,))):
            text = f"NAME={owner}-{kind}\nCPU=1\nMEMORY=64\n"
            template_id = await cloud.new("one.template.allocate", text, session=session)
            made.templates[f"{owner}-{kind}"] = template_id
            changes = [1 if position in bits else -1 for position in range(9)]
            await cloud.call("one.template.chmod", template_id, *changes)
        made.vms[owner] = await cloud.add_vm(session=session)


ALICES = {"alice-own", "alice-group", "alice-all"}
BOBS = {"bob-own", "bob-group", "bob-all"}
EVES = {"eve-own", "eve-group", "eve-all"}
ADMINS = {"oneadmin-own", "oneadmin-group", "oneadmin-all"}


@pytest.mark.parametrize(
    ("session", "flag", "expected"),
    [
        (ALICE, MINE, ALICES),
        (ALICE, GROUP_ONLY, ALICES | {"bob-group", "bob-all"}),
        (ALICE, MINE_AND_GROUPS, ALICES | {"bob-group", "bob-all"}),
        (ALICE, ALL, ALICES | {"bob-group", "bob-all", "eve-all", "oneadmin-all"}),
        (ALICE, 2, ALICES),
        (ALICE, 3, {"bob-group", "bob-all"}),
        (ALICE, 0, {"oneadmin-all"}),
        (ALICE, 999, set()),
        (BOB, MINE_AND_GROUPS, BOBS | {"alice-group", "alice-all", "eve-group", "eve-all"}),
        (BOB, GROUP_ONLY, BOBS | {"alice-group", "alice-all"}),
        (EVE, ALL, EVES | {"alice-all", "bob-all", "oneadmin-all"}),
        (ADMIN, ALL, ADMINS | ALICES | BOBS | EVES),
        (ADMIN, MINE, ADMINS),
        (ADMIN, GROUP_ONLY, ADMINS),
        (ADMIN, 4, EVES),
    ],
)
async def test_a_flag_says_whose_objects_and_the_rights_say_which_of_them(
    estate: Estate, session: str, flag: int, expected: set[str]
) -> None:
    assert await estate.names(session, flag) == expected


@pytest.mark.parametrize("flag", [-5, -(2**31)])
@pytest.mark.parametrize(
    "method", ["templatepool.info", "imagepool.info", "vnpool.info", "secgrouppool.info", "vmpool.info"]
)
async def test_there_is_no_flag_below_four(estate: Estate, method: str, flag: int) -> None:
    more = (-2,) if method.startswith("vmpool") else ()
    with pytest.raises(ParameterError, match="Incorrect filter_flag"):
        await estate.cloud.call(f"one.{method}", flag, -1, -1, *more)


async def test_the_newest_come_first_and_a_range_takes_both_its_ends(estate: Estate) -> None:
    ids = sorted(estate.templates.values(), reverse=True)
    assert await estate.listed(ADMIN, ALL) == ids
    assert await estate.listed(ADMIN, ALL, 3, 5) == [5, 4, 3]
    assert await estate.listed(ADMIN, ALL, 9) == [number for number in ids if number >= 9]
    assert await estate.listed(ADMIN, ALL, 5, 3) == []
    assert await estate.listed(ADMIN, ALL, 0, 0) == [0]
    assert await estate.listed(ADMIN, ALL, 1000, 2**31 - 1) == []


@pytest.mark.parametrize("session", [ADMIN, ALICE])
async def test_pages_put_together_are_the_whole(estate: Estate, session: str) -> None:
    whole = await estate.listed(session, ALL)
    pages = [await estate.listed(session, ALL, start, -3) for start in range(0, len(whole) + 3, 3)]
    assert [number for page in pages for number in page] == whole
    assert [len(page) for page in pages[:-2]] == [3] * (len(pages) - 2)
    assert await estate.listed(session, ALL, 0, -(2**31)) == whole


async def test_vms_are_listed_by_state(estate: Estate) -> None:
    done, held = estate.vms["eve"], estate.vms["alice"]
    await estate.cloud.act("terminate", done)
    await estate.cloud.act("release", estate.vms["bob"])
    everyone = set(estate.vms.values())
    for method in ("info", "infoextended"):
        assert set(await estate.vm_ids(-2, method)) == everyone
        assert set(await estate.vm_ids(-1, method)) == everyone - {done}
        assert await estate.vm_ids(VmState.DONE, method) == [done]
        assert await estate.vm_ids(VmState.PENDING, method) == [estate.vms["bob"]]
        assert held in await estate.vm_ids(VmState.HOLD, method)
        assert await estate.vm_ids(VmState.ACTIVE, method) == []
        assert await estate.vm_ids(-2, method, EVE) == [done]
        for state in (-3, 12, 2**31 - 1):
            with pytest.raises(ParameterError, match="state"):
                await estate.vm_ids(state, method)


async def test_a_set_of_ids_holds_what_the_caller_may_use(estate: Estate) -> None:
    async def listed(ids: str, session: str) -> list[str | None]:
        pool = await estate.cloud.document("one.vmpool.infoset", ids, False, session=session)
        return [item.findtext("ID") for item in pool.findall("VM")]

    every = ",".join(map(str, estate.vms.values()))
    assert len(await listed(every, ADMIN)) == len(estate.vms)
    assert await listed(f"{every},77777, {estate.vms['alice']}", ALICE) == [str(estate.vms["alice"])]
    assert await listed("", ADMIN) == []
    assert len(await listed(",".join(map(str, range(100_000))), ADMIN)) == len(estate.vms)
    for wrong in ("x", "1;2", "1,-2", "1 2"):
        with pytest.raises(ParameterError, match="Wrong list of ids"):
            await listed(wrong, ADMIN)


async def test_hosts_are_there_for_those_who_may_use_them(estate: Estate) -> None:
    host_id = await estate.cloud.new("one.host.allocate", "h1", "dummy", "dummy", -1)

    async def listed(session: str) -> list[str | None]:
        pool = await estate.cloud.document("one.hostpool.info", -2, -1, -1, session=session)
        return [item.findtext("ID") for item in pool.findall("HOST")]

    assert await listed(ADMIN) == [str(host_id)]
    assert await listed(ALICE) == []  # her group may MANAGE it, which is for deployments, but not USE
    user_id = 2
    rule = parse_rule(f"#{user_id} HOST/%0 USE #0")
    await estate.cloud.daemon.store.write(lambda tx: add_rule(tx, rule))
    assert await listed(ALICE) == [str(host_id)]
    assert await listed(EVE) == []
