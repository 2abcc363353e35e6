from __future__ import annotations

import pytest
import pytest_asyncio

from opennebula_core.errors import ActionError, AuthorizationError, InternalError, NotFoundError
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.testing.cloud import Cloud

from ..estate import Estate

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROLES = "ROLE=[NAME=web]\nROLE=[NAME=db,POLICY=anti_affined]\n"
ALICE = "alice:wonder"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cloud(module_estate: Estate) -> Cloud:
    """Return the module's cloud, in which there is alice."""
    await module_estate.cloud.call("one.user.allocate", "alice", "wonder", "core", [])
    return module_estate.cloud


async def new_group(cloud: Cloud, name: str, text: str = ROLES, session: str = "oneadmin:secret") -> int:
    return await cloud.new("one.vmgroup.allocate", f'NAME="{name}"\n{text}', session=session)


async def roles(cloud: Cloud, group_id: int) -> dict[str, str | None]:
    """Return the VMs of each role as the group's document lists them."""
    shown = await cloud.document("one.vmgroup.info", group_id)
    return {role.findtext("NAME", ""): role.findtext("VMS") for role in shown.iterfind("ROLES/ROLE")}


async def test_a_group_is_made_shown_changed_and_removed(cloud: Cloud) -> None:
    group_id = await new_group(cloud, "app", f'{ROLES}ANTI_AFFINED="web,db"\nNOTE=x\n')
    await cloud.call("one.vmgroup.rename", group_id, "apps")
    await cloud.call("one.vmgroup.lock", group_id, 2, False)
    with pytest.raises(AuthorizationError, match="VMGROUP is locked"):
        await cloud.call("one.vmgroup.roledelete", group_id, 0)
    shown = await cloud.document("one.vmgroup.info", group_id)
    assert (shown.tag, shown.findtext("NAME"), shown.findtext("LOCK/LOCKED")) == ("VM_GROUP", "apps", "2")
    assert [(role.findtext("ID"), role.findtext("POLICY")) for role in shown.iterfind("ROLES/ROLE")] == [
        ("0", None),
        ("1", "ANTI_AFFINED"),
    ]
    assert {item.tag for item in shown.findall("TEMPLATE/*")} == {"ANTI_AFFINED", "NOTE"}
    await cloud.call("one.vmgroup.unlock", group_id)
    await cloud.call("one.vmgroup.update", group_id, "NOTE=y\nROLE=[NAME=ignored]\n", 0)
    shown = await cloud.document("one.vmgroup.info", group_id)
    assert [(item.tag, item.text) for item in shown.findall("TEMPLATE/*")] == [("NOTE", "y")]
    assert len(shown.findall("ROLES/ROLE")) == 2
    await cloud.call("one.vmgroup.delete", group_id)
    with pytest.raises(NotFoundError, match=rf"Error getting vm group \[{group_id}\]\."):
        await cloud.call("one.vmgroup.info", group_id)


async def test_what_makes_no_sense_is_not_made(cloud: Cloud) -> None:
    for text, reason in (
        (ROLES, "Invalid NAME, it cannot be empty"),
        (f"NAME=x\n{ROLES}ROLE=[NAME=db]", "Role already exists"),
        (f"NAME=x\n{ROLES}ROLE=plain", "Wrong ROLE in VM group"),
        (f"NAME=x\n{ROLES}AFFINED=cache", "Some roles used in AFFINED"),
    ):
        with pytest.raises(InternalError, match=reason):
            await cloud.call("one.vmgroup.allocate", text)
    group_id = await new_group(cloud, "twice")
    with pytest.raises(InternalError, match=rf"NAME is already taken by VMGROUP {group_id}\."):
        await new_group(cloud, "twice")
    with pytest.raises(InternalError, match="role policy is ANTI_AFFINED"):
        await cloud.call("one.vmgroup.update", group_id, 'AFFINED="web,db"', 1)


