"""Steps that do not end, and migrations of VMs that were shut down: what an operator can do about them."""

from __future__ import annotations

import pytest

from opennebula_core.errors import ActionError
from opennebula_core.model.states import HistoryAction, LcmState, VmState
from opennebula_core.plans import executor

from ..estate import Estate

pytestmark = pytest.mark.asyncio(loop_scope="module")

L, V = LcmState, VmState
FAILURE, SUCCESS, RETRY, DELETE, RECREATE, DELETE_DB = range(6)
NOTHING = (0, 0, 0, 0)


async def operate(estate: Estate, operation: str, vm_id: int) -> None:
    if operation == "deploy":
        await estate.cloud.call("one.vm.deploy", vm_id, estate.here)
    elif operation.startswith("migrate"):
        await estate.migrate(vm_id, kind=int(operation.split()[1]))
    else:
        await estate.cloud.act(operation, vm_id)


async def end(estate: Estate, vm_id: int) -> None:
    """End the VM, and see that it leaves nothing booked."""
    if estate.cloud.vm(vm_id).state is not V.DONE:
        await estate.cloud.act("terminate-hard", vm_id)
        await estate.cloud.settle(vm_id, V.DONE)
    assert estate.usage(estate.here) == estate.usage(estate.there) == NOTHING
    assert estate.cloud.image(estate.image_id).running_vms == 0
    assert estate.cloud.network(estate.network_id).used_leases == 0
    assert all(record.etime for record in estate.cloud.vm(vm_id).history)


HANGING: dict[str, tuple[str, str, LcmState]] = {
    "prolog": ("tm/CLONE", "deploy", L.PROLOG),
    "boot": ("vmm/DEPLOY", "deploy", L.BOOT),
    "save": ("vmm/SAVE", "suspend", L.SAVE_SUSPEND),
    "save of stop": ("vmm/SAVE", "stop", L.SAVE_STOP),
    "files of stop": ("tm/MV", "stop", L.EPILOG_STOP),
    "shutdown": ("vmm/SHUTDOWN", "terminate", L.SHUTDOWN),
    "shutdown of poweroff": ("vmm/SHUTDOWN", "poweroff", L.SHUTDOWN_POWEROFF),
    "shutdown of undeploy": ("vmm/SHUTDOWN", "undeploy", L.SHUTDOWN_UNDEPLOY),
    "files of undeploy": ("tm/MV", "undeploy", L.EPILOG_UNDEPLOY),
    "epilog": ("tm/DELETE", "terminate", L.EPILOG),
    "live migration": ("vmm/MIGRATE", "live", L.MIGRATE),
    "save of migration": ("vmm/SAVE", "migrate 0", L.SAVE_MIGRATE),
    "move": ("tm/MV", "migrate 0", L.PROLOG_MIGRATE),
    "boot of migration": ("vmm/RESTORE", "migrate 0", L.BOOT_MIGRATE),
}
every_step = pytest.mark.parametrize("step", HANGING.values(), ids=HANGING)


async def hung(estate: Estate, step: tuple[str, str, LcmState]) -> int:
    """Return a VM in the middle of a step that does not end; its drivers behave again for what follows."""
    rule, operation, state = step
    vm_id = await (estate.cloud.add_vm(estate.devices()) if operation == "deploy" else estate.run())
    estate.cloud.behave({rule: {"hang": True}})
    if operation == "live":
        await estate.migrate(vm_id, live=True)
    else:
        await operate(estate, operation, vm_id)
    await estate.cloud.settle(vm_id, state)
    await requests_in_flight(estate)
    estate.cloud.behave()
    return vm_id


async def requests_in_flight(estate: Estate) -> None:
    """Wait until the driver has the request."""
    pool = estate.cloud.daemon.pool
    await estate.cloud.until(
        lambda: any(driver.in_flight for driver in pool.status() if driver.kind in ("vmm", "tm")),
        "a request in flight",
    )


@every_step
async def test_a_vm_can_be_deleted_in_the_middle_of_a_step(
    estate: Estate, step: tuple[str, str, LcmState]
) -> None:
    vm_id = await hung(estate, step)
    await estate.recover(vm_id, DELETE)
    await estate.cloud.settle(vm_id, V.DONE)
    await end(estate, vm_id)
    guests = list((estate.cloud.location / "var/dummy/hosts").glob(f"*/one-{vm_id}.json"))
    assert guests == []


@every_step
async def test_a_vm_can_be_recreated_in_the_middle_of_a_step(
    estate: Estate, step: tuple[str, str, LcmState]
) -> None:
    vm_id = await hung(estate, step)
    await estate.recover(vm_id, RECREATE)
    await estate.cloud.settle(vm_id, V.PENDING)
    await end(estate, vm_id)


