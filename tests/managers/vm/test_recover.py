from __future__ import annotations

from collections.abc import Mapping

import pytest

from opennebula_core.errors import ActionError, ParameterError
from opennebula_core.model.states import LcmState, VmState

from ..conftest import RUNNING, Cloud, Place

INIT = LcmState.LCM_INIT
DONE: Place = (VmState.DONE, INIT)
PENDING: Place = (VmState.PENDING, INIT)
POWEROFF: Place = (VmState.POWEROFF, INIT)
STOPPED: Place = (VmState.STOPPED, INIT)
UNDEPLOYED: Place = (VmState.UNDEPLOYED, INIT)
FAILURE, SUCCESS, RETRY, DELETE, RECREATE, DELETE_DB = range(6)
NOTHING = ["0", "0", "0"]
FAILS: Mapping[str, object] = {"failure_rate": 1.0, "message": "no luck"}
ENDS: dict[LcmState, Place] = {
    LcmState.PROLOG_FAILURE: RUNNING,
    LcmState.BOOT_FAILURE: RUNNING,
    LcmState.EPILOG_FAILURE: DONE,
    LcmState.EPILOG_STOP_FAILURE: STOPPED,
    LcmState.EPILOG_UNDEPLOY_FAILURE: UNDEPLOYED,
    LcmState.PROLOG_MIGRATE_FAILURE: RUNNING,
    LcmState.BOOT_MIGRATE_FAILURE: RUNNING,
    LcmState.PROLOG_RESUME_FAILURE: RUNNING,
    LcmState.BOOT_STOPPED_FAILURE: RUNNING,
    LcmState.PROLOG_UNDEPLOY_FAILURE: RUNNING,
    LcmState.BOOT_UNDEPLOY_FAILURE: RUNNING,
}
"""Where the interrupted operation was going to, by the failure state."""
BROKEN: dict[LcmState, str] = {
    LcmState.PROLOG_FAILURE: "tm/CLONE",
    LcmState.BOOT_FAILURE: "vmm/DEPLOY",
    LcmState.EPILOG_FAILURE: "tm/DELETE",
    LcmState.BOOT_MIGRATE_FAILURE: "vmm/RESTORE",
    LcmState.BOOT_STOPPED_FAILURE: "vmm/RESTORE",
    LcmState.BOOT_UNDEPLOY_FAILURE: "vmm/DEPLOY",
}
"""The driver's action that fails; elsewhere it is the moving of the files."""


def _recover(cloud: Cloud, vm_id: int, operation: int) -> None:
    cloud.client.call("one.vm.recover", vm_id, operation)


def _end(cloud: Cloud, vm_id: int) -> None:
    cloud.behave({})
    if cloud.place(vm_id) != DONE:
        cloud.act("terminate-hard", vm_id)
    cloud.settle(vm_id, DONE)
    assert (cloud.usage(0), cloud.usage(1)) == (NOTHING, NOTHING)
    records = cloud.document("vm", vm_id).findall("HISTORY_RECORDS/HISTORY")
    assert all(record.findtext("ETIME") != "0" for record in records)
    for host in ("h1", "h2"):
        assert not (cloud.location / f"var/dummy/hosts/{host}/one-{vm_id}.json").exists()


def _fail_at(cloud: Cloud, failure: LcmState) -> int:
    """Return a VM in a failure state, with drivers that work again."""
    name, fails = failure.name, {BROKEN.get(failure, "tm/MV"): FAILS}
    if name in ("PROLOG_FAILURE", "BOOT_FAILURE"):
        vm_id = cloud.vm()
        cloud.behave(fails)
        cloud.deploy(vm_id)
    elif name.startswith("EPILOG") or "MIGRATE" in name:
        vm_id = cloud.running_vm()
        cloud.behave(fails)
        if "MIGRATE" in name:
            cloud.client.call("one.vm.migrate", vm_id, cloud.host_ids[1], False, False, -1, 0)
        else:
            actions = {"EPILOG_FAILURE": "terminate-hard", "EPILOG_STOP_FAILURE": "stop"}
            cloud.act(actions.get(name, "undeploy-hard"), vm_id)
    else:
        vm_id = cloud.running_vm()
        is_stop = "UNDEPLOY" not in name
        cloud.act("stop" if is_stop else "undeploy-hard", vm_id)
        cloud.settle(vm_id, STOPPED if is_stop else UNDEPLOYED)
        cloud.behave(fails)
        cloud.act("resume", vm_id)
        cloud.deploy(vm_id)
    cloud.settle(vm_id, (VmState.ACTIVE, failure))
    cloud.behave({})
    return vm_id


