from __future__ import annotations

import base64
from xml.etree.ElementTree import Element, fromstring

import pytest

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.connection import Change
from opennebula_core.errors import AuthorizationError, RequestError
from opennebula_core.model.states import HostState, LcmState, VmState
from opennebula_core.testing.cloud import Cloud

from .conftest import Script, add_hook, output, records, until_run

ECHO = 'echo "$@"'


def told(text: str) -> Element:
    """Return the document that a command was given."""
    return fromstring(base64.b64decode(text))


async def test_a_hook_on_a_state_is_told_the_vm_as_it_was_then(cloud: Cloud, script: Script) -> None:
    script("echo.sh", ECHO)
    hook_id = await add_hook(
        cloud, 'TYPE=state\nRESOURCE=VM\nON=PROLOG\nCOMMAND=echo.sh\nARGUMENTS="a $TEMPLATE b"'
    )
    vm_id = await cloud.run_vm(await cloud.add_host("h1"))
    (record,) = await until_run(cloud, hook_id)
    first, document, last = output(record).split()
    vm = told(document)
    assert (first, last, vm.tag, vm.findtext("ID")) == ("a", "b", "VM", str(vm_id))
    assert vm.findtext("LCM_STATE") == str(int(LcmState.PROLOG))
    assert vm.findtext("HISTORY_RECORDS/HISTORY/HOSTNAME") == "h1"
    assert record.findtext("ARGUMENTS") == f"a {document} b"
    assert record.findtext("REMOTE_HOST") is None


async def test_a_state_is_told_once_and_each_time_that_it_is_reached(cloud: Cloud, script: Script) -> None:
    script("echo.sh", ECHO)
    hook_id = await add_hook(cloud, "TYPE=state\nRESOURCE=VM\nSTATE=HOLD\nCOMMAND=echo.sh")
    vm_id = await cloud.add_vm()
    await cloud.act("hold", vm_id)  # it is held already
    await cloud.call("one.vm.rename", vm_id, "other")
    await until_run(cloud, hook_id, 1)
    await cloud.act("release", vm_id)
    await cloud.act("hold", vm_id)
    assert len(await until_run(cloud, hook_id, 2)) == 2


async def test_all_hooks_on_one_event_run(cloud: Cloud, script: Script) -> None:
    for name in ("one", "two", "three"):
        script(f"{name}.sh", f"echo {name}; exit {len(name) - 3}")
    ids = [
        await add_hook(cloud, f"TYPE=state\nRESOURCE=VM\nON=DONE\nCOMMAND={name}.sh", name)
        for name in ("one", "two", "three")
    ]
    await cloud.act("terminate", await cloud.add_vm())
    found = [(await until_run(cloud, hook_id))[0] for hook_id in ids]
    assert [output(record) for record in found] == ["one\n", "two\n", "three\n"]
    assert [record.findtext("EXECUTION_RESULT/CODE") for record in found] == ["0", "0", "2"]


async def test_hosts_images_and_networks_have_hooks_too(cloud: Cloud, script: Script) -> None:
    script("echo.sh", "cat")
    more = 'COMMAND=echo.sh\nARGUMENTS="$TEMPLATE"\nARGUMENTS_STDIN=yes'
    of_host = await add_hook(cloud, f"TYPE=state\nRESOURCE=HOST\nSTATE=DISABLED\n{more}", "host")
    of_image = await add_hook(cloud, f"TYPE=state\nRESOURCE=IMAGE\nSTATE=READY\n{more}", "image")
    of_network = await add_hook(cloud, f"TYPE=state\nRESOURCE=NET\nON=CREATE\n{more}", "network")
    host_id, image_id = await cloud.add_host("h1"), await cloud.add_image("debian")
    network_id = await cloud.add_network("private")
    await cloud.call("one.host.status", host_id, 1)
    host = told(output((await until_run(cloud, of_host))[0]))
    image = told(output((await until_run(cloud, of_image))[0]))
    network = told(output((await until_run(cloud, of_network))[0]))
    assert (network.tag, network.findtext("ID")) == ("VNET", str(network_id))
    assert (host.tag, host.findtext("NAME"), host.findtext("STATE")) == (
        "HOST",
        "h1",
        str(int(HostState.DISABLED)),
    )
    assert (image.tag, image.findtext("ID"), image.findtext("STATE")) == ("IMAGE", str(image_id), "1")


