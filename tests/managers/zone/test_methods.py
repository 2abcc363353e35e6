from __future__ import annotations

import pytest

from opennebula_core.errors import AuthenticationError, NotFoundError
from opennebula_core.testing.cloud import ADMIN, Cloud

ALICE = "alice:pw"


async def test_there_is_one_zone_which_says_where_the_api_is(front_end: Cloud) -> None:
    await front_end.call("one.user.allocate", "alice", "pw", "", [])
    for session in (ADMIN, ALICE):
        zone = await front_end.document("one.zone.info", 0, session=session)
        assert (zone.tag, zone.findtext("ID"), zone.findtext("NAME")) == ("ZONE", "0", "OpenNebula")
        assert zone.findtext("TEMPLATE/ENDPOINT") == front_end.endpoint
        pool = await front_end.document("one.zonepool.info", session=session)
        assert [item.findtext("ID") for item in pool.findall("ZONE")] == ["0"]


@pytest.mark.parametrize("zone_id", [1, -1, 100, 2**31 - 1])
async def test_there_is_no_other(front_end: Cloud, zone_id: int) -> None:
    with pytest.raises(NotFoundError, match="Error getting zone"):
        await front_end.call("one.zone.info", zone_id)


async def test_it_stands_alone(front_end: Cloud) -> None:
    raft = await front_end.document("one.zone.raftstatus")
    assert raft.tag == "RAFT"
    assert raft.findtext("SERVER_ID") == "-1"


async def test_strangers_are_not_told(front_end: Cloud) -> None:
    with pytest.raises(AuthenticationError):
        await front_end.call("one.zonepool.info", session="oneadmin:guess")
