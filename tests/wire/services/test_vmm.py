from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from opennebula_core.contracts.vmm import GuestState
from opennebula_core.wire.dialects.vmm import OwnVmmDialect
from opennebula_core.wire.requests import VmmRequest
from opennebula_core.wire.services.vmm import VmmService

NICS = (
    "<NIC><NIC_ID>0</NIC_ID><VN_MAD>rec</VN_MAD></NIC>"
    "<NIC><NIC_ID>1</NIC_ID><VN_MAD>other</VN_MAD></NIC>"
    "<NIC><NIC_ID>2</NIC_ID></NIC>"
    "<NIC><NIC_ID>3</NIC_ID><VN_MAD>rec</VN_MAD></NIC>"
)
VM = (
    f"<VM><ID>7</ID><NAME>web 1</NAME><TEMPLATE><CPU>0.5</CPU><MEMORY>128</MEMORY>{NICS}</TEMPLATE>"
    "<USER_TEMPLATE><COLOUR>red</COLOUR></USER_TEMPLATE></VM>"
)
STORE = "<DATASTORE><ID>0</ID><BASE_PATH>/ds//0</BASE_PATH></DATASTORE>"
CONTEXT = "CONTEXT rec /v/context.sh host01:/ds/0/7/disk.1 7 0\n"
MIGRATE = "MIGRATE rec host01 host02 /ds/0/7 7 0\n"
REQUEST = VmmRequest("DEPLOY", 7, "host01", VM, STORE)

PRE, POST, CLEAN = ([f"{name} host01 rec:0,3", f"{name} host01 other:1"] for name in ("pre", "post", "clean"))
CONTEXT_STEP = "context [('/v/context.sh', 'context.sh')] host01:/ds/0/7/disk.1"

Serve = Callable[..., Any]


def line(**changes: Any) -> str:
    return OwnVmmDialect().encode(replace(REQUEST, **changes))


@pytest.fixture
def description(tmp_path: Path) -> Path:
    file = tmp_path / "deployment.0"
    file.write_text("<domain/>")
    return file


async def test_deploy_runs_context_network_and_hypervisor_in_order(
    serve: Serve, steps: list[str], description: Path
) -> None:
    driven = serve(VmmService, "rec")

    answer = await driven.ask(line(local_deployment_file=str(description), tm_command=CONTEXT))

    assert answer == "DEPLOY SUCCESS 7 one-7"
    assert steps == [CONTEXT_STEP, *PRE, "deploy host01 <domain/>", *POST]
    assert driven.logs == [
        "Successfully execute transfer manager driver operation: tm_context.",
        "Successfully execute network driver operation: pre.",
        "Successfully execute virtualization driver operation: deploy.",
        "Successfully execute network driver operation: post.",
    ]


async def test_the_guest_is_what_the_request_says(serve: Serve, steps: list[str], recording_vmm: Any) -> None:
    await serve(VmmService, "rec").ask(line(attempt=3))

    guest = recording_vmm.guests[0]
    assert (guest.vm_id, guest.name, guest.host, guest.attempt) == (7, "web 1", "host01", 3)
    assert guest.directory == "/ds/0/7"
    assert guest.template.get("CPU") == "0.5"
    assert guest.user_template.get("COLOUR") == "red"
    assert guest.document.findtext("NAME") == "web 1"
    assert guest.datastore.findtext("BASE_PATH") == "/ds//0"


async def test_the_folder_is_that_of_the_files_that_the_core_names(
    serve: Serve, steps: list[str], recording_vmm: Any
) -> None:
    await serve(VmmService, "rec").ask(line(remote_deployment_file="/elsewhere/0/7/deployment.0"))

    assert recording_vmm.guests[0].directory == "/elsewhere/0/7"


async def test_deploy_without_a_file_describes_the_guest_itself(serve: Serve, steps: list[str]) -> None:
    await serve(VmmService, "rec").ask(line())

    assert any(step.startswith("deploy host01 CPU") for step in steps)


async def test_a_missing_description_is_a_failure_before_anything_is_done(
    serve: Serve, steps: list[str]
) -> None:
    answer = await serve(VmmService, "rec").ask(line(local_deployment_file="/no/such", tm_command=CONTEXT))

    assert answer.startswith("DEPLOY FAILURE 7 cannot open deployment file '/no/such'")
    assert steps == []