async def test_a_host_that_stays_monitored_is_told_once(cloud: Cloud, script: Script) -> None:
    script("echo.sh", ECHO)
    hook_id = await add_hook(cloud, "TYPE=state\nRESOURCE=HOST\nSTATE=MONITORED\nCOMMAND=echo.sh")
    host_id = await cloud.add_host("h1")
    monitoring = cloud.daemon.core.monitoring
    before = monitoring.of(ObjectKind.HOST, host_id)
    await cloud.until(lambda: monitoring.of(ObjectKind.HOST, host_id) is not before, "another report")
    await cloud.call("one.host.update", host_id, "A=1", 1)
    assert len(await until_run(cloud, hook_id)) == 1


async def test_a_hook_on_a_call_is_told_of_it_and_of_what_it_made(cloud: Cloud, script: Script) -> None:
    script("cat.sh", "cat")
    hook_id = await add_hook(
        cloud, 'TYPE=api\nCALL=one.vm.allocate\nCOMMAND=cat.sh\nARGUMENTS="$API"\nARGUMENTS_STDIN=yes'
    )
    vm_id = await cloud.add_vm('NOTE="a < b & c"')
    call = told(output((await until_run(cloud, hook_id))[0]))
    given = [item.findtext("VALUE") for item in call.findall("PARAMETERS/PARAMETER[TYPE='IN']")]
    returned = [item.findtext("VALUE") for item in call.findall("PARAMETERS/PARAMETER[TYPE='OUT']")]
    assert call.tag == "CALL_INFO"
    assert call.findtext("RESULT") == "1"
    assert given == ["****", 'CPU=0.5\nMEMORY=64\nNOTE="a < b & c"\n', "1"]
    assert returned == ["true", str(vm_id), "0"]
    assert call.findtext("EXTRA/VM/ID") == str(vm_id)


async def test_refused_and_reading_calls_are_told_too(cloud: Cloud, script: Script) -> None:
    script("cat.sh", "cat")
    rest = 'COMMAND=cat.sh\nARGUMENTS="$API"\nARGUMENTS_STDIN=yes'
    refused = await add_hook(cloud, f"TYPE=api\nCALL=one.vm.action\n{rest}", "refused")
    read = await add_hook(cloud, f"TYPE=api\nCALL=one.vm.info\n{rest}", "read")
    vm_id = await cloud.add_vm()
    with pytest.raises(RequestError):
        await cloud.act("resume", vm_id)
    call = told(output((await until_run(cloud, refused))[0]))
    assert call.findtext("RESULT") == "0"
    assert "not available for state HOLD" in call.findall("PARAMETERS/PARAMETER[TYPE='OUT']/VALUE")[1].text  # type: ignore[operator]
    await cloud.document("one.vm.info", vm_id)
    call = told(output((await until_run(cloud, read))[0]))
    assert f"<ID>{vm_id}</ID>" in (call.findall("PARAMETERS/PARAMETER[TYPE='OUT']/VALUE")[1].text or "")


async def test_what_is_removed_is_told_and_passwords_are_not(cloud: Cloud, script: Script) -> None:
    script("cat.sh", "cat")
    rest = 'COMMAND=cat.sh\nARGUMENTS="$API"\nARGUMENTS_STDIN=yes'
    made = await add_hook(cloud, f"TYPE=api\nCALL=one.user.allocate\n{rest}", "made")
    removed = await add_hook(cloud, f"TYPE=api\nCALL=one.image.delete\n{rest}", "removed")
    await cloud.call("one.user.allocate", "ann", "a secret", "core")
    text = base64.b64decode(output((await until_run(cloud, made))[0])).decode()
    assert "a secret" not in text
    image = await add_hook(cloud, f"TYPE=api\nCALL=one.image.allocate\n{rest}", "image")
    await cloud.call("one.image.delete", await cloud.add_image("debian"))
    call = told(output((await until_run(cloud, image))[0]))
    assert call.findtext("EXTRA/IMAGE/NAME") == "debian"  # made while a driver was waited for
    call = told(output((await until_run(cloud, removed))[0]))
    assert call.findtext("EXTRA/IMAGE/NAME") == "debian"


