from __future__ import annotations

import pytest
import pytest_asyncio
from hypothesis import given as for_all
from hypothesis import strategies

from opennebula_core.contracts.method import Session
from opennebula_core.errors import AuthorizationError, InternalError, NotFoundError
from opennebula_core.managers.restricted import check_restricted, keep_restricted
from opennebula_core.model.states import VmState
from opennebula_core.model.template import Template
from opennebula_core.testing.cloud import Cloud

from .estate import Estate

USER = Session(7, "alice", 1, "users", frozenset({1}))
ADMIN = Session(8, "root", 0, "oneadmin", frozenset({0}))
ENTRIES = ("RAW", "DISK/LIMIT", "NIC/MAC")
ALICE = "alice:wonder"
BASE = "CPU=1\nMEMORY=64\n"


def check(given: str, present: str | None = None, *, replaces: bool = False, session: Session = USER) -> None:
    before = None if present is None else Template.parse(present)
    check_restricted(session, Template.parse(given), ENTRIES, "It", before, replaces=replaces)


@pytest.mark.parametrize(
    ("given", "entry"),
    [
        ("RAW=x", "RAW"),
        ('RAW=""', "RAW"),
        ("RAW=[TYPE=kvm]", "RAW"),
        ("DISK=[SIZE=1]\nDISK=[LIMIT=9]", "DISK/LIMIT"),
        ('NIC=[MAC=""]', "NIC/MAC"),
        ('NIC_DEFAULT=[MAC="02:00:00:00:00:01"]', "NIC_DEFAULT/MAC"),
        ("<T><raw><![CDATA[x]]></raw></T>", "RAW"),
        ("raw=x", "RAW"),
    ],
)
def test_what_is_restricted_cannot_be_set(given: str, entry: str) -> None:
    with pytest.raises(AuthorizationError, match=f"^It includes a restricted attribute {entry}$"):
        check(given)
    check(given, session=ADMIN)


@pytest.mark.parametrize("given", ["", "RAWS=x", "DISK=[SIZE=1]", "LIMIT=9\nMAC=x", "DISK=plain", "RAW=[]"])
def test_all_else_can(given: str) -> None:
    check(given)


PRESENT = "RAW=x\nDISK=[SIZE=1,LIMIT=9]\nDISK=[SIZE=2]\nNIC=[NETWORK_ID=1]\n"


@pytest.mark.parametrize(
    "given",
    [
        "NOTE=x",
        "RAW=x",
        "DISK=[SIZE=7,LIMIT=9]",
        "DISK=[SIZE=2]\nDISK=[SIZE=1,LIMIT=9]",
        "NIC=[NETWORK_ID=2]",
        "NIC=[]",
    ],
)
def test_what_stays_as_it_is_may_be_repeated(given: str) -> None:
    check(given, PRESENT)


@pytest.mark.parametrize(
    ("given", "entry"),
    [
        ("RAW=y", "RAW"),
        ("RAW=x\nRAW=y", "RAW"),
        ("RAW=[]", "RAW"),
        ("DISK=[SIZE=1]", "DISK/LIMIT"),
        ("DISK=[SIZE=1,LIMIT=8]", "DISK/LIMIT"),
        ("DISK=[SIZE=1,LIMIT=9]\nDISK=[SIZE=1,LIMIT=9]", "DISK/LIMIT"),
        ("DISK=[]", "DISK/LIMIT"),
    ],
)
def test_it_can_neither_be_changed_nor_removed(given: str, entry: str) -> None:
    with pytest.raises(AuthorizationError, match=f"restricted attribute {entry}$"):
        check(given, PRESENT)


def test_a_replacing_update_may_leave_out_whole_attributes_which_stay_but_no_limited_vector() -> None:
    disks = "DISK=[SIZE=1,LIMIT=9]\n"
    check(f"{disks}NOTE=x", PRESENT, replaces=True)
    with pytest.raises(AuthorizationError, match="DISK/LIMIT"):
        check("NOTE=x", PRESENT, replaces=True)
    merged = Template.parse(f"{disks}NOTE=x")
    keep_restricted(USER, merged, Template.parse(PRESENT), ENTRIES)
    assert merged == Template.parse(f"{disks}NOTE=x\nRAW=x")


