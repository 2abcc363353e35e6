from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest

from opennebula_core.errors import DriverError
from opennebula_core.wire.dialects.vmm import OwnVmmDialect, XmlVmmDialect, vmm_dialect
from opennebula_core.wire.framing import Answer, LogLine, parse_answer
from opennebula_core.wire.requests import VmmRequest

VM = "<VM><ID>7</ID><TEMPLATE><NIC><VN_MAD><![CDATA[ebtables]]></VN_MAD></NIC></TEMPLATE></VM>"
WORDS = ("1.4-vmm-kvm", "2.0-vmm", "2.2-vmm", "3.0-vmm")
XML = [f"{release}-vmm-{kind}" for release in ("3.2", "3.4", "3.8", "4.4", "5.12", "6.10", "7.4")
       for kind in ("dummy", "exec")]  # fmt: skip


def release_of(name: str) -> tuple[int, int]:
    major, minor = name.partition("-")[0].split(".")[:2]
    return int(major), int(minor)


def xml_dialect(release: tuple[int, int]) -> XmlVmmDialect:
    dialect = vmm_dialect(release)
    assert isinstance(dialect, XmlVmmDialect)
    return dialect


def request_from(action: str, vm_id: int, document: str) -> VmmRequest:
    """Return the request that a recorded payload says; long payloads are cut off within the VM."""
    head, begin, rest = document.partition("<VM>")
    vm, end, store = rest.partition("</VM>")
    root = ElementTree.fromstring(f"{head}</VMM_DRIVER_ACTION_DATA>")
    text = {child.tag: child.text or "" for child in root}
    group, network = text.get("SECURITY_GROUP_ID"), text.get("VIRTUAL_NETWORK_ID")
    return VmmRequest(
        action,
        vm_id,
        text["HOST"],
        f"{begin}{vm}{end}",
        datastore_xml=store.removesuffix("</VMM_DRIVER_ACTION_DATA>"),
        migr_host=text["MIGR_HOST"],
        deploy_id=text["DEPLOY_ID"],
        local_deployment_file=text["LOCAL_DEPLOYMENT_FILE"],
        remote_deployment_file=text["REMOTE_DEPLOYMENT_FILE"],
        checkpoint_file=text["CHECKPOINT_FILE"],
        tm_command=text.get("TM_COMMAND", ""),
        tm_command_rollback=text.get("TM_COMMAND_ROLLBACK", ""),
        disk_target_path=text.get("DISK_TARGET_PATH", ""),
        security_group_id=int(group) if group else None,
        virtual_network_id=int(network) if network else None,
    )


def test_requests_are_those_of_the_6_10_core_to_the_letter(transcript: Callable[[str], Any]) -> None:
    dialect = xml_dialect((6, 10))
    compared = 0
    for exchange in transcript("6.10.5-core-requests").exchanges:
        document = exchange.payload
        if not document.startswith("<VMM_DRIVER_ACTION_DATA>"):
            continue
        action, vm_id = exchange.request.split()[:2]
        request = request_from(action, int(vm_id), document)
        assert dialect.payload(request).startswith(document)
        assert dialect.encode(request).startswith(exchange.request.partition(" ...(cut, ")[0])
        compared += 1

    assert compared > 25


@pytest.mark.parametrize("name", XML)
def test_requests_of_each_release_say_the_same_as_the_recorded_ones(
    name: str, transcript: Callable[[str], Any], decoded: Callable[[str], str]
) -> None:
    dialect = xml_dialect(release_of(name))
    for line in transcript(name).requests:
        words = line.split()
        if len(words) != 3 or words[0] not in dialect.actions or words[0] == "DRIVER_CANCEL":
            continue
        document = decoded(words[2])
        ours = dialect.payload(request_from(words[0], int(words[1]), document))

        recorded_tags = [child.tag for child in ElementTree.fromstring(document)]
        our_tags = [child.tag for child in ElementTree.fromstring(ours)]
        assert set(our_tags) <= {*recorded_tags, "DATASTORE", "MIGR_NET_DRV", "NET_DRV"}
        assert [tag for tag in recorded_tags if tag in our_tags] == our_tags


@pytest.mark.parametrize("name", WORDS)
def test_word_requests_are_the_recorded_ones_to_the_letter(
    name: str, transcript: Callable[[str], Any]
) -> None:
    dialect = vmm_dialect(release_of(name))
    compared = 0
    for line in transcript(name).requests:
        words = line.split()
        if len(words) != 5 or words[0] not in dialect.actions:
            continue
        action, vm_id, host, first, second = words
        request = VmmRequest(
            action,
            int(vm_id),
            host,
            VM,
            remote_deployment_file=first,
            deploy_id=first,
            checkpoint_file=second,
            migr_host=second,
        )
        assert dialect.encode(request) == line
        compared += 1

    assert compared >= 4


def test_restore_of_1_2_names_the_file_alone() -> None:
    request = VmmRequest("RESTORE", 7, "host01", VM, deploy_id="one-7", checkpoint_file="/x/checkpoint")

    assert vmm_dialect((1, 2)).encode(request) == "RESTORE 7 host01 /x/checkpoint -"
    assert vmm_dialect((1, 4)).encode(request) == "RESTORE 7 host01 one-7 /x/checkpoint"