@pytest.mark.parametrize(
    ("fails", "expected"),
    [
        ("context", [CONTEXT_STEP]),
        ("pre", [CONTEXT_STEP, PRE[0], *CLEAN]),
        ("deploy", [CONTEXT_STEP, *PRE, "deploy host01 <domain/>", *CLEAN]),
        (
            "post",
            [CONTEXT_STEP, *PRE, "deploy host01 <domain/>", POST[0], "cancel host01 one-7", *CLEAN],
        ),
    ],
)
async def test_a_failed_deploy_leaves_neither_guest_nor_network(
    fails: str, expected: list[str], serve: Serve, steps: list[str], failing: set[str], description: Path
) -> None:
    failing.add(fails)
    driven = serve(VmmService, "rec")

    answer = await driven.ask(line(local_deployment_file=str(description), tm_command=CONTEXT))

    assert answer.startswith(f"DEPLOY FAILURE 7 {fails} ")
    assert answer.endswith("was told to fail")
    assert steps == expected


async def test_what_failed_is_in_the_log(serve: Serve, steps: list[str], failing: set[str]) -> None:
    failing.add("deploy")
    driven = serve(VmmService, "rec")

    await driven.ask(line())

    assert "Failed to execute virtualization driver operation: deploy." in driven.logs


@pytest.mark.parametrize(
    ("action", "first"), [("SHUTDOWN", "shutdown host01"), ("CANCEL", "cancel host01 one-7")]
)
async def test_ending_a_guest_cleans_the_network(
    action: str, first: str, serve: Serve, steps: list[str]
) -> None:
    answer = await serve(VmmService, "rec").ask(line(action=action, deploy_id="one-7"))

    assert answer == f"{action} SUCCESS 7 -"
    assert steps == [first, *CLEAN]


async def test_a_guest_that_does_not_end_keeps_its_network(
    serve: Serve, steps: list[str], failing: set[str]
) -> None:
    failing.add("shutdown")

    answer = await serve(VmmService, "rec").ask(line(action="SHUTDOWN"))

    assert answer == "SHUTDOWN FAILURE 7 shutdown host01 was told to fail"
    assert steps == ["shutdown host01"]


async def test_save_and_restore(serve: Serve, steps: list[str]) -> None:
    driven = serve(VmmService, "rec")

    assert await driven.ask(line(action="SAVE", checkpoint_file="/ds/0/7/checkpoint")) == "SAVE SUCCESS 7 -"
    assert steps == ["save /ds/0/7/checkpoint", *CLEAN]
    steps.clear()
    answer = await driven.ask(
        line(action="RESTORE", checkpoint_file="/ds/0/7/checkpoint", tm_command=CONTEXT)
    )
    assert answer == "RESTORE SUCCESS 7 one-7"
    assert steps == [CONTEXT_STEP, *PRE, "restore /ds/0/7/checkpoint", *POST]


async def test_migrate_prepares_the_destination_and_clears_the_source(serve: Serve, steps: list[str]) -> None:
    answer = await serve(VmmService, "rec").ask(
        line(action="MIGRATE", migr_host="host02", tm_command=MIGRATE)
    )

    assert answer == "MIGRATE SUCCESS 7 -"
    assert steps == [
        "premigrate host01 host02 /ds/0/7 7",
        "pre host02 rec:0,3",
        "pre host02 other:1",
        "migrate host01 host02",
        *CLEAN,
        "post host02 rec:0,3",
        "post host02 other:1",
        "postmigrate",
    ]


@pytest.mark.parametrize("fails", ["premigrate", "pre", "migrate"])
async def test_a_failed_migration_leaves_nothing_on_the_destination(
    fails: str, serve: Serve, steps: list[str], failing: set[str], states: dict[str, GuestState]
) -> None:
    failing.add(fails)
    states["host02"] = GuestState.POWEROFF

    answer = await serve(VmmService, "rec").ask(
        line(action="MIGRATE", migr_host="host02", tm_command=MIGRATE)
    )

    assert answer.startswith(f"MIGRATE FAILURE 7 {fails}")
    assert steps[-3:] == ["failmigrate", "clean host02 rec:0,3", "clean host02 other:1"]
    assert not any(step.startswith("clean host01") for step in steps)


@pytest.mark.parametrize("state", [GuestState.RUNNING, GuestState.UNKNOWN])
async def test_a_destination_on_which_the_guest_may_be_keeps_its_files(
    state: GuestState, serve: Serve, steps: list[str], failing: set[str], states: dict[str, GuestState]
) -> None:
    failing.add("migrate")
    states["host02"] = state

    answer = await serve(VmmService, "rec").ask(
        line(action="MIGRATE", migr_host="host02", tm_command=MIGRATE)
    )

    assert answer.startswith("MIGRATE FAILURE 7 migrate")
    assert steps[-2:] == ["migrate host01 host02", "poll"]


