"""Quotas of users and groups: each at its limit, what is counted when, who sets them, what they show."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from pyone import bindings

from opennebula_core.db import maintenance
from opennebula_core.errors import ActionError, AuthorizationError, InternalError, RequestError
from opennebula_core.model.acl import parse_rule
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.testing.cloud import Cloud, running_cloud

ALICE = "alice:secret"
METRICS = ("VMS", "RUNNING_VMS", "CPU", "RUNNING_CPU", "MEMORY", "RUNNING_MEMORY", "SYSTEM_DISK_SIZE")


class Town:
    """A cloud with a user of a group of his own, an image and a network that he may use."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    async def build(self) -> None:
        cloud = self.cloud
        self.group_id = await cloud.new("one.group.allocate", "staff")
        self.user_id = await cloud.new("one.user.allocate", "alice", "secret", "", [self.group_id])
        for rule in ("VM+IMAGE+TEMPLATE/* CREATE", "VM/* ADMIN"):
            await self.allow(rule)
        self.image_id = await cloud.add_image("base")
        self.network_id = await cloud.add_network("net")
        for kind, number in (("image", self.image_id), ("vn", self.network_id)):
            await cloud.call(f"one.{kind}.chmod", number, -1, -1, -1, -1, -1, -1, 1, -1, -1)

    async def allow(self, rule: str) -> None:
        parsed = parse_rule(f"@{self.group_id} {rule}")
        numbers = (parsed.user, parsed.resource, parsed.rights)
        await self.cloud.call("one.acl.addrule", *(f"{number:x}" for number in numbers), "")

    async def limit(self, text: str, *, group: bool = False) -> None:
        owner = ("group", self.group_id) if group else ("user", self.user_id)
        await self.cloud.call(f"one.{owner[0]}.quota", owner[1], text)

    async def vm(self, template: str = "", *, session: str = ALICE) -> int:
        return await self.cloud.add_vm(template, session=session)

    async def used(self, path: str, *, group: bool = False) -> str:
        """Return a number of the owner's quotas, ``-`` when there is no such entry."""
        return (await self.document(group=group)).findtext(path, "-")

    async def vms_used(self, *, group: bool = False) -> list[str]:
        """Return what of VM quotas is used, in the order of METRICS."""
        document = await self.document(group=group)
        return [document.findtext(f"VM_QUOTA/VM/{name}_USED", "-") for name in METRICS]

    async def document(self, *, group: bool = False) -> Element:
        if group:
            return await self.cloud.document("one.group.info", self.group_id)
        return await self.cloud.document("one.user.info", self.user_id)

    def problems(self) -> list[str]:
        """Return where what is counted is not what there is."""
        return [problem.text for problem in maintenance.check(self.cloud.daemon.store.path)]


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with running_cloud(tmp_path) as cloud:
        town = Town(cloud)
        await town.build()
        yield town
        assert town.problems() == []


LIMITS = (
    ("VMS", "1", "1"),
    ("RUNNING_VMS", "1", "1"),
    ("CPU", "0.75", "0.75"),
    ("RUNNING_CPU", "0.5", "0.50"),
    ("MEMORY", "127", "127"),
    ("RUNNING_MEMORY", "64", "64"),
    ("SYSTEM_DISK_SIZE", "2047", "2047"),
)


@pytest.mark.parametrize("owner", ["user", "group"])
async def test_a_vm_that_passes_a_limit_is_refused_whole(town: Town, owner: str) -> None:
    template = f"DISK=[IMAGE_ID={town.image_id}]\nNIC=[NETWORK_ID={town.network_id}]"
    number = town.user_id if owner == "user" else town.group_id
    for metric, limit, shown in LIMITS:
        await town.limit(f"VM=[{metric}={limit}]", group=owner == "group")
        vm_id = await town.vm(template)
        before = await town.vms_used()

        with pytest.raises(AuthorizationError) as refused:
            await town.vm(template)

        text = f"{owner} [{number}] limit of {shown} reached for {metric} quota in VM."
        assert str(refused.value) == f"[one.vm.allocate] {text}"
        assert await town.vms_used() == before
        assert town.cloud.network(town.network_id).used_leases == 1
        assert town.cloud.image(town.image_id).running_vms == 1
        await town.cloud.act("terminate", vm_id)


