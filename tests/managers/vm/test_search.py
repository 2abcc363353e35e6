from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from opennebula_core.errors import ParameterError
from opennebula_core.testing.cloud import Cloud, running_cloud

pytestmark = pytest.mark.asyncio(loop_scope="module")

WEB, DATABASE, ELSE = 0, 1, 2


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cloud(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cloud]:
    """Run a cloud with three VMs; ``WEB`` runs on the host h1."""
    async with running_cloud(tmp_path_factory.mktemp("one")) as running:
        network_id = await running.add_network("net")
        nic = f"NIC=[NETWORK_ID={network_id}]\n"
        host_id = await running.add_host("h1")
        await running.run_vm(host_id, f"NAME=web\nLABELS=a\n{nic}{nic}")
        await running.add_vm(f'NAME="my database"\nLABELS="it\'s"\n{nic}NOTE="x=y"\n')
        await running.add_vm("NAME=else\nLABELS=a\n")
        yield running


async def found(
    cloud: Cloud, query: str, method: str = "info", session: str = "oneadmin:secret"
) -> list[int]:
    pool = await cloud.document(f"one.vmpool.{method}", -2, -1, -1, -1, query, session=session)
    return sorted(int(item.findtext("ID", "")) for item in pool.findall("VM"))


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", [WEB, DATABASE, ELSE]),
        ("NAME=web", [WEB]),
        ("VM.NAME=web", [WEB]),
        ("name=my database", [DATABASE]),
        ("NAME=we", []),
        ("NAME=", []),
        ("ID=2", [ELSE]),
        ("STATE=3", [WEB]),
        ("STATE=3&LCM_STATE=3", [WEB]),
        ("UNAME=oneadmin", [WEB, DATABASE, ELSE]),
        ("TEMPLATE.MEMORY=64", [WEB, DATABASE, ELSE]),
        ("TEMPLATE.NIC.IP=10.0.0.2", [WEB]),
        ("TEMPLATE.NIC.IP=10.0.0.3", [DATABASE]),
        ("TEMPLATE.NIC.NETWORK=net", [WEB, DATABASE]),
        ("TEMPLATE.NIC=net", []),
        ("TEMPLATE.MEMORY.X=64", []),
        ("USER_TEMPLATE.LABELS=a", [WEB, ELSE]),
        ("USER_TEMPLATE.LABELS=it's", [DATABASE]),
        ("USER_TEMPLATE.NOTE=x=y", [DATABASE]),
        ("USER_TEMPLATE.LABELS=a&NAME=else", [ELSE]),
        ("HISTORY_RECORDS.HISTORY.HOSTNAME=h1", [WEB]),
        ("HISTORY_RECORDS.HISTORY.HID=9", []),
        ("NAME=' OR 1 --", []),
    ],
)
async def test_vms_are_found_by_what_they_hold(cloud: Cloud, query: str, ids: list[int]) -> None:
    assert await found(cloud, query) == ids
    assert await found(cloud, query, "infoextended") == ids


@pytest.mark.parametrize(
    "query",
    [
        "web",
        "=x",
        "NAME",
        "NAME=a&",
        "A B=x",
        "TEMPLATE.NIC.IP.X=1",
        "SECRET=x",
        "PERMISSIONS=1",
        "DOC_HEAD=x",
        'TEMPLATE.A"B=x',
        "TEMPLATE.=x",
        "name) OR (1=1",
        "&".join(["NAME=x"] * 17),
    ],
)
async def test_what_cannot_be_searched_is_refused(cloud: Cloud, query: str) -> None:
    with pytest.raises(ParameterError, match="Wrong query"):
        await found(cloud, query)


async def test_nobody_finds_what_he_may_not_use(cloud: Cloud) -> None:
    await cloud.call("one.user.allocate", "alice", "pw", "", [])
    assert await found(cloud, "NAME=web", session="alice:pw") == []