async def test_a_destination_that_does_not_answer_keeps_its_files(
    serve: Serve, steps: list[str], failing: set[str]
) -> None:
    failing.update({"migrate", "poll"})

    await serve(VmmService, "rec").ask(line(action="MIGRATE", migr_host="host02", tm_command=MIGRATE))

    assert steps[-2:] == ["migrate host01 host02", "poll"]


async def test_a_migration_that_happened_is_a_success_whatever_follows(
    serve: Serve, steps: list[str], failing: set[str]
) -> None:
    failing.update({"clean", "post", "postmigrate"})
    driven = serve(VmmService, "rec")

    answer = await driven.ask(line(action="MIGRATE", migr_host="host02", tm_command=MIGRATE))

    assert answer == "MIGRATE SUCCESS 7 -"
    assert "postmigrate was told to fail" in driven.logs


async def test_cleanup_removes_what_there_is_on_both_hosts_whatever_fails(
    serve: Serve, steps: list[str], failing: set[str]
) -> None:
    failing.update({"cancel", "clean", "delete host01:/ds/0/7/disk.0"})
    lines = "DELETE rec host01:/ds/0/7/disk.0 7 1\nDELETE rec host01:/ds/0/7 7 0\n"

    answer = await serve(VmmService, "rec").ask(
        line(action="CLEANUP", deploy_id="one-7", migr_host="host02", tm_command=lines)
    )

    assert answer == "CLEANUP SUCCESS 7 -"
    assert steps == [
        "cancel host01 one-7",
        "cancel host02 one-7",
        "clean host01 rec:0,3",
        "clean host02 rec:0,3",
        "delete host01:/ds/0/7/disk.0",
        "delete host01:/ds/0/7",
    ]


DISK_VM = VM.replace("<CPU>", "<DISK><DISK_ID>3</DISK_ID><ATTACH>YES</ATTACH></DISK><CPU>")
NIC_VM = VM.replace("<NIC_ID>3</NIC_ID>", "<NIC_ID>3</NIC_ID><ATTACH>YES</ATTACH>")
ATTACH = {
    "vm_xml": DISK_VM,
    "tm_command": "MKIMAGE rec 10 raw host01:/ds/0/7/disk.3 7 0\n",
    "tm_command_rollback": "DELETE.ssh rec host01:/ds/0/7/disk.3 7 0\n",
    "disk_target_path": "/ds/0/7/disk.3",
}


async def test_attach_disk_transfers_first(serve: Serve, steps: list[str]) -> None:
    answer = await serve(VmmService, "rec").ask(line(action="ATTACHDISK", **ATTACH))

    assert answer == "ATTACHDISK SUCCESS 7 -"
    assert steps == ["make_image 10 raw host01:/ds/0/7/disk.3", "attach_disk 3 /ds/0/7/disk.3"]


async def test_a_disk_that_cannot_be_attached_is_removed(
    serve: Serve, steps: list[str], failing: set[str]
) -> None:
    failing.add("attach_disk")

    answer = await serve(VmmService, "rec").ask(line(action="ATTACHDISK", **ATTACH))

    assert answer.startswith("ATTACHDISK FAILURE 7 attach_disk 3")
    assert steps[-1] == "delete host01:/ds/0/7/disk.3"


async def test_a_disk_that_an_earlier_attempt_has_plugged_in_is_left_alone(
    serve: Serve, steps: list[str], plugged: set[str]
) -> None:
    plugged.add("3")

    answer = await serve(VmmService, "rec").ask(line(action="ATTACHDISK", attempt=2, **ATTACH))

    assert answer == "ATTACHDISK SUCCESS 7 -"
    assert steps == []


async def test_the_file_of_a_disk_that_the_guest_holds_on_to_stays(
    serve: Serve, steps: list[str], failing: set[str], plugged: set[str]
) -> None:
    failing |= {"attach_disk", "detach_disk"}
    plugged.add("3")

    answer = await serve(VmmService, "rec").ask(line(action="ATTACHDISK", **ATTACH))

    assert answer.startswith("ATTACHDISK FAILURE 7 attach_disk 3")
    assert steps[-1] == "detach_disk 3"


