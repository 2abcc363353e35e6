from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest

from opennebula_core.contracts.auth import Credentials, Identity
from opennebula_core.contracts.datastore import Datastore, ImageFile, ImageRequest
from opennebula_core.contracts.driver import DriverContext
from opennebula_core.contracts.tm import Location, TmAction, Transfer
from opennebula_core.contracts.vmm import Guest
from opennebula_core.dummy.auth import DummyAuth
from opennebula_core.dummy.behaviour import write_control
from opennebula_core.dummy.datastore import DummyDatastore
from opennebula_core.dummy.tm import DummyTm
from opennebula_core.dummy.vmm import DummyVmm
from opennebula_core.dummy.vnm import DummyVnm
from opennebula_core.errors import DriverError
from opennebula_core.model.template import Template, Vector

Context = Callable[..., DriverContext]

HERE, THERE = Location("fe", "/ds/1/img"), Location("host01", "/ds/0/7/disk.0")
TRANSFER = Transfer(7, 1)
IMAGE = ImageRequest(4, "ttylinux", "/srv/x", "", 0, "qcow2", "", Template(), Element("IMAGE"))
STORE = Datastore(1, "default", "/ds/1", Template())


async def run_verb(driver: DummyTm, verb: TmAction) -> None:
    """Call the contract's method for a verb."""
    vm = Element("VM")
    match verb:
        case TmAction.CLONE:
            await driver.clone(HERE, THERE, TRANSFER)
        case TmAction.LN:
            await driver.link(HERE, THERE, TRANSFER)
        case TmAction.MKIMAGE:
            await driver.make_image(8, "raw", THERE, TRANSFER)
        case TmAction.CONTEXT:
            await driver.context([("/c.sh", "context.sh")], THERE, TRANSFER)
        case TmAction.MV:
            await driver.move(HERE, THERE, TRANSFER)
        case TmAction.MVDS:
            await driver.move_back(THERE, HERE, TRANSFER)
        case TmAction.CPDS:
            await driver.copy_back(THERE, HERE, -1, TRANSFER)
        case TmAction.DELETE:
            await driver.delete(THERE, TRANSFER)
        case TmAction.RESIZE:
            await driver.resize(THERE, 20, TRANSFER)
        case TmAction.PREMIGRATE:
            await driver.premigrate("host01", "host02", "/ds/0/7", vm, TRANSFER)
        case TmAction.POSTMIGRATE:
            await driver.postmigrate("host01", "host02", "/ds/0/7", vm, TRANSFER)
        case TmAction.FAILMIGRATE:
            await driver.failmigrate("host01", "host02", "/ds/0/7", vm, TRANSFER)


VERBS = [
    verb
    for verb in TmAction
    if verb not in (TmAction.MKSWAP, TmAction.SNAP_CREATE, TmAction.SNAP_REVERT, TmAction.SNAP_DELETE)
]


@pytest.mark.parametrize("verb", VERBS)
async def test_each_transfer_succeeds_unless_it_is_told_to_fail(
    verb: TmAction, context: Context, tmp_path: Path
) -> None:
    driver = DummyTm(context())

    await run_verb(driver, verb)

    write_control(tmp_path, {f"tm/{verb}": {"failure_rate": 1}})
    with pytest.raises(DriverError, match=f"{verb} of 7 on"):
        await run_verb(driver, verb)


async def test_a_checkpoint_goes_with_the_folder_of_its_vm_and_not_with_a_disk(
    context: Context, guest: Callable[..., Guest], tmp_path: Path
) -> None:
    hypervisor, driver = DummyVmm(context()), DummyTm(context())
    await hypervisor.deploy(guest(), "")
    await hypervisor.save(guest(), "/ds/0/7/checkpoint")
    checkpoint = tmp_path / "var/dummy/checkpoints/7.json"

    await driver.delete(THERE, TRANSFER)
    assert checkpoint.exists()
    await driver.delete(Location("host01", "/ds/0/7"), TRANSFER)
    assert not checkpoint.exists()


@pytest.mark.parametrize("method", ["pre", "post", "clean"])
async def test_each_network_step_succeeds_unless_it_is_told_to_fail(
    method: str, context: Context, guest: Callable[..., Guest], tmp_path: Path
) -> None:
    driver = DummyVnm(context())
    nics = [Vector({"NIC_ID": "0"})]

    await getattr(driver, method)(guest(), nics)

    write_control(tmp_path, {f"vnm/{method.upper()}": {"failure_rate": 1}})
    with pytest.raises(DriverError, match="was told to fail"):
        await getattr(driver, method)(guest(), nics)


async def test_the_datastore_names_images_and_reports_room(context: Context) -> None:
    driver = DummyDatastore(context())

    assert await driver.stat(IMAGE, STORE) == 1024
    assert await driver.copy(IMAGE, STORE) == ImageFile("/ds/1/dummy-4", "qcow2")
    assert await driver.make(IMAGE, STORE) == await driver.clone(IMAGE, STORE)
    await driver.remove(IMAGE, STORE)
    usage = await driver.monitor(STORE)
    assert usage.total_mib == usage.used_mib + usage.free_mib
    assert await DummyDatastore(context(size_mib=40)).stat(IMAGE, STORE) == 40


async def test_everybody_is_who_they_say(context: Context) -> None:
    credentials = Credentials(-1, "bob", "-", "secret")

    assert await DummyAuth(context()).authenticate(credentials) == Identity("bob", "secret")
    with pytest.raises(DriverError):
        await DummyAuth(context(fail="AUTHENTICATE")).authenticate(credentials)
