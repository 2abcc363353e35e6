from __future__ import annotations

import time

import pytest

from opennebula_core.errors import ActionError, AuthorizationError, InternalError
from opennebula_core.model.states import LcmState, VmState

from ..conftest import RUNNING, Cloud, Place

INIT = LcmState.LCM_INIT
PENDING: Place = (VmState.PENDING, INIT)
DONE: Place = (VmState.DONE, INIT)
SUSPENDED: Place = (VmState.SUSPENDED, INIT)
POWEROFF: Place = (VmState.POWEROFF, INIT)
STOPPED: Place = (VmState.STOPPED, INIT)


def _actions(cloud: Cloud, vm_id: int) -> list[tuple[str, str]]:
    records = cloud.document("vm", vm_id).findall("HISTORY_RECORDS/HISTORY")
    return [(record.findtext("SEQ", ""), record.findtext("ACTION", "")) for record in records]


def _ends(cloud: Cloud, vm_id: int) -> list[str]:
    records = cloud.document("vm", vm_id).findall("HISTORY_RECORDS/HISTORY")
    return [record.findtext("ETIME", "") for record in records]


def test_a_vm_takes_an_address_and_gives_it_back(cloud: Cloud) -> None:
    vm_id = cloud.running_vm()
    assert cloud.document("vm", vm_id).findtext("TEMPLATE/NIC/IP", "").startswith("10.0.0.")
    assert cloud.usage() == ["1", "50", "65536"]
    cloud.act("terminate", vm_id)
    cloud.settle(vm_id, DONE)
    assert cloud.usage() == ["0", "0", "0"]
    assert cloud.document("vn", cloud.network_id).findtext("USED_LEASES") == "0"
    assert cloud.document("image", cloud.image_id).findtext("RUNNING_VMS") == "0"


def test_each_start_opens_a_record_that_says_how_the_last_one_ended(cloud: Cloud) -> None:
    vm_id = cloud.running_vm()
    for action, place in (
        ("poweroff", POWEROFF),
        ("resume", RUNNING),
        ("suspend", SUSPENDED),
        ("resume", RUNNING),
    ):
        cloud.act(action, vm_id)
        cloud.settle(vm_id, place)
    assert _actions(cloud, vm_id) == [("0", "19"), ("1", "10"), ("2", "0")]
    cloud.act("terminate-hard", vm_id)
    cloud.settle(vm_id, DONE)


@pytest.mark.parametrize(
    ("action", "place", "text"),
    [
        (
            "suspend",
            PENDING,
            'Error performing action "suspend": This action is not available for state PENDING',
        ),
        (
            "release",
            PENDING,
            'Error performing action "release": This action is not available for state PENDING',
        ),
        (
            "resume",
            RUNNING,
            'Error performing action "resume": This action is not available for state RUNNING',
        ),
        ("fly", RUNNING, 'Action "fly" is not supported'),
    ],
)
def test_what_a_state_does_not_allow_is_refused_in_opennebulas_words(
    cloud: Cloud, action: str, place: Place, text: str
) -> None:
    vm_id = cloud.running_vm() if place == RUNNING else cloud.vm()
    with pytest.raises(ActionError, match=text):
        cloud.act(action, vm_id)
    assert cloud.place(vm_id) == place
    cloud.act("terminate-hard", vm_id)
    cloud.settle(vm_id, DONE)


def test_hold_and_release(cloud: Cloud) -> None:
    vm_id = cloud.vm(hold=True)
    assert cloud.place(vm_id) == (VmState.HOLD, INIT)
    cloud.act("release", vm_id)
    assert cloud.place(vm_id) == PENDING
    cloud.act("terminate", vm_id)
    assert cloud.place(vm_id) == DONE


FAILURES: dict[str, tuple[str, LcmState]] = {
    "prolog": ("tm/CLONE", LcmState.PROLOG_FAILURE),
    "boot": ("vmm/DEPLOY", LcmState.BOOT_FAILURE),
}