def test_an_older_name_of_what_is_restricted_is_restricted() -> None:
    with pytest.raises(AuthorizationError, match="restricted attribute REQUIREMENTS"):
        check_restricted(USER, Template.parse("REQUIREMENTS=x"), ["sched_requirements"], "It")


TWO_NICS = "NIC=[NETWORK=a,MAC=1]\nNIC=[NETWORK=b,MAC=2]\n"


@pytest.mark.parametrize(
    "given",
    [
        "NIC=[NETWORK=a,MAC=2]\nNIC=[NETWORK=b,MAC=1]",
        "NIC=[NETWORK=c,MAC=1]\nNIC=[NETWORK=b,MAC=2]",
        "NIC=[NETWORK=a]\nNIC=[NETWORK=b,MAC=2]\nNIC=[MAC=1]",
    ],
)
def test_no_vector_takes_over_what_is_restricted_in_another(given: str) -> None:
    with pytest.raises(AuthorizationError, match=r"restricted attribute NIC/MAC of another NIC$"):
        check(given, TWO_NICS)
    check(given, TWO_NICS, session=ADMIN)


def test_vectors_may_change_places_and_all_else_and_others_may_come() -> None:
    check("NIC=[NETWORK=b,MAC=2,MODEL=e1000]\nNIC=[NETWORK=c]\nNIC=[NETWORK=a,MAC=1]", TWO_NICS)


Vectors = list[dict[str, str]]
VECTORS = strategies.lists(
    strategies.fixed_dictionaries(
        {},
        optional={
            "IMAGE": strategies.sampled_from("ab"),
            "LIMIT": strategies.sampled_from("12"),
            "RATE": strategies.sampled_from("12"),
            "SIZE": strategies.sampled_from("12"),
        },
    ).filter(bool),
    max_size=4,
)


def held(vectors: Vectors) -> list[tuple[str | None, ...]]:
    """Return what is restricted, vector by vector, in the words of the rule."""
    rows = [tuple(vector.get(name) for name in ("IMAGE", "LIMIT", "RATE")) for vector in vectors]
    return sorted([row for row in rows if row[1:] != (None, None)], key=repr)


@for_all(VECTORS, VECTORS)
def test_a_plain_user_passes_exactly_when_each_vector_keeps_what_is_restricted_in_it(
    before: Vectors, after: Vectors
) -> None:
    texts = [Template([("DISK", dict(vector)) for vector in vectors]) for vectors in (before, after)]
    entries = ("DISK/LIMIT", "DISK/RATE")
    try:
        check_restricted(USER, texts[1], entries, "It", texts[0], replaces=True)
        passes = True
    except AuthorizationError:
        passes = False

    assert passes == (held(before) == held(after))


# -- through the API -----------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def alice(module_estate: Estate) -> str:
    await module_estate.cloud.call("one.user.allocate", "alice", "wonder", "core", [])
    return ALICE


async def shared_template(cloud: Cloud, name: str, more: str) -> int:
    """Make an administrator's template that all may use."""
    template_id = await cloud.new("one.template.allocate", f'NAME="{name}"\n{BASE}{more}')
    await cloud.call("one.template.chmod", template_id, -1, -1, -1, -1, -1, -1, 1, -1, -1)
    return template_id