async def test_a_persistent_disk_grows_within_the_limits_of_its_image(town: Town) -> None:
    cloud = town.cloud
    image_id = await cloud.add_image("mine")
    await cloud.call("one.image.persistent", image_id, True)
    await cloud.call("one.image.chown", image_id, town.user_id, town.group_id)
    vm_id = await town.vm(f"DISK=[IMAGE_ID={image_id}]")
    await cloud.call("one.vm.deploy", vm_id, await cloud.add_host("h1"))
    await cloud.settle(vm_id, LcmState.RUNNING)
    before = cloud.image(image_id).size_mb
    await town.limit(f"DATASTORE=[ID={cloud.datastore_id},SIZE={before + 1}]")

    with pytest.raises(AuthorizationError, match="reached for SIZE quota in DATASTORE"):
        await cloud.call("one.vm.diskresize", vm_id, 0, str(before + 2), session=ALICE)

    assert cloud.image(image_id).size_mb == before
    await cloud.call("one.vm.diskresize", vm_id, 0, str(before + 1), session=ALICE)
    await cloud.settle(vm_id, LcmState.RUNNING)
    assert await town.used("DATASTORE_QUOTA/DATASTORE/SIZE_USED") == str(before + 1)


async def test_leases_and_images_are_limited_one_by_one(town: Town) -> None:
    other = await town.cloud.add_network("other", first_ip="10.1.0.1")
    await town.cloud.call("one.vn.chmod", other, -1, -1, -1, -1, -1, -1, 1, -1, -1)
    await town.limit(f"NETWORK=[ID={town.network_id},LEASES=2]")
    await town.limit(f"IMAGE=[ID={town.image_id},RVMS=1]", group=True)
    nic, disk = f"NIC=[NETWORK_ID={town.network_id}]", f"DISK=[IMAGE_ID={town.image_id}]"

    with pytest.raises(
        AuthorizationError, match=r"limit of 2 reached for LEASES quota in NETWORK with ID: 0"
    ):
        await town.vm(f"{nic}\n{nic}\n{nic}")
    await town.vm(f"{nic}\n{nic}\nNIC=[NETWORK_ID={other}]\n{disk}\n{disk}")
    with pytest.raises(AuthorizationError, match=r"limit of 1 reached for RVMS quota in IMAGE with ID: 0\."):
        await town.vm(disk)

    assert await town.used("NETWORK_QUOTA/NETWORK[ID='0']/LEASES_USED") == "2"
    assert await town.used("NETWORK_QUOTA/NETWORK[ID='1']/LEASES_USED") == "1"
    assert await town.used("IMAGE_QUOTA/IMAGE/RVMS_USED") == "1"


async def test_images_are_limited_in_number_and_size_by_datastore(town: Town) -> None:
    store = town.cloud.datastore_id
    await town.limit(f"DATASTORE=[ID={store},IMAGES=2,SIZE=100]")
    make = "NAME={}\nTYPE=DATABLOCK\nSIZE={}"
    first = await town.cloud.new("one.image.allocate", make.format("a", 60), store, session=ALICE)
    await town.cloud.until(lambda: town.cloud.image(first).state.name == "READY", "the image")

    place = f"in DATASTORE with ID: {store}."
    with pytest.raises(AuthorizationError, match=f"limit of 100 reached for SIZE quota {place}"):
        await town.cloud.call("one.image.clone", first, "copy", -1, session=ALICE)
    second = await town.cloud.new("one.image.allocate", make.format("b", 40), store, session=ALICE)
    with pytest.raises(AuthorizationError, match=f"limit of 2 reached for IMAGES quota {place}"):
        await town.cloud.call("one.image.allocate", make.format("c", 1), store, session=ALICE)

    assert await town.used("DATASTORE_QUOTA/DATASTORE/SIZE_USED") == "100"
    for number in (first, second):
        await town.cloud.until(lambda n=number: town.cloud.image(n).state.name == "READY", "the image")  # type: ignore[misc]
        await town.cloud.call("one.image.delete", number)
    await town.cloud.until(_is_told(town, "DATASTORE_QUOTA/DATASTORE/IMAGES_USED", "0"), "the room back")


