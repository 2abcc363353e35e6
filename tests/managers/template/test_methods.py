from __future__ import annotations

import pytest
import pytest_asyncio

from opennebula_core.errors import ActionError, AuthorizationError, InternalError, NotFoundError
from opennebula_core.model.states import ImageState, VmState

from ..estate import Estate

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALICE = "alice:wonder"
BASE = "CPU=1\nMEMORY=64\nLABELS=a\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def alice(module_estate: Estate) -> str:
    await module_estate.cloud.call("one.user.allocate", "alice", "wonder", "core", [])
    return ALICE


async def test_what_is_added_replaces_and_joins(estate: Estate) -> None:
    template_id = await estate.cloud.new("one.template.allocate", f'NAME="base"\n{BASE}')
    extra = "MEMORY=128\nLABELS=[]\nNOTE=new\n"
    vm = estate.cloud.vm(await estate.cloud.new("one.template.instantiate", template_id, "mine", True, extra))
    assert (vm.name, vm.template.get("CPU"), vm.template.get("MEMORY")) == ("mine", "1", "128")
    assert vm.template.get("TEMPLATE_ID") == str(template_id)
    assert vm.user_template.get("NOTE") == "new"


async def test_a_template_needs_a_name_and_keeps_it_to_itself(estate: Estate) -> None:
    with pytest.raises(InternalError, match="NAME, it cannot be empty"):
        await estate.cloud.call("one.template.allocate", BASE)
    template_id = await estate.cloud.new("one.template.allocate", f'NAME="unnamed VMs"\n{BASE}')
    vm_id = await estate.cloud.new("one.template.instantiate", template_id, "", True)
    assert estate.cloud.vm(vm_id).name == f"one-{vm_id}"


async def _with_image(estate: Estate, name: str) -> tuple[int, int]:
    """Make a template with an image and an empty disk, and return the ids of template and image."""
    image_id = await estate.cloud.add_image(f"of {name}")
    disks = f'DISK=[IMAGE="of {name}"]\nDISK=[TYPE=swap,SIZE=8]\n'
    return await estate.cloud.new("one.template.allocate", f'NAME="{name}"\n{BASE}{disks}'), image_id


async def test_a_recursive_copy_has_images_of_its_own_and_takes_them_along(estate: Estate) -> None:
    cloud = estate.cloud
    template_id, image_id = await _with_image(estate, "original")
    copy_id = await cloud.new("one.template.clone", template_id, "copy", True)
    shown = await cloud.document("one.template.info", copy_id)
    copied = int(shown.findtext("TEMPLATE/DISK/IMAGE_ID", "-1"))
    assert shown.find("TEMPLATE/DISK/IMAGE") is None
    assert (cloud.image(copied).name, cloud.image(copied).persistent) == ("copy-disk-0", False)
    await cloud.until(lambda: cloud.image(copied).state is ImageState.READY, "the copy")
    await cloud.call("one.template.delete", copy_id, True)
    with pytest.raises(NotFoundError):
        await cloud.document("one.template.info", copy_id)
    await cloud.until(lambda: cloud.daemon.store.read(lambda tx: tx.images.find(copied)) is None, "removal")
    assert cloud.image(image_id).state is ImageState.READY


async def test_a_vm_that_is_to_last_gets_a_template_and_images_of_its_own(estate: Estate) -> None:
    cloud = estate.cloud
    template_id, image_id = await _with_image(estate, "lasting")
    vm_id = await cloud.new("one.template.instantiate", template_id, "kept", True, "NOTE=n", True)
    await cloud.settle(vm_id, VmState.HOLD)
    vm = cloud.vm(vm_id)
    disk = vm.template.vectors("DISK")[0]
    assert (disk["IMAGE"], disk["PERSISTENT"], disk["CLONE"]) == ("kept-disk-0", "YES", "NO")
    kept = await cloud.document("one.template.info", int(vm.template.get("TEMPLATE_ID")))
    assert (kept.findtext("NAME"), kept.findtext("TEMPLATE/NOTE")) == ("kept", "n")
    assert kept.findtext("TEMPLATE/DISK/IMAGE_ID") == disk["IMAGE_ID"]
    assert not cloud.image(image_id).persistent


async def test_a_template_is_removed_with_all_its_images_or_not_at_all(estate: Estate) -> None:
    cloud = estate.cloud
    template_id, image_id = await _with_image(estate, "in use")
    await cloud.add_vm(f"DISK=[IMAGE_ID={image_id}]")
    with pytest.raises(ActionError, match="There are 1 VMs using it"):
        await cloud.call("one.template.delete", template_id, True)
    assert await cloud.document("one.template.info", template_id) is not None


async def test_a_plain_user_may_use_what_an_administrator_has_put_into_a_template(
    estate: Estate, alice: str
) -> None:
    restricted = 'RAW=[TYPE=kvm,DATA="x"]\n'
    template_id = await estate.cloud.new("one.template.allocate", f'NAME="shared"\n{BASE}{restricted}')
    with pytest.raises(AuthorizationError, match="Not authorized to perform USE TEMPLATE"):
        await estate.cloud.new("one.template.instantiate", template_id, "vm", True, session=alice)
    await estate.cloud.call("one.template.chmod", template_id, -1, -1, -1, -1, -1, -1, 1, -1, -1)
    vm_id = await estate.cloud.new("one.template.instantiate", template_id, "vm", True, session=alice)
    assert estate.cloud.vm(vm_id).uname == "alice"
    other = restricted.replace("x", "y")
    with pytest.raises(AuthorizationError, match="restricted attribute RAW"):
        await estate.cloud.new("one.template.instantiate", template_id, "vm", True, other, session=alice)
    with pytest.raises(AuthorizationError, match="restricted attribute RAW"):
        await estate.cloud.new("one.template.allocate", f'NAME="own"\n{BASE}{restricted}', session=alice)
    with pytest.raises(AuthorizationError, match="MANAGE TEMPLATE"):
        await estate.cloud.call("one.template.update", template_id, "NOTE=mine\n", 1, session=alice)