@pytest.mark.parametrize("case", FAILURES.values(), ids=FAILURES)
def test_a_failed_deployment_says_why_and_can_be_retried(cloud: Cloud, case: tuple[str, LcmState]) -> None:
    action, failure = case
    cloud.behave({action: {"failure_rate": 1.0, "message": "no luck today"}})
    vm_id = cloud.vm()
    cloud.deploy(vm_id)
    cloud.settle(vm_id, (VmState.ACTIVE, failure))
    assert "no luck today" in cloud.document("vm", vm_id).findtext("USER_TEMPLATE/ERROR", "")
    log = cloud.location / f"var/vms/{vm_id}/vm.log"
    cloud.wait_until(lambda: log.exists() and "no luck today" in log.read_text(), "its log")

    cloud.behave({})
    cloud.client.call("one.vm.recover", vm_id, 2)
    cloud.settle(vm_id, RUNNING)
    assert cloud.document("vm", vm_id).find("USER_TEMPLATE/ERROR") is None
    cloud.act("terminate-hard", vm_id)
    cloud.settle(vm_id, DONE)
    assert cloud.usage() == ["0", "0", "0"]


@pytest.mark.parametrize(("operation", "place"), [(3, DONE), (4, PENDING), (5, DONE)])
def test_a_failed_vm_can_be_deleted_recreated_or_forgotten(
    cloud: Cloud, operation: int, place: Place
) -> None:
    cloud.behave({"vmm/DEPLOY": {"failure_rate": 1.0}})
    vm_id = cloud.vm()
    cloud.deploy(vm_id)
    cloud.settle(vm_id, (VmState.ACTIVE, LcmState.BOOT_FAILURE))
    cloud.client.call("one.vm.recover", vm_id, operation)
    cloud.settle(vm_id, place)
    assert cloud.usage() == ["0", "0", "0"]
    if place == PENDING:
        cloud.act("terminate", vm_id)


def test_a_boot_that_an_operator_calls_a_success_is_one(cloud: Cloud) -> None:
    cloud.behave({"vmm/DEPLOY": {"hang": True}})
    vm_id = cloud.vm()
    cloud.deploy(vm_id)
    cloud.settle(vm_id, (VmState.ACTIVE, LcmState.BOOT))
    cloud.client.call("one.vm.recover", vm_id, 1)
    cloud.settle(vm_id, RUNNING)
    assert cloud.document("vm", vm_id).findtext("DEPLOY_ID") == f"one-{vm_id}"
    cloud.behave({})
    cloud.act("terminate-hard", vm_id)
    cloud.settle(vm_id, DONE)


@pytest.mark.parametrize("action", ["suspend", "poweroff", "terminate"])
def test_a_guest_that_does_not_go_stays_running_with_the_reason(cloud: Cloud, action: str) -> None:
    vm_id = cloud.running_vm()
    cloud.behave({"vmm/*": {"failure_rate": 1.0, "message": "it will not"}})
    cloud.act(action, vm_id)
    cloud.wait_until(
        lambda: "it will not" in cloud.document("vm", vm_id).findtext("USER_TEMPLATE/ERROR", ""), "the reason"
    )
    assert cloud.place(vm_id) == RUNNING
    assert _actions(cloud, vm_id) == [("0", "0")]
    cloud.behave({})
    cloud.act("terminate-hard", vm_id)
    cloud.settle(vm_id, DONE)


def test_a_live_migration_that_fails_leaves_three_records_and_no_trace_there(cloud: Cloud) -> None:
    vm_id = cloud.running_vm()
    cloud.behave({"vmm/MIGRATE": {"failure_rate": 1.0}})
    cloud.client.call("one.vm.migrate", vm_id, cloud.host_ids[1], True, False, -1, 0)
    cloud.wait_until(lambda: len(_actions(cloud, vm_id)) == 3, "the third record")
    assert cloud.place(vm_id) == RUNNING
    assert (cloud.usage(0)[0], cloud.usage(1)[0]) == ("1", "0")
    cloud.behave({})
    cloud.act("terminate-hard", vm_id)
    cloud.settle(vm_id, DONE)
    assert (cloud.usage(0), cloud.usage(1)) == (["0", "0", "0"], ["0", "0", "0"])
    assert "0" not in _ends(cloud, vm_id)