async def test_detach_disk_transfers_last(serve: Serve, steps: list[str]) -> None:
    answer = await serve(VmmService, "rec").ask(
        line(action="DETACHDISK", vm_xml=DISK_VM, tm_command="DELETE rec host01:/ds/0/7/disk.3 7 0\n")
    )

    assert answer == "DETACHDISK SUCCESS 7 -"
    assert steps == ["detach_disk 3", "delete host01:/ds/0/7/disk.3"]


async def test_attach_nic_touches_that_nic_alone(serve: Serve, steps: list[str]) -> None:
    answer = await serve(VmmService, "rec").ask(line(action="ATTACHNIC", vm_xml=NIC_VM, tm_command=CONTEXT))

    assert answer == "ATTACHNIC SUCCESS 7 -"
    assert steps == ["pre host01 rec:3", "attach_nic 3", "post host01 rec:3", CONTEXT_STEP]


async def test_a_nic_that_cannot_be_attached_leaves_nothing(
    serve: Serve, steps: list[str], failing: set[str]
) -> None:
    failing.add("attach_nic")

    answer = await serve(VmmService, "rec").ask(line(action="ATTACHNIC", vm_xml=NIC_VM))

    assert answer.startswith("ATTACHNIC FAILURE 7")
    assert steps == ["pre host01 rec:3", "attach_nic 3", "detach_nic 3", "clean host01 rec:3"]


async def test_new_rules_reach_the_nics_that_have_the_group(
    serve: Serve, steps: list[str], failing: set[str]
) -> None:
    """The core finds the group in the first word of the answer, whatever became of it."""
    groups = "<SECURITY_GROUPS>0,100</SECURITY_GROUPS>"
    request = line(
        action="UPDATESG", vm_xml=VM.replace("<NIC_ID>3", f"{groups}<NIC_ID>3"), security_group_id=100
    )

    assert await serve(VmmService, "rec").ask(request) == "UPDATESG SUCCESS 7 100"
    assert steps == ["update_sg host01 rec:3"]

    failing.add("update_sg")
    answer = await serve(VmmService, "rec").ask(request)
    assert answer.startswith("UPDATESG FAILURE 7 100 update_sg host01 rec:3 was told to fail")


async def test_detach_nic_cleans_that_nic_alone(serve: Serve, steps: list[str]) -> None:
    await serve(VmmService, "rec").ask(line(action="DETACHNIC", vm_xml=NIC_VM, tm_command=CONTEXT))

    assert steps == ["detach_nic 3", "clean host01 rec:3", CONTEXT_STEP]


async def test_a_hot_plug_of_nothing_is_refused(serve: Serve, steps: list[str]) -> None:
    answer = await serve(VmmService, "rec").ask(line(action="ATTACHDISK"))

    assert "no DISK of its template is marked ATTACH=YES" in answer
    assert steps == []


async def test_update_conf_makes_the_context_anew(serve: Serve, steps: list[str]) -> None:
    await serve(VmmService, "rec").ask(line(action="UPDATECONF", tm_command=CONTEXT))

    assert steps == [CONTEXT_STEP]


async def test_the_guest_is_given_its_new_context_cd(serve: Serve, steps: list[str]) -> None:
    vm = VM.replace("<CPU>", "<CONTEXT><DISK_ID>1</DISK_ID><TARGET>hda</TARGET></CONTEXT><CPU>")

    await serve(VmmService, "rec").ask(line(action="UPDATECONF", vm_xml=vm, tm_command=CONTEXT))

    assert steps == [CONTEXT_STEP, "reconfigure /ds/0/7/disk.1"]


GROWN = DISK_VM.replace("<ATTACH>YES</ATTACH>", "<RESIZE>YES</RESIZE><SIZE>2048</SIZE>")
SNAPPED = VM.replace(
    "<CPU>",
    "<SNAPSHOT><SNAPSHOT_ID>0</SNAPSHOT_ID><HYPERVISOR_ID>snap-0</HYPERVISOR_ID></SNAPSHOT>"
    "<SNAPSHOT><SNAPSHOT_ID>1</SNAPSHOT_ID><HYPERVISOR_ID>snap-1</HYPERVISOR_ID><ACTIVE>YES</ACTIVE></SNAPSHOT><CPU>",
)


async def test_what_a_guest_uses_is_grown_by_the_hypervisor_alone(serve: Serve, steps: list[str]) -> None:
    answer = await serve(VmmService, "rec").ask(
        line(action="RESIZEDISK", vm_xml=GROWN, tm_command="RESIZE rec host01:/ds/0/7/disk.3 2048 7 0\n")
    )

    assert answer == "RESIZEDISK SUCCESS 7 -"
    assert steps == ["resize_disk 3 2048"]