@every_step
async def test_a_hanging_step_can_be_tried_again(estate: Estate, step: tuple[str, str, LcmState]) -> None:
    vm_id = await hung(estate, step)
    await estate.recover(vm_id, RETRY)
    await estate.cloud.settle(vm_id, L.RUNNING, V.SUSPENDED, V.STOPPED, V.DONE, V.POWEROFF, V.UNDEPLOYED)
    await end(estate, vm_id)


async def moved_and_broken(estate: Estate, rule: str, kind: int, failure: LcmState) -> int:
    """Return a VM whose migration has failed; its drivers behave again."""
    vm_id = await estate.run()
    await estate.fail(rule)
    await estate.migrate(vm_id, kind=kind)
    await estate.cloud.settle(vm_id, failure)
    estate.cloud.behave()
    return vm_id


@pytest.mark.parametrize("kind", [1, 2], ids=["poweroff", "poweroff-hard"])
async def test_what_was_shut_down_to_be_moved_is_booted_at_home(estate: Estate, kind: int) -> None:
    vm_id = await moved_and_broken(estate, "tm/MV", kind, L.PROLOG_MIGRATE_FAILURE)
    await estate.fail("vmm/RESTORE")  # there is no checkpoint
    await estate.recover(vm_id, FAILURE)
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert (estate.usage(estate.here)[0], estate.usage(estate.there)[0]) == (1, 0)
    estate.cloud.behave()
    await end(estate, vm_id)


async def test_a_given_up_migration_is_three_stays_and_its_files_come_back(estate: Estate) -> None:
    vm_id = await moved_and_broken(estate, "vmm/RESTORE", 0, L.BOOT_MIGRATE_FAILURE)
    await estate.recover(vm_id, FAILURE)
    await estate.cloud.settle(vm_id, L.RUNNING)
    records = estate.cloud.vm(vm_id).history
    assert [record.host_id for record in records] == [estate.here, estate.there, estate.here]
    assert [record.action for record in records] == [HistoryAction.MIGRATE, 0, 0]
    script = (estate.cloud.location / f"var/vms/{vm_id}/transfer.2.migrate").read_text()
    assert "MV dummy h2:" in script
    assert " h1:" in script
    await end(estate, vm_id)


async def test_what_did_not_boot_is_not_charged_for(estate: Estate) -> None:
    vm_id = await estate.cloud.add_vm(estate.devices())
    await estate.fail("vmm/DEPLOY")
    await estate.cloud.call("one.vm.deploy", vm_id, estate.here)
    await estate.cloud.settle(vm_id, L.BOOT_FAILURE)
    estate.cloud.behave()
    estate.cloud.clock.advance(3600)
    record = estate.cloud.vm(vm_id).history[-1]
    assert record.running_stime == record.running_etime != 0
    await estate.recover(vm_id, RETRY)
    await estate.cloud.settle(vm_id, L.RUNNING)
    record = estate.cloud.vm(vm_id).history[-1]
    assert (record.running_stime, record.running_etime) == (int(estate.cloud.clock()), 0)
    await end(estate, vm_id)


async def hang_while_cleaning(estate: Estate, vm_id: int, operation: int) -> None:
    """Begin to remove a VM with drivers that do not answer; they behave again for what follows."""
    estate.cloud.behave({"vmm/CLEANUP": {"hang": True}, "tm/DELETE": {"hang": True}})
    await estate.recover(vm_id, operation)
    await requests_in_flight(estate)
    estate.cloud.behave()


@pytest.mark.parametrize("first", [DELETE, RECREATE], ids=["delete", "recreate"])
@pytest.mark.parametrize("second", [DELETE, RECREATE], ids=["delete", "recreate"])
async def test_a_cleaning_that_hangs_is_done_again_on_both_hosts(
    estate: Estate, first: int, second: int
) -> None:
    vm_id = await hung(estate, HANGING["live migration"])
    await hang_while_cleaning(estate, vm_id, first)
    assert estate.cloud.vm(vm_id).lcm_state in (L.CLEANUP_DELETE, L.CLEANUP_RESUBMIT)
    await estate.recover(vm_id, second)
    await estate.cloud.settle(vm_id, V.DONE if second == DELETE else V.PENDING)
    guests = list((estate.cloud.location / "var/dummy/hosts").glob(f"*/one-{vm_id}.json"))
    assert guests == []
    await end(estate, vm_id)


async def test_a_cleaning_that_hangs_is_done_again_on_the_front_end(estate: Estate) -> None:
    vm_id = await hung(estate, HANGING["files of stop"])
    await hang_while_cleaning(estate, vm_id, DELETE)
    await estate.recover(vm_id, RECREATE)
    await estate.cloud.settle(vm_id, V.PENDING)
    assert "DELETE dummy" in (estate.cloud.location / f"var/vms/{vm_id}/transfer.0.delete").read_text()
    await end(estate, vm_id)