@pytest.mark.parametrize("failure", ENDS, ids=lambda failure: failure.name)
def test_a_retry_does_what_had_failed(cloud: Cloud, failure: LcmState) -> None:
    vm_id = _fail_at(cloud, failure)
    assert "no luck" in cloud.document("vm", vm_id).findtext("USER_TEMPLATE/ERROR", "")
    _recover(cloud, vm_id, RETRY)
    cloud.settle(vm_id, ENDS[failure])
    _end(cloud, vm_id)


@pytest.mark.parametrize("failure", ENDS, ids=lambda failure: failure.name)
def test_what_an_operator_calls_a_success_lets_the_operation_go_on(cloud: Cloud, failure: LcmState) -> None:
    vm_id = _fail_at(cloud, failure)
    _recover(cloud, vm_id, SUCCESS)
    cloud.settle(vm_id, ENDS[failure])
    assert cloud.document("vm", vm_id).find("USER_TEMPLATE/ERROR") is None
    _end(cloud, vm_id)


@pytest.mark.parametrize("failure", ENDS, ids=lambda failure: failure.name)
@pytest.mark.parametrize("operation", [DELETE, DELETE_DB], ids=["delete", "delete-db"])
def test_a_failed_vm_can_be_ended_and_gives_everything_back(
    cloud: Cloud, failure: LcmState, operation: int
) -> None:
    vm_id = _fail_at(cloud, failure)
    _recover(cloud, vm_id, operation)
    cloud.settle(vm_id, DONE)
    assert cloud.document("vn", cloud.network_id).findtext("USED_LEASES") == "0"
    assert cloud.document("image", cloud.image_id).findtext("RUNNING_VMS") == "0"
    assert (cloud.usage(0), cloud.usage(1)) == (NOTHING, NOTHING)


@pytest.mark.parametrize("failure", ENDS, ids=lambda failure: failure.name)
def test_a_failed_vm_that_is_recreated_starts_anew(cloud: Cloud, failure: LcmState) -> None:
    vm_id = _fail_at(cloud, failure)
    _recover(cloud, vm_id, RECREATE)
    cloud.settle(vm_id, PENDING)
    assert (cloud.usage(0), cloud.usage(1)) == (NOTHING, NOTHING)
    seq = len(cloud.document("vm", vm_id).findall("HISTORY_RECORDS/HISTORY"))
    cloud.deploy(vm_id, 1)
    cloud.settle(vm_id, RUNNING)
    assert (cloud.location / f"var/vms/{vm_id}/transfer.{seq}.prolog").exists()
    _end(cloud, vm_id)


@pytest.mark.parametrize(
    ("failure", "script"),
    [
        (LcmState.PROLOG_MIGRATE_FAILURE, "FAILMIGRATE dummy h1 h2 "),
        (LcmState.BOOT_MIGRATE_FAILURE, "MV dummy h2:"),
    ],
    ids=["before the files moved", "after"],
)
def test_a_migration_that_is_given_up_goes_on_at_home(cloud: Cloud, failure: LcmState, script: str) -> None:
    vm_id = _fail_at(cloud, failure)
    log = cloud.location / f"var/vms/{vm_id}/vm.log"
    cloud.wait_until(lambda: failure.name in log.read_text(), "the log")
    told = len(log.read_text())
    _recover(cloud, vm_id, FAILURE)
    cloud.settle(vm_id, RUNNING)
    cloud.wait_until(lambda: "state is RUNNING" in log.read_text()[told:], "the log")
    states = [line.rpartition(" ")[2] for line in log.read_text()[told:].splitlines() if "LCM state" in line]
    assert states == ["PROLOG_MIGRATE", "BOOT_MIGRATE", "RUNNING"]
    phase = "migrate" if script.startswith("MV") else "undo_migrate"
    assert script in (cloud.location / f"var/vms/{vm_id}/transfer.2.{phase}").read_text()
    assert (cloud.usage(0)[0], cloud.usage(1)[0]) == ("1", "0")
    assert cloud.document("vm", vm_id).findall("HISTORY_RECORDS/HISTORY/HOSTNAME")[-1].text == "h1"
    assert (cloud.location / f"var/dummy/hosts/h1/one-{vm_id}.json").exists()
    _end(cloud, vm_id)