@pytest.mark.parametrize(
    "method",
    ["one.user.login", "one.user.info", "one.userpool.info", "one.user.delete", "one.user.allocate"],
)
async def test_what_users_log_in_with_is_told_to_no_hook(cloud: Cloud, script: Script, method: str) -> None:
    script("cat.sh", "cat")
    hook_id = await add_hook(
        cloud, f'TYPE=api\nCALL={method}\nCOMMAND=cat.sh\nARGUMENTS="$API"\nARGUMENTS_STDIN=yes'
    )
    user_id = await cloud.new("one.user.allocate", "ann", "a secret", "core")
    token = await cloud.call("one.user.login", "ann", "", 600)
    kept = cloud.daemon.store.read(lambda tx: tx.users.get(user_id).password)
    if method not in ("one.user.login", "one.user.allocate"):
        await cloud.call(method, *(() if "pool" in method else (user_id,)))
    call = base64.b64decode(output((await until_run(cloud, hook_id))[0])).decode()
    assert "<RESULT>1</RESULT>" in call
    assert str(token) not in call
    assert kept not in call
    assert "TOKEN_PASSWORD" not in call


async def test_calls_that_wait_for_something_are_kept_with_what_they_do(cloud: Cloud) -> None:
    """A front-end that dies behind the commit loses no hook: there is no second one for it."""
    rest = 'COMMAND=x.sh\nARGUMENTS="$API"\nSTATUS=0'
    for method in ("user.allocate", "user.passwd", "user.chauth", "image.allocate"):
        text = f"NAME=of-{method}\nTYPE=api\nCALL=one.{method}\n{rest}\n"
        await cloud.call("one.hook.allocate", text)
    store = cloud.daemon.store
    seen: list[tuple[ObjectKind, int]] = []

    def committed(changes: list[Change]) -> None:
        executions = store.read(lambda tx: tx.value("SELECT COUNT(*) FROM hook_execution"))
        seen.extend((change.kind, executions) for change in changes)

    store.on_commit(committed)
    user_id = await cloud.new("one.user.allocate", "ann", "a secret")
    await cloud.call("one.user.passwd", user_id, "another")
    await cloud.call("one.user.chauth", user_id, "ssh", "key")
    await cloud.call("one.image.allocate", "NAME=i\nTYPE=DATABLOCK\nSIZE=1", cloud.datastore_id)
    users = [count for kind, count in seen if kind is ObjectKind.USER]
    images = [count for kind, count in seen if kind is ObjectKind.IMAGE]

    assert sorted(set(users)) == [1, 2, 3]
    assert images[0] == 4


async def test_a_job_that_fails_has_no_event(cloud: Cloud, script: Script) -> None:
    script("echo.sh", ECHO)
    hook_id = await add_hook(cloud, "TYPE=state\nRESOURCE=VM\nON=DONE\nCOMMAND=echo.sh")
    vm_id = await cloud.add_vm()

    def fail(tx: object) -> None:
        tx.vms.save(tx.vms.get(vm_id), "state DONE LCM_INIT")  # type: ignore[attr-defined]
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await cloud.daemon.store.write(fail)
    assert cloud.daemon.store.read(lambda tx: tx.value("SELECT COUNT(*) FROM hook_execution")) == 0
    assert await records(cloud, hook_id) == []
    assert cloud.vm(vm_id).state is VmState.HOLD


async def test_an_updated_hook_hears_of_another_event(cloud: Cloud, script: Script) -> None:
    script("echo.sh", ECHO)
    hook_id = await add_hook(cloud, "TYPE=state\nRESOURCE=VM\nON=DONE\nCOMMAND=echo.sh")
    await cloud.call("one.hook.update", hook_id, "RESOURCE=VM\nSTATE=HOLD\nLCM_STATE=LCM_INIT\n", 1)
    vm_id = await cloud.add_vm()
    await until_run(cloud, hook_id)
    await cloud.act("terminate", vm_id)
    await cloud.act("terminate", await cloud.add_vm())
    assert len(await until_run(cloud, hook_id, 2)) == 2


async def test_hooks_are_not_for_plain_users(cloud: Cloud) -> None:
    await cloud.call("one.user.allocate", "eve", "pw", "core")
    text = "NAME=x\nTYPE=state\nRESOURCE=VM\nON=DONE\nCOMMAND=x.sh\n"
    hook_id = await cloud.new("one.hook.allocate", text)
    for method, more in (
        ("one.hook.allocate", (text,)),
        ("one.hook.info", (hook_id,)),
        ("one.hook.update", (hook_id, text, 0)),
        ("one.hook.delete", (hook_id,)),
        ("one.hook.lock", (hook_id, 1)),
        ("one.hook.retry", (hook_id, 0)),
        ("one.hooklog.info", (-1, -1, -1, 0)),
    ):
        with pytest.raises(AuthorizationError):
            await cloud.call(method, *more, session="eve:pw")
    pool = await cloud.document("one.hookpool.info", -2, -1, -1, session="eve:pw")
    assert pool.findall("HOOK") == []
