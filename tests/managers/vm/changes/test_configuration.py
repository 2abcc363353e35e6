from __future__ import annotations

import pytest

from opennebula_core.errors import ActionError, AuthorizationError
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.model.template import Vector

from ...estate import Estate

pytestmark = pytest.mark.asyncio(loop_scope="module")

L, V = LcmState, VmState
REPLACE, APPEND = 0, 1
SUCCESS, FAILURE = 1, 0


def section(estate: Estate, vm_id: int, name: str) -> Vector:
    found = estate.cloud.vm(vm_id).template.vector(name)
    assert found is not None
    return found


async def test_a_running_guest_is_told_its_new_context(estate: Estate) -> None:
    vm_id = await estate.run()
    before = dict(section(estate, vm_id, "CONTEXT"))
    await estate.cloud.call("one.vm.updateconf", vm_id, 'CONTEXT=[WHO="$NAME"]', APPEND)
    assert estate.place(vm_id) == (V.ACTIVE, L.HOTPLUG)
    await estate.cloud.settle(vm_id, L.RUNNING)
    name = estate.cloud.vm(vm_id).name
    assert section(estate, vm_id, "CONTEXT") == {**before, "WHO": name}
    assert f"WHO='{name}'" in (estate.cloud.location / f"var/vms/{vm_id}/context.sh").read_text()


async def test_what_a_driver_cannot_tell_is_not_kept(estate: Estate) -> None:
    vm_id = await estate.run()
    before = estate.cloud.vm(vm_id).template.to_json()
    await estate.fail("tm/CONTEXT")
    await estate.cloud.call("one.vm.updateconf", vm_id, 'CONTEXT=[WHO="x"]\nOS=[BOOT="disk0"]', APPEND)
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert section(estate, vm_id, "CONTEXT").get("WHO") is None
    assert sorted(before) == sorted(estate.cloud.vm(vm_id).template.to_json())


@pytest.mark.parametrize(("operation", "is_kept"), [(SUCCESS, True), (FAILURE, False)])
async def test_a_driver_that_hangs_is_recovered(estate: Estate, operation: int, is_kept: bool) -> None:
    vm_id = await estate.run()
    estate.cloud.behave({"tm/CONTEXT": {"hang": True}})
    await estate.cloud.call("one.vm.updateconf", vm_id, 'CONTEXT=[WHO="x"]', APPEND)
    await estate.recover(vm_id, operation)
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert ("WHO" in section(estate, vm_id, "CONTEXT")) is is_kept


async def test_sections_are_replaced_but_for_what_the_core_gave_them(estate: Estate) -> None:
    more = "GRAPHICS=[TYPE=vnc,LISTEN=0.0.0.0]\nOS=[ARCH=x86_64,BOOT=disk0]\nFEATURES=[ACPI=yes]"
    vm_id = await estate.cloud.add_vm(estate.devices(more))
    port, uuid = section(estate, vm_id, "GRAPHICS")["PORT"], section(estate, vm_id, "OS")["UUID"]
    context = section(estate, vm_id, "CONTEXT")
    text = 'OS=[ARCH=i686]\nGRAPHICS=[TYPE=spice,PORT=1]\nCONTEXT=[A="1",DISK_ID=77]'
    await estate.cloud.call("one.vm.updateconf", vm_id, text, REPLACE)
    assert section(estate, vm_id, "OS") == {"ARCH": "i686", "UUID": uuid}
    assert section(estate, vm_id, "GRAPHICS") == {"TYPE": "spice", "PORT": port}
    own = {"DISK_ID": context["DISK_ID"], "TARGET": context["TARGET"]}
    assert section(estate, vm_id, "CONTEXT") == {"A": "1", **own}
    assert "FEATURES" not in estate.cloud.vm(vm_id).template


async def test_what_is_no_configuration_stays(estate: Estate) -> None:
    vm_id = await estate.cloud.add_vm(estate.devices())
    text = "CPU=9\nDISK=[TYPE=fs,SIZE=1]\nNIC=[NETWORK_ID=0]\nLABELS=x\nVMID=7"
    before = estate.cloud.vm(vm_id).template
    await estate.cloud.call("one.vm.updateconf", vm_id, text, APPEND)
    assert estate.cloud.vm(vm_id).template == before
    assert "LABELS" not in estate.cloud.vm(vm_id).user_template