async def test_roles_are_added_changed_and_removed_while_the_rules_allow_it(cloud: Cloud) -> None:
    group_id = await new_group(cloud, "changing", f'{ROLES}ANTI_AFFINED="web,db"\n')
    call = cloud.call
    assert await call("one.vmgroup.roleadd", group_id, 'ROLE=[NAME=cache,VMS="7"]') == group_id
    assert await roles(cloud, group_id) == {"web": None, "db": None, "cache": None}
    assert await call("one.vmgroup.roleupdate", group_id, 2, 'ROLE=[NAME=store,HOST_AFFINED="1"]') == group_id
    assert await call("one.vmgroup.roledelete", group_id, 2) == group_id
    for method, params, reason in (
        ("roleadd", ("ROLE=[NAME=db]",), "Role already exists"),
        ("roleadd", ("NAME=x",), "No ROLE attribute in template"),
        ("roleadd", ("ROLE=[",), "Parse error"),
        ("roleupdate", (1, "ROLE=[NAME=web]"), "role with name web already exists"),
        ("roleupdate", (1, "ROLE=[NAME=other]"), "Some roles used in ANTI_AFFINED"),
        ("roleupdate", (2, "ROLE=[NAME=other]"), "doesn't have role 2"),
        ("roledelete", (0,), "Some roles used in ANTI_AFFINED"),
        ("roledelete", (2,), "the role doesn't exists"),
    ):
        with pytest.raises(ActionError, match=reason):
            await call(f"one.vmgroup.{method}", group_id, *params)
    assert await roles(cloud, group_id) == {"web": None, "db": None}


async def test_vms_are_in_their_roles_from_the_start_to_the_end(cloud: Cloud) -> None:
    group_id = await new_group(cloud, "members")
    group = f"VMGROUP=[VMGROUP_ID={group_id},ROLE=db]\n"
    first = await cloud.add_vm(group)
    template_id = await cloud.new("one.template.allocate", f"NAME=in-group\nCPU=1\nMEMORY=64\n{group}")
    second = await cloud.new("one.template.instantiate", template_id, "two", True)
    third = await cloud.add_vm("VMGROUP=[VMGROUP_NAME=members,ROLE=web]\nVMGROUP=[ROLE=more]\n")
    assert await roles(cloud, group_id) == {"web": str(third), "db": f"{first},{second}"}
    assert cloud.vm(third).template.vectors("VMGROUP") == [
        {"VMGROUP_NAME": "members", "VMGROUP_ID": str(group_id), "ROLE": "web"}
    ]
    for method, params, reason in (
        ("roleupdate", (1, "ROLE=[POLICY=NONE]"), "has VMs, unable to update"),
        ("roledelete", (1,), "the role has assigned VMs"),
        ("delete", (), f"The group has 3 VMs, such as VM {first}"),
    ):
        with pytest.raises(ActionError, match=reason):
            await cloud.call(f"one.vmgroup.{method}", group_id, *params)
    with pytest.raises(InternalError, match="VM Group has 3 VMs"):
        await cloud.call("one.vmgroup.update", group_id, "NOTE=x", 1)
    await cloud.act("terminate", first)
    await cloud.call("one.vm.recover", second, 5)
    assert await roles(cloud, group_id) == {"web": str(third), "db": None}
    assert cloud.vm(first).template.vector("VMGROUP") is not None
    await cloud.act("terminate-hard", third)
    await cloud.call("one.vmgroup.delete", group_id)


async def test_a_vm_that_ran_leaves_its_role_when_it_is_done_and_not_when_it_is_made_anew(
    estate: Estate, cloud: Cloud
) -> None:
    group_id = await new_group(cloud, "running")
    vm_id = await cloud.run_vm(estate.here, f"VMGROUP=[VMGROUP_ID={group_id},ROLE=web]")
    await cloud.call("one.vm.recover", vm_id, 4)
    await cloud.settle(vm_id, VmState.PENDING)
    assert await roles(cloud, group_id) == {"web": str(vm_id), "db": None}
    await cloud.call("one.vm.deploy", vm_id, estate.here)
    await cloud.settle(vm_id, LcmState.RUNNING)
    await cloud.act("terminate-hard", vm_id)
    await cloud.settle(vm_id, VmState.DONE)
    assert await roles(cloud, group_id) == {"web": None, "db": None}