async def failed_to_end(estate: Estate) -> int:
    """Return a VM whose files on the front-end could not be removed; its drivers behave again."""
    vm_id = await estate.run()
    await estate.cloud.act("stop", vm_id)
    await estate.cloud.settle(vm_id, V.STOPPED)
    await estate.fail("tm/DELETE")
    await estate.cloud.act("terminate-hard", vm_id)
    await estate.cloud.settle(vm_id, L.EPILOG_FAILURE)
    estate.cloud.behave()
    return vm_id


async def test_what_waits_on_the_front_end_is_removed_there_after_a_failed_end(estate: Estate) -> None:
    vm_id = await failed_to_end(estate)
    await estate.recover(vm_id, DELETE)
    await estate.cloud.settle(vm_id, V.DONE)
    assert "DELETE dummy" in (estate.cloud.location / f"var/vms/{vm_id}/transfer.0.delete").read_text()
    await end(estate, vm_id)


async def test_what_is_recreated_after_a_failed_end_starts_from_its_images(estate: Estate) -> None:
    vm_id = await failed_to_end(estate)
    await estate.recover(vm_id, RECREATE)
    await estate.cloud.settle(vm_id, V.PENDING)
    await estate.cloud.call("one.vm.deploy", vm_id, estate.here)
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert "CLONE dummy" in (estate.cloud.location / f"var/vms/{vm_id}/transfer.1.prolog").read_text()
    await end(estate, vm_id)


async def test_a_migration_is_given_up_once(estate: Estate) -> None:
    vm_id = await moved_and_broken(estate, "tm/MV", 0, L.PROLOG_MIGRATE_FAILURE)
    await estate.fail("vmm/RESTORE")
    await estate.recover(vm_id, FAILURE)
    await estate.cloud.settle(vm_id, L.BOOT_MIGRATE_FAILURE)
    await estate.recover(vm_id, FAILURE)
    vm = estate.cloud.vm(vm_id)
    assert vm.lcm_state is L.BOOT_MIGRATE_FAILURE
    assert [record.host_id for record in vm.history] == [estate.here, estate.there, estate.here]
    estate.cloud.behave()
    await estate.recover(vm_id, RETRY)
    await estate.cloud.settle(vm_id, L.RUNNING)
    await end(estate, vm_id)


async def test_a_live_migration_to_another_system_datastore_is_refused_before_anything_is_done(
    estate: Estate,
) -> None:
    text = "NAME=other-system\nTM_MAD=dummy\nTYPE=SYSTEM_DS"
    other = await estate.cloud.new("one.datastore.allocate", text, -1)
    vm_id = await estate.run()
    here = estate.cloud.vm(vm_id).history[-1].datastore_id
    reason = f"live to system datastore {other}: its disks are in {here} and stay there"
    with pytest.raises(ActionError, match=reason):
        await estate.cloud.call("one.vm.migrate", vm_id, estate.there, True, False, other, 0)
    assert (len(estate.cloud.vm(vm_id).history), estate.usage(estate.there)) == (1, NOTHING)
    await estate.cloud.call("one.vm.migrate", vm_id, estate.there, True, False, here, 0)
    await estate.cloud.settle(vm_id, L.RUNNING)
    await estate.cloud.call("one.vm.migrate", vm_id, estate.here, False, False, other, 0)
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert estate.cloud.vm(vm_id).history[-1].datastore_id == other
    await end(estate, vm_id)


async def test_a_disk_whose_attach_has_no_outcome_is_plugged_out_again(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "MAX_RESENDS", 0)
    vm_id = await estate.run()
    estate.cloud.behave({"vmm/ATTACHDISK": {"exit": True}})
    await estate.cloud.call("one.vm.attach", vm_id, f"DISK=[IMAGE_ID={estate.image_id}]")
    await estate.cloud.settle(vm_id, L.RUNNING)
    vm = estate.cloud.vm(vm_id)
    assert "outcome is unknown; disk 2 was plugged out again" in vm.user_template.get("ERROR")
    assert len(vm.template.vectors("DISK")) == 1
    estate.cloud.behave({"vmm/ATTACHDISK": {"exit": True}, "vmm/DETACHDISK": {"failure_rate": 1.0}})
    await estate.cloud.call("one.vm.attach", vm_id, f"DISK=[IMAGE_ID={estate.image_id}]")
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert "disk 2 could not be plugged out, see whether" in estate.cloud.vm(vm_id).user_template.get("ERROR")
    estate.cloud.behave()
    await end(estate, vm_id)