async def test_a_plain_user_cannot_write_restricted_attributes_later(estate: Estate, alice: str) -> None:
    template_id = await estate.cloud.new("one.template.allocate", f'NAME="own"\n{BASE}', session=alice)
    with pytest.raises(AuthorizationError, match="restricted attribute RAW"):
        await estate.cloud.call("one.template.update", template_id, "RAW=[TYPE=kvm]\n", 1, session=alice)


async def test_a_template_in_use_may_go(estate: Estate) -> None:
    template_id = await estate.cloud.new("one.template.allocate", f'NAME="gone"\n{BASE}')
    vm_id = await estate.cloud.new("one.template.instantiate", template_id, "left", True)
    await estate.cloud.call("one.template.delete", template_id)
    assert estate.cloud.vm(vm_id).template.get("TEMPLATE_ID") == str(template_id)


async def test_permissions_reach_the_images_of_a_template_when_asked_to(estate: Estate, alice: str) -> None:
    image_id = await estate.cloud.add_image("of a template")
    text = f'NAME="with image"\n{BASE}DISK=[IMAGE_ID={image_id}]\nDISK=[IMAGE="of a template"]\n'
    template_id = await estate.cloud.new("one.template.allocate", text)
    before = estate.cloud.image(image_id).permissions
    bits = (-1, -1, -1, 1, -1, -1, 1, -1, -1)
    await estate.cloud.call("one.template.chmod", template_id, *bits)
    assert estate.cloud.image(image_id).permissions == before
    await estate.cloud.call("one.template.chmod", template_id, *bits, True)
    assert estate.cloud.image(image_id).permissions == before | 0o044


async def test_an_administrator_does_not_take_images_of_his_own_for_those_of_the_templates_owner(
    estate: Estate, alice: str
) -> None:
    cloud = estate.cloud
    hers, his = await cloud.add_image("twin"), await cloud.add_image("other")
    template_id = await cloud.new(
        "one.template.allocate", f'NAME=twins\n{BASE}DISK=[IMAGE="twin"]', session=alice
    )
    owner = await cloud.document("one.template.info", template_id)
    await cloud.call("one.image.chown", hers, int(owner.findtext("UID", "-1")), -1)
    await cloud.call("one.image.rename", his, "twin")
    before = cloud.image(his).permissions
    await cloud.call("one.template.chmod", template_id, -1, -1, -1, 1, -1, -1, 1, -1, -1, True)
    assert (cloud.image(his).permissions, cloud.image(hers).permissions) == (before, before | 0o044)
    await cloud.call("one.template.delete", template_id, True)
    await cloud.until(lambda: cloud.daemon.store.read(lambda tx: tx.images.find(hers)) is None, "removal")
    assert cloud.image(his).state is ImageState.READY


async def test_permissions_of_images_that_are_not_the_callers_stay_and_so_do_those_of_the_template(
    estate: Estate, alice: str
) -> None:
    image_id = await estate.cloud.add_image("not hers")
    text = f"NAME=hers\n{BASE}DISK=[IMAGE_ID={image_id}]\n"
    template_id = await estate.cloud.new("one.template.allocate", text, session=alice)
    before = estate.cloud.image(image_id).permissions
    bits = (-1, -1, -1, 1, -1, -1, 1, -1, -1)
    with pytest.raises(ActionError, match=rf"Cannot chmod image: .*MANAGE IMAGE \[{image_id}\]"):
        await estate.cloud.call("one.template.chmod", template_id, *bits, True, session=alice)
    assert estate.cloud.image(image_id).permissions == before
    shown = await estate.cloud.document("one.template.info", template_id, session=alice)
    assert shown.findtext("PERMISSIONS/OTHER_U") == "0"


async def test_extended_it_shows_what_disks_and_nics_would_be(estate: Estate, alice: str) -> None:
    cloud = estate.cloud
    devices = "DISK=[IMAGE_ID=0]\nDISK=[IMAGE=gone]\nDISK=[TYPE=swap,SIZE=8]\nNIC=[NETWORK_ID=0]\n"
    template_id = await cloud.new("one.template.allocate", f'NAME="seen through"\n{BASE}{devices}')
    await cloud.call("one.template.chmod", template_id, -1, -1, -1, -1, -1, -1, 1, -1, -1)
    shown = await cloud.document("one.template.info", template_id, True)
    assert [disk.findtext("IMAGE") for disk in shown.findall("TEMPLATE/DISK")] == ["base", "gone", None]
    assert (shown.findtext("TEMPLATE/DISK/TM_MAD"), shown.findtext("TEMPLATE/NIC/BRIDGE")) == ("dummy", "br0")
    assert shown.find("TEMPLATE/NIC/IP") is None
    assert cloud.network(estate.network_id).used_leases == 0
    hidden = await cloud.document("one.template.info", template_id, True, session=alice)
    assert hidden.find("TEMPLATE/DISK/TM_MAD") is None
    plain = await cloud.document("one.template.info", template_id)
    assert plain.find("TEMPLATE/DISK/TM_MAD") is None