@pytest.mark.asyncio(loop_scope="module")
async def test_a_copy_of_an_administrators_template_holds_what_he_wrote_and_nothing_else(
    estate: Estate, alice: str
) -> None:
    cloud = estate.cloud
    template_id = await shared_template(cloud, "with raw", 'RAW=[TYPE=kvm,DATA="x"]\nNOTE=old\n')
    copy = await cloud.new("one.template.clone", template_id, "mine", session=alice)
    await cloud.call("one.template.update", copy, "NOTE=new\n", 1, session=alice)
    for text, append in (('RAW=[TYPE=kvm,DATA="y"]\n', 1), ("RAW=[]\n", 1), ("RAW=plain\n", 0)):
        with pytest.raises(AuthorizationError, match="restricted attribute RAW"):
            await cloud.call("one.template.update", copy, text, append, session=alice)
    await cloud.call("one.template.update", copy, f"{BASE}NOTE=newer\n", 0, session=alice)
    vm_id = await cloud.new("one.template.instantiate", copy, "vm", True, session=alice)
    assert cloud.vm(vm_id).template.vectors("RAW") == [{"TYPE": "kvm", "DATA": "x"}]
    assert cloud.vm(vm_id).user_template.get("NOTE") == "newer"


@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_added_at_instantiation_cannot_lift_a_limit(estate: Estate, alice: str) -> None:
    cloud, call = estate.cloud, estate.cloud.new
    await cloud.call("one.image.chmod", estate.image_id, -1, -1, -1, -1, -1, -1, 1, -1, -1)
    disk = f"DISK=[IMAGE_ID={estate.image_id},TOTAL_IOPS_SEC={{}}]\n"
    template_id = await shared_template(cloud, "limited", disk.format(10))
    for extra in (f"DISK=[IMAGE_ID={estate.image_id}]\n", disk.format(99), "DISK=[]\n"):
        with pytest.raises(AuthorizationError, match="restricted attribute DISK/TOTAL_IOPS_SEC"):
            await call("one.template.instantiate", template_id, "vm", True, extra, session=alice)
    vm_id = await call("one.template.instantiate", template_id, "vm", True, disk.format(10), session=alice)
    assert cloud.vm(vm_id).template.vectors("DISK")[0]["TOTAL_IOPS_SEC"] == "10"


@pytest.mark.asyncio(loop_scope="module")
async def test_a_replacing_update_brings_no_disks_and_nics_back(estate: Estate, alice: str) -> None:
    cloud = estate.cloud
    text = f"{BASE}DISK=[IMAGE_ID=1]\nNIC=[NETWORK_ID=1]\nNIC_DEFAULT=[MODEL=virtio]\n"
    template_id = await cloud.new("one.template.allocate", f"NAME=shrinking\n{text}", session=alice)
    await cloud.call("one.template.update", template_id, "CPU=2\n", 0, session=alice)
    shown = await cloud.document("one.template.info", template_id, session=alice)
    assert [(item.tag, item.text) for item in shown.findall("TEMPLATE/*")] == [("CPU", "2")]


@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_added_needs_the_right_to_make_templates(estate: Estate, alice: str) -> None:
    cloud = estate.cloud
    template_id = await shared_template(cloud, "as it is", "")
    group_id = await cloud.new("one.group.allocate", "consumers")
    await cloud.call("one.user.allocate", "carol", "wonder", "core", [group_id])
    numbers = (0x200000000 | group_id, 0x400000000 | 0x1000000000, 8)
    await cloud.call("one.acl.addrule", *(f"{number:x}" for number in numbers))
    carol = "carol:wonder"
    with pytest.raises(AuthorizationError, match="CREATE TEMPLATE"):
        await cloud.new("one.template.instantiate", template_id, "vm", True, "NOTE=x\n", session=carol)
    await cloud.new("one.template.instantiate", template_id, "vm", True, session=carol)