def test_a_vm_at_rest_goes_home_even_if_the_other_host_cannot_be_cleaned(cloud: Cloud) -> None:
    vm_id = cloud.running_vm()
    cloud.act("poweroff-hard", vm_id)
    cloud.settle(vm_id, POWEROFF)
    cloud.behave({"tm/MV": FAILS, "tm/FAILMIGRATE": FAILS})
    cloud.client.call("one.vm.migrate", vm_id, cloud.host_ids[1], False, False, -1, 0)
    cloud.settle(vm_id, (VmState.ACTIVE, LcmState.PROLOG_MIGRATE_POWEROFF_FAILURE))
    _recover(cloud, vm_id, FAILURE)
    cloud.settle(vm_id, POWEROFF)
    assert cloud.document("vm", vm_id).findall("HISTORY_RECORDS/HISTORY/HOSTNAME")[-1].text == "h1"
    assert (
        "FAILMIGRATE dummy h1 h2 "
        in (cloud.location / f"var/vms/{vm_id}/transfer.2.undo_migrate").read_text()
    )
    _end(cloud, vm_id)


@pytest.mark.parametrize("failure", [LcmState.PROLOG_FAILURE, LcmState.EPILOG_STOP_FAILURE])
def test_what_has_failed_already_stays_so(cloud: Cloud, failure: LcmState) -> None:
    vm_id = _fail_at(cloud, failure)
    _recover(cloud, vm_id, FAILURE)
    assert cloud.place(vm_id) == (VmState.ACTIVE, failure)
    _end(cloud, vm_id)


@pytest.mark.parametrize("operation", [FAILURE, SUCCESS, RETRY])
def test_a_vm_at_rest_has_nothing_to_recover(cloud: Cloud, operation: int) -> None:
    vm_id = cloud.running_vm()
    with pytest.raises(ActionError, match="Recover action is not available for state RUNNING"):
        _recover(cloud, vm_id, operation)
    cloud.act("poweroff-hard", vm_id)
    cloud.settle(vm_id, POWEROFF)
    with pytest.raises(ActionError, match="Recover action is not available for state POWEROFF"):
        _recover(cloud, vm_id, operation)
    _end(cloud, vm_id)


def test_there_are_six_operations(cloud: Cloud) -> None:
    vm_id = cloud.vm()
    with pytest.raises(ParameterError, match="Wrong recovery operation 6"):
        _recover(cloud, vm_id, 6)
    _end(cloud, vm_id)


@pytest.mark.parametrize(("action", "state"), [("tm/CLONE", LcmState.PROLOG), ("vmm/DEPLOY", LcmState.BOOT)])
@pytest.mark.parametrize(("operation", "place"), [(DELETE, DONE), (RECREATE, PENDING)])
def test_a_step_that_hangs_does_not_hold_a_deletion_up(
    cloud: Cloud, action: str, state: LcmState, operation: int, place: Place
) -> None:
    cloud.behave({action: {"hang": True}})
    vm_id = cloud.vm()
    cloud.deploy(vm_id)
    cloud.settle(vm_id, (VmState.ACTIVE, state))
    _recover(cloud, vm_id, operation)
    cloud.settle(vm_id, place)
    assert cloud.usage() == NOTHING
    _end(cloud, vm_id)


@pytest.mark.parametrize(("action", "place"), [("stop", STOPPED), ("undeploy", UNDEPLOYED)])
def test_a_vm_that_waits_on_the_front_end_is_recreated_from_its_images(
    cloud: Cloud, action: str, place: Place
) -> None:
    vm_id = cloud.running_vm()
    cloud.act(action, vm_id)
    cloud.settle(vm_id, place)
    _recover(cloud, vm_id, RECREATE)
    cloud.settle(vm_id, PENDING)
    cloud.deploy(vm_id)
    cloud.settle(vm_id, RUNNING)
    assert (cloud.location / f"var/vms/{vm_id}/transfer.1.prolog").exists()
    _end(cloud, vm_id)