def _is_told(town: Town, path: str, wanted: str) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return await town.used(path) == wanted

    return look


async def test_what_is_running_follows_the_states_and_all_comes_back_at_the_end(town: Town) -> None:
    host = await town.cloud.add_host("h1")
    vm_id = await town.vm(f"DISK=[IMAGE_ID={town.image_id}]")
    everything, at_rest = (
        ["1", "1", "0.50", "0.50", "64", "64", "1024"],
        ["1", "0", "0.50", "0", "64", "0", "1024"],
    )
    assert await town.vms_used() == await town.vms_used(group=True) == everything

    await town.cloud.call("one.vm.deploy", vm_id, host)
    await town.cloud.settle(vm_id, LcmState.RUNNING)
    assert await town.vms_used() == everything
    for action, state in (
        ("poweroff", VmState.POWEROFF), ("suspend", VmState.SUSPENDED), ("stop", VmState.STOPPED),
    ):  # fmt: skip
        await town.cloud.act(action, vm_id)
        await town.cloud.settle(vm_id, state)
        assert await town.vms_used() == await town.vms_used(group=True) == at_rest
        await town.cloud.act("resume", vm_id)
        assert await town.vms_used() == everything
        if state is not VmState.STOPPED:
            await town.cloud.settle(vm_id, LcmState.RUNNING)
    await town.cloud.act("terminate-hard", vm_id)
    await town.cloud.settle(vm_id, VmState.DONE)

    assert await town.vms_used() == await town.vms_used(group=True) == ["-"] * len(METRICS)
    assert await town.used("IMAGE_QUOTA/IMAGE/ID") == "-"


async def test_a_vm_at_rest_is_not_resumed_past_the_limit_but_may_always_end(town: Town) -> None:
    host = await town.cloud.add_host("h1")
    resting = await town.vm()
    await town.cloud.call("one.vm.deploy", resting, host)
    await town.cloud.settle(resting, LcmState.RUNNING)
    await town.cloud.act("poweroff", resting)
    await town.cloud.settle(resting, VmState.POWEROFF)
    await town.limit("VM=[RUNNING_VMS=1]")
    running = await town.vm()

    with pytest.raises(AuthorizationError, match="limit of 1 reached for RUNNING_VMS quota"):
        await town.cloud.act("resume", resting, session=ALICE)
    assert town.cloud.vm(resting).state is VmState.POWEROFF
    await town.cloud.call("one.vm.migrate", resting, await town.cloud.add_host("h2"), False)
    await town.cloud.settle(resting, VmState.POWEROFF)
    await town.cloud.act("terminate", resting, session=ALICE)
    await town.cloud.settle(resting, VmState.DONE)

    assert (await town.vms_used())[:2] == ["1", "1"]
    await town.cloud.act("terminate", running)


async def test_requests_at_the_same_time_get_exactly_what_there_is(town: Town) -> None:
    await town.limit("VM=[VMS=7]")

    answers = await asyncio.gather(*(town.vm() for _ in range(40)), return_exceptions=True)

    assert sum(isinstance(answer, int) for answer in answers) == 7
    assert all(isinstance(answer, int | AuthorizationError) for answer in answers)
    assert await town.used("VM_QUOTA/VM/VMS_USED") == "7"