@pytest.mark.parametrize(
    ("asleep", "failure"),
    [
        ("poweroff", LcmState.PROLOG_MIGRATE_POWEROFF_FAILURE),
        ("suspend", LcmState.PROLOG_MIGRATE_SUSPEND_FAILURE),
    ],
)
@pytest.mark.parametrize("recovery", [0, 3, 5], ids=["failure", "delete", "delete-db"])
def test_a_sleeping_vms_failed_move_returns_what_both_hosts_gave(
    cloud: Cloud, asleep: str, failure: LcmState, recovery: int
) -> None:
    vm_id = cloud.running_vm()
    cloud.act(asleep, vm_id)
    cloud.settle(vm_id, POWEROFF if asleep == "poweroff" else SUSPENDED)
    cloud.behave({"tm/MV": {"failure_rate": 1.0}})
    cloud.client.call("one.vm.migrate", vm_id, cloud.host_ids[1], False, False, -1, 0)
    cloud.settle(vm_id, (VmState.ACTIVE, failure))
    cloud.behave({})
    cloud.client.call("one.vm.recover", vm_id, recovery)
    if recovery == 0:
        cloud.settle(vm_id, POWEROFF if asleep == "poweroff" else SUSPENDED)
        assert (cloud.usage(0)[0], cloud.usage(1)[0]) == ("1", "0")
        cloud.act("terminate-hard", vm_id)
    cloud.settle(vm_id, DONE)
    assert (cloud.usage(0), cloud.usage(1)) == (["0", "0", "0"], ["0", "0", "0"])
    assert "0" not in _ends(cloud, vm_id)


def test_a_step_that_hangs_can_be_called_a_failure_and_is_not_done_later(cloud: Cloud) -> None:
    vm_id = cloud.running_vm()
    cloud.behave({"vmm/SHUTDOWN": {"delay_s": 2.0}})
    cloud.act("poweroff", vm_id)
    cloud.settle(vm_id, (VmState.ACTIVE, LcmState.SHUTDOWN_POWEROFF))
    cloud.client.call("one.vm.recover", vm_id, 0)
    cloud.settle(vm_id, RUNNING)
    time.sleep(2.5)
    assert (cloud.location / f"var/dummy/hosts/h1/one-{vm_id}.json").exists()
    cloud.behave({})
    cloud.act("terminate-hard", vm_id)
    cloud.settle(vm_id, DONE)


def test_the_datastore_of_a_stopped_vm_stays(cloud: Cloud) -> None:
    vm_id = cloud.running_vm()
    datastore_id = cloud.document("vm", vm_id).findtext("HISTORY_RECORDS/HISTORY/DS_ID", "")
    cloud.act("stop", vm_id)
    cloud.settle(vm_id, STOPPED)
    with pytest.raises(ActionError, match="VMs have their disks in it"):
        cloud.client.call("one.datastore.delete", int(datastore_id))
    cloud.act("terminate-hard", vm_id)
    cloud.settle(vm_id, DONE)


@pytest.mark.parametrize(("live", "kind"), [(True, 0), (False, 0), (False, 1), (False, 2)])
def test_a_migration_moves_the_guest_and_its_capacity(cloud: Cloud, live: bool, kind: int) -> None:
    vm_id = cloud.running_vm()
    cloud.client.call("one.vm.migrate", vm_id, cloud.host_ids[1], live, False, -1, kind)
    cloud.wait_until(lambda: cloud.usage(0)[0] == "0" and cloud.place(vm_id) == RUNNING, "the move")
    assert cloud.usage(1) == ["1", "50", "65536"]
    cloud.act("terminate-hard", vm_id)
    cloud.settle(vm_id, DONE)


def test_a_transfer_that_fails_in_a_migration_can_be_given_up(cloud: Cloud) -> None:
    vm_id = cloud.running_vm()
    cloud.behave({"tm/MV": {"failure_rate": 1.0}})
    cloud.client.call("one.vm.migrate", vm_id, cloud.host_ids[1], False, False, -1, 0)
    cloud.settle(vm_id, (VmState.ACTIVE, LcmState.PROLOG_MIGRATE_FAILURE))
    cloud.behave({})
    cloud.client.call("one.vm.recover", vm_id, 0)
    cloud.settle(vm_id, RUNNING)
    assert (cloud.usage(0)[0], cloud.usage(1)[0]) == ("1", "0")
    cloud.act("terminate-hard", vm_id)
    cloud.settle(vm_id, DONE)
    assert (cloud.usage(0), cloud.usage(1)) == (["0", "0", "0"], ["0", "0", "0"])


