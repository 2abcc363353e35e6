from __future__ import annotations

import asyncio
from pathlib import Path

import pyone
import pytest

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.contracts.method import Access, Method, Mode, Session
from opennebula_core.db.transaction import Snapshot
from opennebula_core.errors import ActionError, AuthorizationError, InternalError, NotFoundError
from opennebula_core.hookspecs import impl
from opennebula_core.managers.absent.catalogue import ADMINISTRATION, KINDS, AbsentKind
from opennebula_core.testing.cloud import ADMIN, Cloud, running_cloud

ALICE = "alice:pw"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.prefix)
async def test_of_a_kind_that_is_not_there_nothing_is_listed_found_or_made(
    front_end: Cloud, kind: AbsentKind
) -> None:
    pool = await front_end.document(kind.pool_method, -2, -1, -1)
    assert (pool.tag, len(pool)) == (kind.root, 0)
    for action in kind.actions:
        with pytest.raises(NotFoundError, match=rf"Error getting {kind.title} \[3\]\."):
            await front_end.call(f"{kind.prefix}.{action}", 3, "surplus parameters are ignored")
    with pytest.raises(InternalError, match=f"Cannot make a {kind.title}"):
        await front_end.call(f"{kind.prefix}.allocate", "NAME=x")


async def test_what_a_vm_cannot_do_is_named_to_who_may_change_it(front_end: Cloud) -> None:
    await front_end.new("one.user.allocate", "alice", "pw", "", [])
    vm_id = await front_end.add_vm()
    with pytest.raises(ActionError, match="This release does not have the backup of VMs"):
        await front_end.call("one.vm.backup", vm_id, -1, False)
    with pytest.raises(AuthorizationError, match="MANAGE VM"):
        await front_end.call("one.vm.backup", vm_id, -1, False, session=ALICE)
    with pytest.raises(NotFoundError):
        await front_end.call("one.vm.backup", vm_id + 1)


@pytest.mark.parametrize("name", ADMINISTRATION)
async def test_administration_that_is_not_there_is_refused(front_end: Cloud, name: str) -> None:
    await front_end.new("one.user.allocate", "alice", "pw", "", [])
    with pytest.raises(ActionError, match="This release does not have"):
        await front_end.call(name, "SELECT 1")
    with pytest.raises(AuthorizationError):
        await front_end.call(name, "SELECT 1", session=ALICE)


async def test_pyone_reads_the_empty_pools(front_end: Cloud) -> None:
    def read() -> list[object]:
        with pyone.OneServer(front_end.endpoint, session=ADMIN) as one:
            return [
                one.vrouterpool.info(-2, -1, -1).VROUTER,
                one.marketpool.info().MARKETPLACE,
                one.marketapppool.info(-2, -1, -1).MARKETPLACEAPP,
                one.backupjobpool.info(-2, -1, -1).BACKUPJOB,
            ]

    assert await asyncio.to_thread(read) == [[]] * 4


class RouterManager:
    """Adds the listing of a kind that the core does not have."""

    @impl
    def opennebula_register_manager(self, registry: ManagerRegistry) -> None:
        def listing(tx: Snapshot, session: Session) -> str:
            return "<VROUTER_POOL><VROUTER><ID>0</ID></VROUTER></VROUTER_POOL>"

        registry.add_method(
            Method("one.vrouterpool.info", (), Access.LISTING, Mode.POINT, listing, "List the routers.")
        )


async def test_a_manager_from_outside_takes_the_place(tmp_path: Path) -> None:
    async with running_cloud(tmp_path, plugins=[("router", RouterManager())]) as cloud:
        assert len(await cloud.document("one.vrouterpool.info")) == 1
        assert len(await cloud.document("one.marketpool.info", -2, -1, -1)) == 0