async def test_a_new_owner_needs_room_and_the_same_owner_is_not_counted_twice(town: Town) -> None:
    await town.limit("VM=[VMS=1]")
    vm_id, store = await town.vm(), town.cloud.datastore_id

    await town.cloud.call("one.vm.chown", vm_id, town.user_id, town.group_id)
    await town.cloud.call("one.vm.chown", vm_id, town.user_id, -1)
    assert (await town.vms_used())[:2] == ["1", "1"]
    foreign = await town.vm(session="oneadmin:" + _admin_password(town))
    with pytest.raises(AuthorizationError, match=r"\[one.vm.chown\] user \[2\] limit of 1 reached for VMS"):
        await town.cloud.call("one.vm.chown", foreign, town.user_id, -1)
    assert town.cloud.vm(foreign).uid == 0
    await town.cloud.call("one.vm.chown", foreign, -1, town.group_id)
    assert await town.used("VM_QUOTA/VM/VMS_USED", group=True) == "2"

    await town.limit(f"DATASTORE=[ID={store},SIZE=1023]")
    with pytest.raises(AuthorizationError, match="SIZE quota in DATASTORE"):
        await town.cloud.call("one.image.chown", town.image_id, town.user_id, -1)
    await town.limit(f"DATASTORE=[ID={store},SIZE=1024]")
    await town.cloud.call("one.image.chown", town.image_id, town.user_id, town.group_id)
    path = "DATASTORE_QUOTA/DATASTORE/SIZE_USED"
    assert await town.used(path) == await town.used(path, group=True) == "1024"


def _admin_password(town: Town) -> str:
    return (town.cloud.location / "one_auth").read_text().strip().partition(":")[2]


async def test_lowering_a_limit_below_what_is_used_only_refuses_more_of_the_same(town: Town) -> None:
    vm_ids = [await town.vm() for _ in range(3)]
    await town.limit("VM=[VMS=1]")

    await town.cloud.call("one.vm.update", vm_ids[0], "COLOUR=red", 1, session=ALICE)
    await town.cloud.act("release", vm_ids[0], session=ALICE)
    await town.cloud.call(
        "one.image.allocate", "NAME=a\nTYPE=DATABLOCK\nSIZE=1", town.cloud.datastore_id, session=ALICE
    )
    await town.cloud.act("terminate", vm_ids[1], session=ALICE)
    with pytest.raises(AuthorizationError):
        await town.vm()


async def test_defaults_hold_where_an_owner_has_no_limit_of_his_own(town: Town) -> None:
    await town.cloud.call("one.userquota.update", "VM=[VMS=1]")
    document = await town.cloud.document(
        "one.groupquota.update", f"NETWORK=[ID={town.network_id},LEASES=1]\nVM=[CPU=2.5]"
    )
    assert [item.tag for item in document] == ["DATASTORE_QUOTA", "NETWORK_QUOTA", "VM_QUOTA", "IMAGE_QUOTA"]
    assert document.tag == "DEFAULT_GROUP_QUOTAS"
    assert document.findtext("VM_QUOTA/VM/CPU") == "2.50"
    await town.vm(f"NIC=[NETWORK_ID={town.network_id}]")

    with pytest.raises(AuthorizationError, match=r"user \[2\] limit of 1 reached for VMS"):
        await town.vm()
    await town.limit("VM=[VMS=-2]")
    with pytest.raises(AuthorizationError, match=r"group \[100\] limit of 1 reached for LEASES"):
        await town.vm(f"NIC=[NETWORK_ID={town.network_id}]")
    await town.limit(f"NETWORK=[ID={town.network_id},LEASES=9]", group=True)
    await town.vm(f"NIC=[NETWORK_ID={town.network_id}]")

    seen = await town.cloud.document("one.userquota.info", session=ALICE)
    assert seen.findtext("VM_QUOTA/VM/VMS") == "1"
    assert (await town.document()).findtext("DEFAULT_USER_QUOTAS/VM_QUOTA/VM/VMS") == "1"


async def test_zero_allows_nothing(town: Town) -> None:
    await town.limit("VM=[VMS=0]")
    with pytest.raises(AuthorizationError, match="limit of 0 reached for VMS quota in VM"):
        await town.vm()


async def test_setting_an_entry_replaces_it_and_leaves_the_others(town: Town) -> None:
    await town.limit("VM=[VMS=4,CPU=2]\nNETWORK=[ID=0,LEASES=3]\nNETWORK=[ID=7,LEASES=1]")
    await town.vm(f"NIC=[NETWORK_ID={town.network_id}]")
    await town.limit("VM=[MEMORY=512]\nNETWORK=[ID=7,LEASES=-1]")

    document = await town.document()
    vm = document.find("VM_QUOTA/VM")
    assert vm is not None
    assert [vm.findtext(name) for name in ("VMS", "VMS_USED", "CPU", "CPU_USED", "MEMORY")] == [
        "-1", "1", "-1", "0.50", "512",
    ]  # fmt: skip
    assert [item.text for item in document.iterfind("NETWORK_QUOTA/NETWORK/ID")] == ["0"]
    assert [item.tag for item in vm] == sorted(item.tag for item in vm)