def test_a_vm_whose_image_broke_is_not_recreated_before_the_image_is_there(cloud: Cloud) -> None:
    cloud.behave({"datastore/CP": {"failure_rate": 1.0, "delay_s": 0.3}})
    image_id = cloud.client.integer("one.image.allocate", "NAME=bad\nPATH=/any\n", cloud.datastore_id)
    vm_id = cloud.client.integer("one.vm.allocate", f"CPU=1\nMEMORY=64\nDISK=[IMAGE_ID={image_id}]\n", False)
    cloud.settle(vm_id, (VmState.CLONING_FAILURE, INIT))
    with pytest.raises(ActionError, match=f"image {image_id} is in state ERROR"):
        _recover(cloud, vm_id, RECREATE)
    assert cloud.place(vm_id) == (VmState.CLONING_FAILURE, INIT)
    _recover(cloud, vm_id, DELETE)
    cloud.settle(vm_id, DONE)
    assert cloud.document("image", image_id).findtext("RUNNING_VMS") == "0"


@pytest.mark.parametrize(
    ("operation", "state", "place"),
    [(DELETE, LcmState.CLEANUP_DELETE, DONE), (RECREATE, LcmState.CLEANUP_RESUBMIT, PENDING)],
)
def test_a_guest_that_cannot_be_ended_keeps_its_vm_until_a_person_says_that_it_is_gone(
    cloud: Cloud, operation: int, state: LcmState, place: Place
) -> None:
    vm_id = cloud.running_vm()
    guest = cloud.location / f"var/dummy/hosts/h1/one-{vm_id}.json"
    cloud.behave({"vmm/CANCEL": FAILS})
    for attempt in (operation, RETRY, operation):
        _recover(cloud, vm_id, attempt)
        cloud.settle(vm_id, (VmState.ACTIVE, state))
        cloud.wait_until(lambda: "no luck" in _error(cloud, vm_id), "the error")
    assert "may still run on host h1" in _error(cloud, vm_id)
    assert f"'onevm recover --success {vm_id}'" in _error(cloud, vm_id)
    assert cloud.document("vn", cloud.network_id).findtext("USED_LEASES") == "1"
    assert guest.exists()
    with pytest.raises(ActionError, match=f"not available for state {state.name}"):
        cloud.deploy(vm_id, 1)
    guest.unlink()  # the host was switched off
    _recover(cloud, vm_id, SUCCESS)
    cloud.settle(vm_id, place)
    assert cloud.document("vm", vm_id).find("USER_TEMPLATE/ERROR") is None
    _end(cloud, vm_id)


def _error(cloud: Cloud, vm_id: int) -> str:
    return cloud.document("vm", vm_id).findtext("USER_TEMPLATE/ERROR", "")


@pytest.mark.parametrize("operation", [RETRY, DELETE])
def test_a_removal_that_was_held_up_goes_on_once_the_host_answers(cloud: Cloud, operation: int) -> None:
    vm_id = cloud.running_vm()
    cloud.behave({"vmm/CANCEL": FAILS})
    _recover(cloud, vm_id, DELETE)
    cloud.wait_until(lambda: "no luck" in _error(cloud, vm_id), "the error")
    cloud.behave({})
    _recover(cloud, vm_id, operation)
    cloud.settle(vm_id, DONE)
    _end(cloud, vm_id)


def test_what_has_no_guest_is_removed_whatever_its_host_says(cloud: Cloud) -> None:
    vm_id = _fail_at(cloud, LcmState.PROLOG_FAILURE)
    cloud.behave({"vmm/CANCEL": FAILS, "vmm/CLEANUP": FAILS})
    _recover(cloud, vm_id, DELETE)
    cloud.settle(vm_id, DONE)
    _end(cloud, vm_id)


@pytest.mark.parametrize("action", ["terminate-hard", "undeploy-hard"])
def test_a_guest_that_runs_though_its_start_failed_is_ended_before_its_files_go(
    cloud: Cloud, action: str
) -> None:
    vm_id = cloud.running_vm()
    guest = cloud.location / f"var/dummy/hosts/h1/one-{vm_id}.json"
    as_it_ran = guest.read_bytes()
    cloud.act("poweroff-hard", vm_id)
    cloud.settle(vm_id, POWEROFF)
    cloud.behave({"vmm/DEPLOY": FAILS})
    cloud.act("resume", vm_id)
    cloud.wait_until(
        lambda: cloud.document("vm", vm_id).find("USER_TEMPLATE/ERROR") is not None, "a failed start"
    )
    cloud.settle(vm_id, POWEROFF)
    guest.write_bytes(as_it_ran)  # as if the start had done its work after all

    cloud.act(action, vm_id)

    cloud.settle(vm_id, DONE if action == "terminate-hard" else UNDEPLOYED)
    assert not guest.exists()
    _end(cloud, vm_id)