def test_terminate_hard_does_not_wait_for_a_shutdown_that_hangs(cloud: Cloud) -> None:
    vm_id = cloud.running_vm()
    cloud.behave({"vmm/SHUTDOWN": {"hang": True}})
    cloud.act("terminate", vm_id)
    cloud.settle(vm_id, (VmState.ACTIVE, LcmState.SHUTDOWN))
    cloud.act("terminate-hard", vm_id)
    cloud.settle(vm_id, DONE)


def test_a_guest_that_went_off_by_itself_is_seen(cloud: Cloud) -> None:
    vm_id = cloud.running_vm()
    guest = next((cloud.location / "var/dummy/hosts/h1").glob(f"one-{vm_id}.json"))
    guest.unlink()
    cloud.settle(vm_id, POWEROFF)
    cloud.act("terminate", vm_id)
    cloud.settle(vm_id, DONE)


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ("CPU=none", "CPU attribute must be a positive float"),
        ("MEMORY=-3", "MEMORY attribute must be a positive"),
        ("DISK=[IMAGE_ID=999]", "Error getting image"),
        ("DISK=[TYPE=fs]", "needs SIZE"),
        ('DISK=[TYPE=fs,SIZE=1,FORMAT="raw\nDELETE x"]', "single words"),
        ("NIC=[NETWORK_ID=999]", "Error getting virtual network"),
        ("NIC_ALIAS=[NETWORK_ID=0,PARENT=NIC0]", "NIC_ALIAS is not supported"),
        ("NIC=[NETWORK=nosuch]", "does not own a network"),
    ],
)
def test_a_wrong_template_is_refused_and_takes_nothing(cloud: Cloud, more: str, text: str) -> None:
    leases = cloud.document("vn", cloud.network_id).findtext("USED_LEASES")
    base = "".join(line for line in ("CPU=1\n", "MEMORY=64\n") if not more.startswith(line.partition("=")[0]))
    with pytest.raises(Exception, match=text):
        cloud.client.call("one.vm.allocate", f"{base}NIC=[NETWORK_ID={cloud.network_id}]\n{more}\n", False)
    assert cloud.document("vn", cloud.network_id).findtext("USED_LEASES") == leases


def test_a_requested_address_is_given_once(cloud: Cloud) -> None:
    nic = f'NIC=[NETWORK_ID={cloud.network_id},IP="10.0.0.40"]'
    text = f"CPU=1\nMEMORY=64\n{nic}\n"
    vm_id = cloud.client.integer("one.vm.allocate", text, True)
    assert cloud.document("vm", vm_id).findtext("TEMPLATE/NIC/MAC") == "02:00:0a:00:00:28"
    with pytest.raises(InternalError, match=r"10\.0\.0\.40 is taken"):
        cloud.client.call("one.vm.allocate", text, True)
    cloud.act("terminate", vm_id)
    assert cloud.client.integer("one.vm.allocate", text, True) > vm_id


def test_a_persistent_image_is_for_one_vm_at_a_time(cloud: Cloud) -> None:
    image_id = cloud.make_image("mine", "PERSISTENT=YES")
    text = f"CPU=1\nMEMORY=64\nDISK=[IMAGE_ID={image_id}]\n"
    vm_id = cloud.client.integer("one.vm.allocate", text, True)
    with pytest.raises(ActionError, match="one VM at a time"):
        cloud.client.call("one.vm.allocate", text, True)
    assert cloud.state("image", image_id) == "8"
    cloud.act("terminate", vm_id)
    assert cloud.state("image", image_id) == "1"


def test_a_vm_waits_for_an_image_that_is_being_copied(cloud: Cloud) -> None:
    cloud.behave({"datastore/CP": {"delay_s": 0.7}})
    image_id = cloud.client.integer("one.image.allocate", "NAME=slow\nPATH=/any/image\n", cloud.datastore_id)
    vm_id = cloud.client.integer("one.vm.allocate", f"CPU=1\nMEMORY=64\nDISK=[IMAGE_ID={image_id}]\n", False)
    assert cloud.place(vm_id) == (VmState.CLONING, INIT)
    cloud.settle(vm_id, PENDING)
    assert cloud.document("vm", vm_id).findtext("TEMPLATE/DISK/SOURCE")
    cloud.act("terminate", vm_id)