async def test_a_wrong_quota_text_sets_nothing(town: Town) -> None:
    for text in ("VM=[VMS=-3]", "VM=[VMZ=1]", "VM=["):
        with pytest.raises(InternalError):
            await town.limit(f"IMAGE=[ID=1,RVMS=1]\n{text}")
    assert await town.used("IMAGE_QUOTA/IMAGE/ID") == "-"


async def test_only_who_may_administer_sets_limits(town: Town) -> None:
    for method, *params in (
        ("one.user.quota", town.user_id, "VM=[VMS=9]"),
        ("one.group.quota", town.group_id, "VM=[VMS=9]"),
        ("one.userquota.update", "VM=[VMS=9]"),
        ("one.groupquota.update", "VM=[VMS=9]"),
    ):
        with pytest.raises(AuthorizationError):
            await town.cloud.call(str(method), *params, session=ALICE)
    with pytest.raises(ActionError, match="Cannot set quotas of user 0"):
        await town.cloud.call("one.user.quota", 0, "VM=[VMS=1]")
    with pytest.raises(ActionError, match="Cannot set quotas of group 0"):
        await town.cloud.call("one.group.quota", 0, "VM=[VMS=1]")


async def test_nothing_is_counted_for_user_and_group_0(town: Town) -> None:
    await town.cloud.call("one.userquota.update", "VM=[VMS=0]")
    await town.cloud.add_vm()
    document = await town.cloud.document("one.user.info", 0)
    assert document.find("VM_QUOTA/VM") is None


async def test_templates_are_instantiated_within_the_limits(town: Town) -> None:
    template = await town.cloud.new("one.template.allocate", "NAME=t\nCPU=1\nMEMORY=64", session=ALICE)
    await town.limit("VM=[CPU=1]")
    await town.cloud.call("one.template.instantiate", template, "", True, "", False, session=ALICE)
    with pytest.raises(AuthorizationError, match="limit of 1 reached for CPU quota in VM"):
        await town.cloud.call("one.template.instantiate", template, "", True, "", False, session=ALICE)


async def test_recreating_a_vm_counts_it_once_and_deleting_not_at_all(town: Town) -> None:
    host = await town.cloud.add_host("h1")
    vm_id = await town.vm(f"NIC=[NETWORK_ID={town.network_id}]")
    await town.cloud.call("one.vm.deploy", vm_id, host)
    await town.cloud.settle(vm_id, LcmState.RUNNING)
    await town.cloud.call("one.vm.recover", vm_id, 4)
    await town.cloud.settle(vm_id, VmState.PENDING)
    assert (await town.vms_used())[:2] == ["1", "1"]
    await town.cloud.call("one.vm.recover", vm_id, 3)
    await town.cloud.settle(vm_id, VmState.DONE)
    assert await town.vms_used() == ["-"] * len(METRICS)
    assert await town.used("NETWORK_QUOTA/NETWORK/ID") == "-"


async def test_addresses_held_by_hand_count_for_nobody(town: Town) -> None:
    await town.cloud.call("one.vn.chown", town.network_id, town.user_id, town.group_id)
    await town.cloud.call("one.vn.hold", town.network_id, "LEASES=[IP=10.0.0.9]", session=ALICE)
    assert await town.used("NETWORK_QUOTA/NETWORK/ID") == "-"
    await town.cloud.call("one.vn.release", town.network_id, "LEASES=[IP=10.0.0.9]", session=ALICE)


