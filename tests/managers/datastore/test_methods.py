from __future__ import annotations

import pytest

from opennebula_core.errors import ActionError, InternalError
from opennebula_core.model.states import LcmState, VmState

from ..estate import Estate

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_images_know_their_datastore_by_its_new_name(estate: Estate) -> None:
    await estate.cloud.call("one.datastore.rename", estate.cloud.datastore_id, "renamed")
    assert estate.cloud.image(estate.image_id).datastore == "renamed"
    await estate.cloud.call("one.datastore.rename", estate.cloud.datastore_id, "dummy images")


async def test_a_datastore_with_images_stays(estate: Estate) -> None:
    datastore_id = estate.cloud.datastore_id
    with pytest.raises(ActionError, match=f"Datastore {datastore_id} is not empty"):
        await estate.cloud.call("one.datastore.delete", datastore_id)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("NAME=x\nDS_MAD=dummy", InternalError),
        ("NAME=x\nTM_MAD=dummy", InternalError),
        ("DS_MAD=dummy\nTM_MAD=dummy", InternalError),
        ("NAME=x\nTYPE=odd\nDS_MAD=dummy\nTM_MAD=dummy", InternalError),
    ],
)
async def test_a_datastore_that_lacks_something_is_refused(
    estate: Estate, text: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await estate.cloud.call("one.datastore.allocate", f"{text}\n", -1)


async def test_a_disabled_system_datastore_gets_no_new_vms(estate: Estate) -> None:
    vm_id = await estate.cloud.add_vm()
    await estate.cloud.call("one.datastore.enable", 0, False)
    with pytest.raises(ActionError, match="No suitable system datastore"):
        await estate.cloud.call("one.vm.deploy", vm_id, estate.here)
    await estate.cloud.call("one.datastore.enable", 0, True)
    with pytest.raises(ActionError, match="Only system datastores"):
        await estate.cloud.call("one.datastore.enable", 1, False)


async def test_a_vm_says_which_driver_its_system_datastore_has(estate: Estate) -> None:
    text = "NAME=second\nTYPE=SYSTEM_DS\nTM_MAD=dummy\n"
    second = await estate.cloud.new("one.datastore.allocate", text, -1)
    vm_id = await estate.run()
    first = estate.cloud.vm(vm_id).template.get("TM_MAD_SYSTEM")
    assert first == estate.cloud.vm(vm_id).history[0].tm_mad
    await estate.cloud.call("one.vm.migrate", vm_id, estate.there, False, False, second)
    await estate.cloud.settle(vm_id, LcmState.RUNNING)
    vm = estate.cloud.vm(vm_id)
    assert (vm.history[-1].datastore_id, vm.template.get("TM_MAD_SYSTEM")) == (second, "dummy")
    with pytest.raises(ActionError, match="as a system datastore"):
        await estate.cloud.call("one.vm.migrate", vm_id, estate.here, False, False, estate.cloud.datastore_id)
    await estate.cloud.act("terminate-hard", vm_id)
    await estate.cloud.settle(vm_id, VmState.DONE)
    await estate.cloud.call("one.datastore.delete", second)


@pytest.mark.parametrize("wrong", ["DS_MAD=dumy\nTM_MAD=dummy", "DS_MAD=dummy\nTM_MAD=dumy"])
async def test_a_driver_that_is_not_installed_is_refused_with_those_that_are(
    estate: Estate, wrong: str
) -> None:
    with pytest.raises(InternalError, match=r"no driver 'dumy'.* did you mean 'dummy'\?"):
        await estate.cloud.call("one.datastore.allocate", f"NAME=x\n{wrong}\n", -1)


async def test_an_update_keeps_drivers_and_kind(estate: Estate) -> None:
    datastore_id = await estate.cloud.new(
        "one.datastore.allocate", "NAME=k\nDS_MAD=dummy\nTM_MAD=dummy\n", -1
    )
    for append in (0, 1):
        await estate.cloud.call("one.datastore.update", datastore_id, "TYPE=SYSTEM_DS\nX=y", append)
        shown = await estate.cloud.document("one.datastore.info", datastore_id)
        assert (shown.findtext("TYPE"), shown.findtext("TEMPLATE/TYPE")) == ("0", "IMAGE_DS")
        assert (shown.findtext("DS_MAD"), shown.findtext("TM_MAD")) == ("dummy", "dummy")
        assert shown.findtext("TEMPLATE/X") == "y"
        assert (shown.findtext("TEMPLATE/LN_TARGET"), shown.findtext("TEMPLATE/SHARED")) == ("SYSTEM", "NO")


@pytest.mark.parametrize("word", ["../x", "-x", "a b", "drivér"])
async def test_what_is_no_drivers_name_is_refused_whenever_it_comes(estate: Estate, word: str) -> None:
    for name, other in (("TM_MAD", "DS_MAD"), ("DS_MAD", "TM_MAD")):
        text = f'NAME=odd\n{name}="{word}"\n{other}=dummy\n'
        with pytest.raises(InternalError, match=f"{name} .* cannot be used"):
            await estate.cloud.call("one.datastore.allocate", text, -1)
        with pytest.raises(InternalError, match=f"No {name} in template"):
            await estate.cloud.call("one.datastore.update", estate.cloud.datastore_id, f'{name}="{word}"', 1)


async def test_the_folder_is_the_clouds_choice(estate: Estate) -> None:
    text = 'NAME=elsewhere\nDS_MAD=dummy\nTM_MAD=dummy\nBASE_PATH="/etc"\n'
    datastore_id = await estate.cloud.new("one.datastore.allocate", text, -1)
    await estate.cloud.call("one.datastore.update", datastore_id, 'BASE_PATH="/etc"\n', 1)
    shown = await estate.cloud.document("one.datastore.info", datastore_id)
    assert shown.findtext("BASE_PATH") == str(estate.cloud.daemon.location.datastores / str(datastore_id))