@pytest.mark.parametrize("name", [*WORDS, *XML])
def test_all_recorded_answers_are_understood(name: str, transcript: Callable[[str], Any]) -> None:
    dialect = vmm_dialect(release_of(name))
    for line in transcript(name).answers:
        parsed = parse_answer(line)
        assert parsed is not None, line
        if isinstance(parsed, LogLine):
            assert dialect.decode_log(parsed).object_id in (7, 8, 9)
        else:
            reply = dialect.decode(VmmRequest(parsed.action, 7, "host01", VM), parsed)
            assert reply.success == (line.split()[1] == "SUCCESS")
            assert reply.info != "-"


@pytest.mark.parametrize(
    ("line", "deploy_id"),
    [
        ("DEPLOY SUCCESS 7 one-7", "one-7"),
        ("DEPLOY SUCCESS 7 8441c928-0f86-809f-aa54-31157f0120de", "8441c928-0f86-809f-aa54-31157f0120de"),
    ],
)
def test_the_info_of_deploy_is_the_deploy_id(line: str, deploy_id: str) -> None:
    answer = parse_answer(line)
    assert isinstance(answer, Answer)

    assert vmm_dialect((6, 10)).decode(VmmRequest("DEPLOY", 7, "host01", VM), answer).info == deploy_id


def test_before_5_0_the_network_driver_is_named_and_the_datastore_is_not() -> None:
    request = VmmRequest("MIGRATE", 7, "host01", VM, "<DATASTORE/>", migr_host="host02", deploy_id="one-7")

    assert xml_dialect((3, 2)).payload(request) == (
        "<VMM_DRIVER_ACTION_DATA><HOST>host01</HOST><NET_DRV>ebtables</NET_DRV><MIGR_HOST>host02</MIGR_HOST>"
        "<MIGR_NET_DRV>ebtables</MIGR_NET_DRV><DEPLOY_ID>one-7</DEPLOY_ID><LOCAL_DEPLOYMENT_FILE/>"
        f"<REMOTE_DEPLOYMENT_FILE/><CHECKPOINT_FILE/>{VM}</VMM_DRIVER_ACTION_DATA>"
    )


def test_transfer_lines_are_in_the_words_of_the_release() -> None:
    request = VmmRequest(
        "ATTACHDISK", 7, "host01", VM, tm_command_rollback="DELETE.ssh shared host01:/x/disk.3 7 1\n"
    )

    assert "<![CDATA[DELETE shared host01:/x/disk.3 7 1\n]]>" in xml_dialect((4, 4)).payload(request)
    assert "<![CDATA[DELETE.ssh shared host01:/x/disk.3 7 1\n]]>" in xml_dialect((5, 12)).payload(request)


def test_values_cannot_break_out_of_the_document() -> None:
    request = VmmRequest("POLL", 7, "<host>&", VM, deploy_id="</DEPLOY_ID>", tm_command="a ]]> b\n")
    root = ElementTree.fromstring(OwnVmmDialect().payload(request))

    assert root.findtext("HOST") == "<host>&"
    assert root.findtext("DEPLOY_ID") == "</DEPLOY_ID>"
    assert root.findtext("TM_COMMAND") == "a ]]> b\n"


def test_our_own_drivers_learn_the_attempt_and_the_host() -> None:
    request = VmmRequest("DESCRIBE", 7, "host01", VM, host_xml="<HOST><ID>3</ID></HOST>", attempt=2)
    payload = OwnVmmDialect().payload(request)

    assert payload.endswith(
        "<HOST_DOCUMENT><HOST><ID>3</ID></HOST></HOST_DOCUMENT><ATTEMPT>2</ATTEMPT></VMM_DRIVER_ACTION_DATA>"
    )
    foreign = xml_dialect((6, 10)).payload(VmmRequest("CANCEL", 7, "h", VM, attempt=2))
    assert "<ATTEMPT>" not in foreign


@pytest.mark.parametrize(
    ("release", "action"),
    [((3, 0), "REBOOT"), ((3, 4), "ATTACHDISK"), ((3, 8), "ATTACHNIC"), ((6, 10), "DESCRIBE")],
)
def test_an_action_that_the_release_lacks_is_refused(release: tuple[int, int], action: str) -> None:
    with pytest.raises(DriverError, match=f"{action} of VM 7: drivers of OpenNebula"):
        vmm_dialect(release).encode(VmmRequest(action, 7, "host01", VM))


def test_a_word_with_a_blank_is_refused() -> None:
    with pytest.raises(DriverError, match="holds a blank"):
        vmm_dialect((2, 0)).encode(VmmRequest("POLL", 7, "host 01", VM, deploy_id="one-7"))


def test_only_looking_and_removing_are_safe_to_repeat() -> None:
    assert vmm_dialect((2, 0)).resend_safe == {"POLL"}
    assert vmm_dialect((4, 4)).resend_safe == {"POLL", "CLEANUP"}
    assert vmm_dialect((6, 10)).resend_safe == {"POLL", "CLEANUP", "CANCEL"}


def test_from_6_0_the_status_word_is_empty() -> None:
    assert vmm_dialect((5, 12)).cancel(9) == "DRIVER_CANCEL 9"
    assert vmm_dialect((6, 10)).cancel(0) == "DRIVER_CANCEL  0 "