async def test_a_reservation_takes_leases_of_its_parent_until_it_is_deleted(town: Town) -> None:
    await town.limit(f"NETWORK=[ID={town.network_id},LEASES=8]")
    reserve, path = ("one.vn.reserve", town.network_id), "NETWORK_QUOTA/NETWORK/LEASES_USED"
    with pytest.raises(AuthorizationError, match="limit of 8 reached for LEASES quota in NETWORK with ID: 0"):
        await town.cloud.call(*reserve, "NAME=mine\nSIZE=9", session=ALICE)
    assert town.cloud.network(town.network_id).used_leases == 0
    mine = await town.cloud.new(*reserve, "NAME=mine\nSIZE=5", session=ALICE)
    await town.cloud.call(*reserve, f"NETWORK_ID={mine}\nSIZE=3", session=ALICE)
    assert await town.used(path) == await town.used(path, group=True) == "8"

    await town.cloud.call("one.vn.rm_ar", mine, 0, False)
    assert await town.used(path) == "3"
    await town.cloud.call("one.vn.chown", mine, 0, 0)
    assert await town.used(path) == "0"
    await town.cloud.call("one.vn.chown", mine, town.user_id, -1)
    assert await town.used(path) == "3"
    assert town.problems() == []
    await town.cloud.call("one.vn.delete", mine)
    assert await town.used(path) == "0"


async def test_a_removed_user_leaves_no_limits_and_what_he_leaves_stays_counted(town: Town) -> None:
    store = town.cloud.datastore_id
    image = await town.cloud.new("one.image.allocate", "NAME=a\nTYPE=DATABLOCK\nSIZE=5", store, session=ALICE)
    await town.limit(f"VM=[VMS=1]\nDATASTORE=[ID={store},SIZE=5]")
    await town.cloud.call("one.user.delete", town.user_id)

    assert town.problems() == []
    quotas = town.cloud.daemon.store.read(
        lambda tx: (tx.query("SELECT * FROM vm_quota WHERE owner_kind = 'USER' AND vms > 0"),
                    tx.value("SELECT size_mib FROM resource_quota WHERE owner_kind = 'USER'"))
    )  # fmt: skip
    assert quotas == ([], -1)
    await town.cloud.until(lambda: town.cloud.image(image).state.name == "READY", "the image")
    await town.cloud.call("one.image.chown", image, 0, 0)


async def test_pyone_reads_users_groups_and_pools_with_quotas(town: Town) -> None:
    await town.limit(f"VM=[CPU=2.5,VMS=3]\nDATASTORE=[ID={town.cloud.datastore_id},SIZE=9]")
    await town.vm(f"NIC=[NETWORK_ID={town.network_id}]\nDISK=[IMAGE_ID={town.image_id}]")

    user = bindings.parseString(str(await town.cloud.call("one.user.info", town.user_id)).encode(), True)
    vm = user.VM_QUOTA.VM[0] if isinstance(user.VM_QUOTA.VM, list) else user.VM_QUOTA.VM
    assert [str(value) for value in (vm.VMS, vm.VMS_USED, vm.CPU, vm.CPU_USED)] == ["3", "1", "2.50", "0.50"]
    assert str(user.NETWORK_QUOTA.NETWORK[0].LEASES_USED) == "1"
    assert str(user.IMAGE_QUOTA.IMAGE[0].RVMS_USED) == "1"
    assert str(user.DATASTORE_QUOTA.DATASTORE[0].SIZE) == "9"
    for method, kind in (("one.userpool.info", "USER"), ("one.grouppool.info", "GROUP")):
        text = str(await town.cloud.call(method))
        pool = bindings.parseString(text.encode(), True)
        wanted = town.user_id if kind == "USER" else town.group_id
        quotas = next(quota for quota in pool.QUOTAS if int(quota.ID) == wanted)
        held = quotas.VM_QUOTA.VM[0] if isinstance(quotas.VM_QUOTA.VM, list) else quotas.VM_QUOTA.VM
        assert str(held.VMS_USED) == "1"


async def test_a_refusal_is_no_end_of_the_group_of_writes_it_is_in(town: Town) -> None:
    await town.limit("VM=[VMS=0]")
    answers = await asyncio.gather(
        town.vm(), town.cloud.add_vm(), town.vm(), town.cloud.add_vm(), return_exceptions=True
    )
    assert [isinstance(answer, RequestError) for answer in answers] == [True, False, True, False]