async def test_a_first_context_gets_a_drive_of_its_own(estate: Estate) -> None:
    vm_id = await estate.cloud.add_vm(f"DISK=[IMAGE_ID={estate.image_id}]")
    await estate.cloud.call("one.vm.updateconf", vm_id, 'CONTEXT=[A="1",DISK_ID="../x"]', APPEND)
    assert section(estate, vm_id, "CONTEXT") == {"A": "1", "DISK_ID": "1", "TARGET": "hda"}


async def test_only_administrators_set_restricted_attributes(estate: Estate) -> None:
    await estate.cloud.call("one.user.allocate", "ann", "pw", "", [])
    vm_id = await estate.cloud.add_vm("CONTEXT=[A=1]\nRAW=[TYPE=kvm,DATA=admin]")
    await estate.cloud.call("one.vm.chown", vm_id, 2, 1)
    for text, name in (
        ('CONTEXT=[FILES="/etc/passwd"]', "CONTEXT/FILES"),
        ("RAW=[TYPE=kvm,DATA=evil]", "RAW"),
    ):
        for how in (REPLACE, APPEND):
            with pytest.raises(AuthorizationError, match=name):
                await estate.cloud.call("one.vm.updateconf", vm_id, text, how, session="ann:pw")
    await estate.cloud.call("one.vm.updateconf", vm_id, "CONTEXT=[A=2]", REPLACE, session="ann:pw")
    assert section(estate, vm_id, "RAW")["DATA"] == "admin"
    await estate.cloud.call("one.vm.updateconf", vm_id, "CONTEXT=[FILES=/var/tmp/a]", APPEND)
    await estate.cloud.call("one.vm.updateconf", vm_id, "CONTEXT=[A=3]", APPEND, session="ann:pw")
    context = section(estate, vm_id, "CONTEXT")
    assert (context["A"], context["FILES"]) == ("3", "/var/tmp/a")
    with pytest.raises(AuthorizationError, match="CONTEXT/FILES"):
        await estate.cloud.call("one.vm.updateconf", vm_id, "CONTEXT=[A=3]", REPLACE, session="ann:pw")


@pytest.mark.parametrize("state", [V.DONE, L.UNKNOWN, L.HOTPLUG, L.PROLOG])
async def test_other_states_refuse_it(estate: Estate, state: LcmState | VmState) -> None:
    vm_id = await estate.put(state)
    with pytest.raises(ActionError, match=r"updateconf.*not available for state"):
        await estate.cloud.call("one.vm.updateconf", vm_id, "OS=[ARCH=x86_64]", APPEND)


async def test_an_administrator_writes_what_belongs_to_the_owner(estate: Estate) -> None:
    cloud = estate.cloud
    owner = await cloud.new("one.user.allocate", "owner", "pw", "core")
    await cloud.call("one.user.update", owner, 'SSH_PUBLIC_KEY="of the owner"', APPEND)
    await cloud.call("one.user.update", 0, 'SSH_PUBLIC_KEY="of oneadmin"', APPEND)
    vm_id = await cloud.add_vm("CONTEXT=[A=1]", session="owner:pw")
    await cloud.call("one.vm.updateconf", vm_id, 'CONTEXT=[KEY="$USER[SSH_PUBLIC_KEY]"]', APPEND)
    assert section(estate, vm_id, "CONTEXT")["KEY"] == "of the owner"

    other = await cloud.new("one.user.allocate", "other", "pw", "core")
    await cloud.call("one.user.update", other, 'SSH_PUBLIC_KEY="of the other"', APPEND)
    await cloud.call("one.vm.chmod", vm_id, -1, -1, -1, -1, -1, -1, 1, 1, -1)
    text = 'CONTEXT=[KEY="$USER[SSH_PUBLIC_KEY]"]'
    await cloud.call("one.vm.updateconf", vm_id, text, APPEND, session="other:pw")
    assert section(estate, vm_id, "CONTEXT")["KEY"] == "of the other"