async def test_a_resize_hands_the_guest_over(serve: Serve, steps: list[str]) -> None:
    await serve(VmmService, "rec").ask(line(action="RESIZE"))

    assert steps == ["resize 128"]


async def test_a_snapshot_is_answered_with_its_name(serve: Serve, steps: list[str]) -> None:
    answer = await serve(VmmService, "rec").ask(line(action="SNAPSHOTCREATE", vm_xml=SNAPPED))

    assert answer == "SNAPSHOTCREATE SUCCESS 7 snap-1"
    assert steps == ["snapshot_create 1"]


@pytest.mark.parametrize("what", ["revert", "delete"])
async def test_the_marked_snapshot_is_meant(serve: Serve, steps: list[str], what: str) -> None:
    action = f"SNAPSHOT{what.upper()}"
    assert await serve(VmmService, "rec").ask(line(action=action, vm_xml=SNAPPED)) == f"{action} SUCCESS 7 -"

    assert steps == [f"snapshot_{what} snap-1"]


async def test_poll_answers_with_the_letter_of_the_state(serve: Serve, steps: list[str]) -> None:
    assert await serve(VmmService, "rec").ask(line(action="POLL")) == "POLL SUCCESS 7 STATE=p"


async def test_describe_answers_the_description_in_base64(serve: Serve, steps: list[str]) -> None:
    answer = await serve(VmmService, "rec").ask(line(action="DESCRIBE"))

    text = base64.b64decode(answer.split()[3]).decode()
    assert text.startswith("CPU") and "MEMORY" in text  # noqa: PT018  # one statement about one text


async def test_a_plain_method_works_too(serve: Serve, steps: list[str]) -> None:
    driven = serve(VmmService, "rec")

    assert await driven.ask(line(action="REBOOT")) == "REBOOT SUCCESS 7 -"
    assert steps == ["reboot"]
    assert driven.logs == ["Successfully execute virtualization driver operation: reboot."]


@pytest.mark.parametrize("action", ["DISKSNAPSHOTCREATE", "FROB"])
async def test_an_action_that_is_not_declared_is_refused_by_name(
    action: str, serve: Serve, steps: list[str]
) -> None:
    answer = await serve(VmmService, "rec").ask(f"{action}  7 {line().split()[2]}")

    assert answer.startswith(f"{action} FAILURE 7 {action} is not implemented by driver vmm/rec")


async def test_an_action_that_is_declared_and_missing_is_refused_by_name(
    serve: Serve, steps: list[str]
) -> None:
    answer = await serve(VmmService, "rec").ask(line(action="RESET"))

    assert answer == "RESET FAILURE 7 RESET is not implemented by driver vmm/rec"


@pytest.mark.parametrize(
    ("request_line", "reason"),
    [
        ("DEPLOY 7", "the payload is missing"),
        ("DEPLOY 7 !!!", "its payload is damaged"),
        (f"DEPLOY 7 {base64.b64encode(b'<A>').decode()}", "its payload is damaged"),
        (f"DEPLOY 7 {base64.b64encode(b'<!DOCTYPE a><A/>').decode()}", "its payload is damaged"),
        (f"DEPLOY 7 {base64.b64encode(b'<A><HOST>h</HOST></A>').decode()}", "its payload has no VM document"),
    ],
)
async def test_a_damaged_request_is_answered(
    request_line: str, reason: str, serve: Serve, steps: list[str]
) -> None:
    answer = await serve(VmmService, "rec").ask(request_line)

    assert answer.startswith("DEPLOY FAILURE 7")
    assert reason in answer


async def test_a_network_driver_that_is_missing_is_named(serve: Serve, steps: list[str]) -> None:
    vm = VM.replace("<VN_MAD>other", "<VN_MAD>nosuch")

    answer = await serve(VmmService, "rec").ask(line(vm_xml=vm))

    assert "Network driver 'nosuch' not available" in answer
    assert "deploy" not in " ".join(steps)


async def test_a_guest_without_networks_needs_no_network_driver(serve: Serve, steps: list[str]) -> None:
    await serve(VmmService, "rec").ask(line(vm_xml=VM.replace(NICS, ""), action="CANCEL", deploy_id="one-7"))

    assert steps == ["cancel host01 one-7"]