def test_the_context_has_the_addresses_and_the_variables(cloud: Cloud) -> None:
    more = (
        f'NIC=[NETWORK_ID={cloud.network_id}]\nCONTEXT=[NETWORK=YES,WHO="$NAME",WHERE="$NIC[IP]",Q="it\'s"]'
    )
    vm_id = cloud.client.integer("one.vm.allocate", f"NAME=ctx\nCPU=1\nMEMORY=64\n{more}\n", False)
    cloud.deploy(vm_id)
    cloud.settle(vm_id, RUNNING)
    ip = cloud.document("vm", vm_id).findtext("TEMPLATE/NIC/IP", "")
    lines = (cloud.location / f"var/vms/{vm_id}/context.sh").read_text().splitlines()
    for line in (
        f"ETH0_IP='{ip}'",
        "ETH0_MASK='255.255.255.0'",
        "WHO='ctx'",
        f"WHERE='{ip}'",
        "Q='it'\\''s'",
    ):
        assert line in lines
    cloud.act("terminate-hard", vm_id)
    cloud.settle(vm_id, DONE)


def test_a_plain_user_may_not_set_what_is_restricted(cloud: Cloud) -> None:
    cloud.client.call("one.user.allocate", "alice", "wonder", "core", [])
    cloud.client.call("one.image.chmod", cloud.image_id, -1, -1, -1, -1, -1, -1, 1, -1, -1)
    endpoint = cloud.client.endpoint
    from_alice = type(cloud.client)(endpoint, "alice:wonder")
    with pytest.raises(AuthorizationError, match="restricted attribute RAW"):
        from_alice.call("one.vm.allocate", 'CPU=1\nMEMORY=64\nRAW=[TYPE=kvm,DATA="x"]\n', False)
    vm_id = from_alice.integer(
        "one.vm.allocate", f"CPU=1\nMEMORY=64\nDISK=[IMAGE_ID={cloud.image_id}]\n", True
    )
    with pytest.raises(AuthorizationError, match="Not authorized to perform ADMIN VM"):
        from_alice.call("one.vm.deploy", vm_id, cloud.host_ids[0], False, -1, "")
    with pytest.raises(AuthorizationError, match="Not authorized to perform ADMIN VM"):
        from_alice.call("one.vm.action", "resched", vm_id)
    from_alice.call("one.vm.action", "terminate", vm_id)
    from_alice.close()


def test_a_disk_is_opened_as_what_its_image_is(cloud: Cloud) -> None:
    disk = f"DISK=[IMAGE_ID={cloud.image_id},DRIVER=qcow2]\nDISK=[TYPE=fs,SIZE=1,FORMAT=raw,DRIVER=qcow2]"
    vm_id = cloud.client.integer("one.vm.allocate", f"CPU=1\nMEMORY=64\n{disk}\n", True)
    drivers = [each.text for each in cloud.document("vm", vm_id).findall("TEMPLATE/DISK/DRIVER")]
    assert drivers == ["raw", "raw"]
    cloud.act("terminate", vm_id)


def test_a_nic_does_not_switch_its_networks_filters_off(cloud: Cloud) -> None:
    addresses = "FILTER_IP_SPOOFING=YES\nAR=[TYPE=IP4,IP=10.1.0.2,SIZE=5]\n"
    network_id = cloud.client.integer(
        "one.vn.allocate", f"NAME=kept\nVN_MAD=dummy\nBRIDGE=br1\n{addresses}", -1
    )
    nic = f"NIC=[NETWORK_ID={network_id},FILTER_IP_SPOOFING=NO,PHYDEV=eth9]\n"
    vm_id = cloud.client.integer("one.vm.allocate", f"CPU=1\nMEMORY=64\n{nic}", True)
    document = cloud.document("vm", vm_id)
    assert document.findtext("TEMPLATE/NIC/FILTER_IP_SPOOFING") == "YES"
    assert document.find("TEMPLATE/NIC/PHYDEV") is None
    cloud.act("terminate", vm_id)