@pytest.mark.asyncio(loop_scope="module")
async def test_users_do_not_choose_the_wires_and_filters_of_their_networks(
    estate: Estate, alice: str
) -> None:
    cloud = estate.cloud
    network_id = await cloud.add_network("alices", first_ip="10.77.0.1")
    await cloud.call("one.vn.update", network_id, "FILTER_IP_SPOOFING=YES\n", 1)
    shown = await cloud.document("one.user.info", -1, session=alice)
    await cloud.call("one.vn.chown", network_id, int(shown.findtext("ID", "")), 1)
    for text in ("BRIDGE=br1", "VN_MAD=bridge", "PHYDEV=eth0", "VLAN_ID=5", "FILTER_IP_SPOOFING=NO"):
        with pytest.raises(AuthorizationError, match=f"restricted attribute {text.partition('=')[0]}"):
            await cloud.call("one.vn.update", network_id, text, 1, session=alice)
    await cloud.call("one.vn.update", network_id, "GATEWAY=10.77.0.9", 0, session=alice)
    template = cloud.network(network_id).template
    assert (template.get("FILTER_IP_SPOOFING"), template.get("GATEWAY")) == ("YES", "10.77.0.9")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_vms_owner_cannot_raise_its_priority(estate: Estate, alice: str) -> None:
    vm_id = await estate.cloud.add_vm(session=alice)
    with pytest.raises(AuthorizationError, match="restricted attribute USER_PRIORITY"):
        await estate.cloud.call("one.vm.update", vm_id, "USER_PRIORITY=99\n", 1, session=alice)
    await estate.cloud.call("one.vm.update", vm_id, "USER_PRIORITY=5\n", 1)
    await estate.cloud.call("one.vm.update", vm_id, "NOTE=x\n", 0, session=alice)
    assert estate.cloud.vm(vm_id).user_template.get("USER_PRIORITY") == "5"


@pytest.mark.asyncio(loop_scope="module")
async def test_a_nic_names_only_security_groups_that_its_owner_may_use(estate: Estate, alice: str) -> None:
    cloud = estate.cloud
    secret = await cloud.new("one.secgroup.allocate", "NAME=secret\nRULE=[PROTOCOL=ALL,RULE_TYPE=inbound]\n")
    network_id = await cloud.add_network("shared", first_ip="10.78.0.1")
    await cloud.call("one.vn.chmod", network_id, -1, -1, -1, -1, -1, -1, 1, -1, -1)
    nic = f"NIC=[NETWORK_ID={network_id},SECURITY_GROUPS="
    for text in (
        f'{nic}"{secret}"]',
        f'{nic}"0, {secret}"]',
        f"NIC_DEFAULT=[SECURITY_GROUPS={secret}]\n{nic[:-17]}]",
    ):
        with pytest.raises(AuthorizationError, match=rf"USE SECGROUP \[{secret}\]"):
            await cloud.add_vm(text, session=alice)
    with pytest.raises(AuthorizationError, match=rf"USE SECGROUP \[{secret}\]"):
        await cloud.add_vm(f'NIC=[NETWORK_MODE="auto",SECURITY_GROUPS="{secret}"]', session=alice)
    with pytest.raises(NotFoundError, match=r"security group \[999\]"):
        await cloud.add_vm(f"{nic}999]", session=alice)
    with pytest.raises(InternalError, match="Wrong SECURITY_GROUPS"):
        await cloud.add_vm(f'{nic}"all"]', session=alice)
    assert cloud.network(network_id).used_leases == 0
    vm_id = await cloud.add_vm(f'{nic}"{secret}"]')
    assert cloud.vm(vm_id).template.vectors("NIC")[0]["SECURITY_GROUPS"] == f"{secret},0"
    await cloud.add_vm(f"{nic}0]", session=alice)


@pytest.mark.asyncio(loop_scope="module")
async def test_only_administrators_delete_vms_from_the_database_alone(estate: Estate, alice: str) -> None:
    vm_id = await estate.cloud.add_vm(session=alice)
    await estate.cloud.call("one.vm.chmod", vm_id, 1, 1, 1, -1, -1, -1, -1, -1, -1)
    with pytest.raises(AuthorizationError, match="only administrators delete a VM from the database"):
        await estate.cloud.call("one.vm.recover", vm_id, 5, session=alice)
    await estate.cloud.call("one.vm.recover", vm_id, 5)
    assert estate.cloud.vm(vm_id).state is VmState.DONE