async def test_a_vm_comes_into_a_role_that_exists_of_a_group_that_may_be_used(cloud: Cloud) -> None:
    group_id = await new_group(cloud, "guarded")
    before = len(await cloud.document("one.vmpool.info", -2, -1, -1, -2))
    for vector, reason in (
        (f"VMGROUP_ID={group_id}", "Missing role name in VM Group definition"),
        (f"VMGROUP_ID={group_id},ROLE=x", "Role does not exist in VM Group"),
        ("VMGROUP_ID=999,ROLE=web", "Cannot find VM Group to associate the VM"),
        ("VMGROUP_ID=x,ROLE=web", "Cannot find VM Group"),
        ("VMGROUP_NAME=none,ROLE=web", "Cannot find VM Group"),
        ("ROLE=web", "Cannot find VM Group"),
    ):
        with pytest.raises(InternalError, match=reason):
            await cloud.add_vm(f"VMGROUP=[{vector}]")
    with pytest.raises(InternalError, match="Missing role name"):
        await cloud.add_vm("VMGROUP=plain")
    use = "VMGROUP=[VMGROUP_NAME=guarded,VMGROUP_UID=0,ROLE=web]"
    with pytest.raises(AuthorizationError, match=rf"USE VMGROUP \[{group_id}\]"):
        await cloud.add_vm(use, session=ALICE)
    with pytest.raises(InternalError, match="Cannot find VM Group"):
        await cloud.add_vm("VMGROUP=[VMGROUP_NAME=guarded,ROLE=web]", session=ALICE)
    assert len(await cloud.document("one.vmpool.info", -2, -1, -1, -2)) == before
    assert await roles(cloud, group_id) == {"web": None, "db": None}
    await cloud.call("one.vmgroup.chmod", group_id, -1, -1, -1, -1, -1, -1, 1, -1, -1)
    vm_id = await cloud.add_vm(use, session=ALICE)
    assert (await roles(cloud, group_id))["web"] == str(vm_id)
    await cloud.call("one.vmgroup.lock", group_id, 1, False)
    with pytest.raises(AuthorizationError, match="USE VMGROUP"):
        await cloud.add_vm(use, session=ALICE)


async def test_a_vm_is_put_into_a_group_and_taken_out_of_it(cloud: Cloud) -> None:
    group_id, other = await new_group(cloud, "joined"), await new_group(cloud, "other")
    vm_id = await cloud.add_vm(session=ALICE)
    call = cloud.call
    with pytest.raises(ActionError, match=f"VM {vm_id} is in no VM Group"):
        await call("one.vm.vmgroupdel", vm_id)
    with pytest.raises(ActionError, match="Role does not exist in VM Group"):
        await call("one.vm.vmgroupadd", vm_id, group_id, "x")
    with pytest.raises(AuthorizationError, match="USE VMGROUP"):
        await call("one.vm.vmgroupadd", vm_id, group_id, "web", session=ALICE)
    assert await call("one.vm.vmgroupadd", vm_id, group_id, "web") == vm_id
    assert (await roles(cloud, group_id))["web"] == str(vm_id)
    shown = await cloud.document("one.vm.info", vm_id)
    assert shown.findtext("TEMPLATE/VMGROUP/ROLE") == "web"
    with pytest.raises(ActionError, match=f"is already in VM Group {group_id}"):
        await call("one.vm.vmgroupadd", vm_id, other, "web")
    assert await call("one.vm.vmgroupdel", vm_id, session=ALICE) == vm_id
    assert (await roles(cloud, group_id))["web"] is None
    assert (await cloud.document("one.vm.info", vm_id)).find("TEMPLATE/VMGROUP") is None
    await call("one.vm.vmgroupadd", vm_id, other, "db")
    await cloud.act("terminate", vm_id)
    assert (await roles(cloud, other))["db"] is None
    for method, params in (("vmgroupadd", (group_id, "web")), ("vmgroupdel", ())):
        with pytest.raises(ActionError):
            await call(f"one.vm.{method}", vm_id, *params)
    assert cloud.vm(vm_id).template.vector("VMGROUP") is not None


async def test_pools_are_filtered_and_paged(cloud: Cloud) -> None:
    hidden = await new_group(cloud, "hidden")
    own = [await new_group(cloud, f"own{number}", session=ALICE) for number in range(3)]

    async def listed(*params: int) -> list[int]:
        pool = await cloud.document("one.vmgrouppool.info", *params, session=ALICE)
        assert pool.tag == "VM_GROUP_POOL"
        return [int(item.text or "") for item in pool.findall("VM_GROUP/ID")]

    assert hidden not in await listed(-2, -1, -1)
    assert await listed(-3, -1, -1) == own[::-1]
    assert await listed(-3, 1, -2) == own[1::-1]
    assert await listed(-3, own[1], own[2]) == [own[2], own[1]]


async def test_a_vm_without_a_group_costs_no_query_more(cloud: Cloud) -> None:
    statements: list[str] = []
    connection = cloud.daemon.store
    await connection.write(lambda tx: tx.connection.set_trace_callback(statements.append))
    vm_id = await cloud.add_vm()
    await cloud.act("terminate", vm_id)
    await connection.write(lambda tx: tx.connection.set_trace_callback(None))
    assert any("INSERT" in text for text in statements)
    assert not [text for text in statements if "vm_group" in text]
