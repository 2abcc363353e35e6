from __future__ import annotations

import time
from pathlib import Path
from xml.etree.ElementTree import Element

import pyone
import pytest

from opennebula_core.errors import AuthorizationError, InternalError, NotFoundError
from opennebula_core.managers.hook.table import INTERRUPTED
from opennebula_core.testing.cloud import Cloud, running_cloud
from opennebula_core.testing.sshd import running_sshd, wait_until

from ..processes import running_daemon
from .conftest import Script, add_hook, code, output, records, until_run

ONE_AT_A_TIME = "[hooks]\nconcurrency = 1\n"
ON_HOLD = "TYPE=state\nRESOURCE=VM\nSTATE=HOLD\n"


async def test_a_failure_is_logged_with_what_was_said(cloud: Cloud, script: Script) -> None:
    script("fail.sh", "echo out; echo err >&2; exit 3")
    hook_id = await add_hook(cloud, f"{ON_HOLD}COMMAND=fail.sh")
    await cloud.add_vm()
    (record,) = await until_run(cloud, hook_id)
    assert (code(record), output(record), output(record, "STDERR")) == (3, "out\n", "err\n")
    assert record.findtext("EXECUTION_RESULT/COMMAND", "").endswith("/var/remotes/hooks/fail.sh")


async def test_what_is_no_program_is_a_failure(cloud: Cloud, script: Script, tmp_path: Path) -> None:
    script("plain.sh", "")
    (tmp_path / "var/remotes/hooks/plain.sh").chmod(0o644)
    (tmp_path / "var/remotes/hooks/way-out.sh").symlink_to("/bin/true")
    for name, why in (
        ("none.sh", "there is no file"),
        ("plain.sh", "chmod +x"),
        ("way-out.sh", "outside of the hooks' folder"),
    ):
        hook_id = await add_hook(cloud, f"{ON_HOLD}COMMAND={name}", name)
        await cloud.add_vm()
        record = (await until_run(cloud, hook_id))[0]
        assert code(record) == 255
        assert why in output(record, "STDERR")


async def test_a_document_that_is_too_long_for_an_argument_says_what_to_do(
    cloud: Cloud, script: Script
) -> None:
    script("count.sh", "wc -c")
    base = 'TYPE=state\nRESOURCE=VM\nON=DONE\nCOMMAND=count.sh\nARGUMENTS="$TEMPLATE"'
    refused = await add_hook(cloud, base, "argument")
    taken = await add_hook(cloud, f"{base}\nARGUMENTS_STDIN=yes", "stdin")
    await cloud.act("terminate", await cloud.add_vm(f'NOTE="{"x" * 100_000}"'))
    (record,) = await until_run(cloud, refused)
    assert code(record) == 255
    assert "set ARGUMENTS_STDIN=yes" in output(record, "STDERR")
    (record,) = await until_run(cloud, taken)
    assert int(output(record)) > 128 * 1024


async def test_a_command_elsewhere_needs_the_configurations_leave(tmp_path: Path) -> None:
    settings = '[hooks]\nallowed_folders = ["/bin", "/usr/bin"]\n'
    async with running_cloud(tmp_path, settings=settings) as cloud:
        with pytest.raises(InternalError, match="allowed_folders"):
            await add_hook(cloud, f"{ON_HOLD}COMMAND=/sbin/init")
        hook_id = await add_hook(cloud, f'{ON_HOLD}COMMAND="/bin/echo well:"\nARGUMENTS="it; works $(no) *"')
        await cloud.add_vm()
        (record,) = await until_run(cloud, hook_id)
        assert output(record) == "well: it; works $(no) *\n"


async def test_a_command_that_takes_too_long_ends_with_all_its_children(
    cloud: Cloud, script: Script, tmp_path: Path
) -> None:
    script("slow.sh", "sleep 300 & echo $! > $OUT/child\nwait")
    hook_id = await add_hook(cloud, f"{ON_HOLD}COMMAND=slow.sh\nTIMEOUT=1")
    await cloud.add_vm()
    (record,) = await until_run(cloud, hook_id)
    assert code(record) == 255
    assert "no end within 1 s" in output(record, "STDERR")
    child = int((tmp_path / "child").read_text())
    wait_until(lambda: not _runs(child), "the child is gone")


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_so_many_run_at_a_time_and_the_api_answers_meanwhile(tmp_path: Path, script: Script) -> None:
    script("wait.sh", "echo x >> $OUT/started\nwhile [ ! -e $OUT/go ]; do sleep 0.05; done")
    async with running_cloud(tmp_path, settings="[hooks]\nconcurrency = 2\n") as cloud:
        hook_id = await add_hook(cloud, f"{ON_HOLD}COMMAND=wait.sh")
        for _ in range(5):
            await cloud.add_vm()
        started = tmp_path / "started"
        await cloud.until(lambda: started.exists() and started.read_text().count("x") == 2, "two run")
        begun = time.monotonic()
        await cloud.document("one.vmpool.info", -2, -1, -1, -1)
        assert time.monotonic() - begun < 10
        status = "SELECT status, COUNT(*) FROM hook_execution GROUP BY status ORDER BY status"
        assert cloud.daemon.store.read(lambda tx: tx.query(status)) == [("running", 2), ("waiting", 3)]
        (tmp_path / "go").touch()
        assert len(await until_run(cloud, hook_id, 5)) == 5


async def test_the_log_keeps_the_newest(tmp_path: Path, script: Script) -> None:
    script("echo.sh", "echo $1")
    async with running_cloud(tmp_path, settings="[hooks]\nlog_kept = 3\n") as cloud:
        hook_id = await add_hook(cloud, f"{ON_HOLD}COMMAND=echo.sh")
        for _ in range(5):
            await cloud.add_vm()

        async def is_short() -> bool:
            found = await records(cloud, hook_id)
            return [record.findtext("EXECUTION_ID") for record in found] == ["2", "3", "4"]

        await cloud.until(is_short, "the newest three")


async def test_an_execution_is_retried_with_its_arguments(cloud: Cloud, script: Script) -> None:
    script("count.sh", "cat; echo x >> $OUT/runs; [ $(wc -l < $OUT/runs) -gt 1 ]")
    hook_id = await add_hook(cloud, f'{ON_HOLD}COMMAND=count.sh\nARGUMENTS="$TEMPLATE"\nARGUMENTS_STDIN=yes')
    await cloud.add_vm()
    (first,) = await until_run(cloud, hook_id)
    assert code(first) == 1
    assert first.findtext("RETRY") is None
    assert await cloud.call("one.hook.retry", hook_id, 0) == hook_id
    _, second = await until_run(cloud, hook_id, 2)
    assert (code(second), second.findtext("RETRY")) == (0, "yes")
    assert second.findtext("ARGUMENTS") == first.findtext("ARGUMENTS") == output(second)
    with pytest.raises(NotFoundError):
        await cloud.call("one.hook.retry", hook_id, 9)


async def test_the_log_is_searched(cloud: Cloud, script: Script) -> None:
    script("ok.sh", "exit 0")
    script("fail.sh", "exit 1")
    good = await add_hook(cloud, f"{ON_HOLD}COMMAND=ok.sh", "good")
    bad = await add_hook(cloud, f"{ON_HOLD}COMMAND=fail.sh", "bad")
    now = int(cloud.clock())
    await cloud.add_vm()
    await until_run(cloud, good)
    await until_run(cloud, bad)

    async def found(*filters: int) -> list[str]:
        log = await cloud.document("one.hooklog.info", *filters)
        return sorted(item.findtext("HOOK_ID") or "" for item in log)

    assert await found(-1, -1, -1, 0) == [str(good), str(bad)]
    assert await found(-1, -1, -1, 1) == [str(good)]
    assert await found(-1, -1, -1, -1) == [str(bad)]
    assert await found(-1, -1, bad, 0) == [str(bad)]
    assert await found(now, now, -1, 0) == [str(good), str(bad)]
    assert await found(now + 1, -1, -1, 0) == []
    assert await found(-1, now - 1, -1, 0) == []


async def test_a_hook_that_is_updated_and_deleted_while_it_runs_harms_nothing(
    cloud: Cloud, script: Script, tmp_path: Path
) -> None:
    script("wait.sh", "touch $OUT/started\nwhile [ ! -e $OUT/go ]; do sleep 0.05; done\ntouch $OUT/ended")
    script("echo.sh", "echo $1")
    hook_id = await add_hook(cloud, f"{ON_HOLD}COMMAND=wait.sh")
    other = await add_hook(cloud, f"{ON_HOLD}COMMAND=echo.sh", "other")
    await cloud.add_vm()
    await cloud.until((tmp_path / "started").exists, "it runs")
    await cloud.call("one.hook.update", hook_id, "COMMAND=echo.sh\n", 1)
    await cloud.call("one.hook.delete", hook_id)
    (tmp_path / "go").touch()
    await cloud.until((tmp_path / "ended").exists, "it ends")
    await cloud.add_vm()
    await until_run(cloud, other, 2)
    count = "SELECT COUNT(*) FROM hook_execution WHERE hook_id = ?"
    assert cloud.daemon.store.read(lambda tx: tx.value(count, (hook_id,))) == 0


async def test_hooks_are_renamed_and_locked(cloud: Cloud) -> None:
    hook_id = await add_hook(cloud, f"{ON_HOLD}COMMAND=x.sh")
    with pytest.raises(InternalError, match="NAME is already taken by HOOK 0"):
        await add_hook(cloud, f"{ON_HOLD}COMMAND=x.sh")
    await cloud.call("one.hook.rename", hook_id, "other")
    await cloud.call("one.hook.lock", hook_id, 4, False)
    with pytest.raises(AuthorizationError, match="HOOK is locked"):
        await cloud.call("one.hook.delete", hook_id)
    document = await cloud.document("one.hook.info", hook_id)
    assert (document.findtext("NAME"), document.findtext("LOCK/LOCKED")) == ("other", "1")
    await cloud.call("one.hook.unlock", hook_id)
    await cloud.call("one.hook.delete", hook_id)
    pool = await cloud.document("one.hookpool.info")
    assert pool.findall("HOOK") == []


@pytest.mark.integration
async def test_a_remote_hook_runs_on_the_host_of_the_vm(tmp_path: Path) -> None:
    folder = tmp_path / "on-host"
    (tmp_path / "sshd").mkdir()
    folder.mkdir()
    (folder / "where.sh").write_text('#!/bin/sh\necho "ssh: ${SSH_CONNECTION%% *}: $1"\n')
    (folder / "where.sh").chmod(0o755)
    with running_sshd(tmp_path / "sshd") as sshd:
        settings = f'[hooks]\nremote_folder = "{folder}"\nssh_config = "{sshd.ssh_config}"\n'
        async with running_cloud(tmp_path / "one", settings=settings) as cloud:
            remote = "COMMAND=where.sh\nARGUMENTS=hello\nREMOTE=YES\n"
            running = await add_hook(cloud, f"TYPE=state\nRESOURCE=VM\nON=RUNNING\n{remote}")
            held = await add_hook(cloud, f"{ON_HOLD}{remote}", "held")
            unknown = await add_hook(cloud, f"TYPE=state\nRESOURCE=HOST\nSTATE=DISABLED\n{remote}", "unknown")
            await cloud.run_vm(await cloud.add_host("host1"))
            (record,) = await until_run(cloud, running)
            assert (code(record), output(record)) == (0, "ssh: 127.0.0.1: hello\n")
            assert record.findtext("REMOTE_HOST") == "host1"
            (record,) = await until_run(cloud, held)
            assert (code(record), "on no host" in output(record, "STDERR")) == (255, True)
            await cloud.call("one.host.status", await cloud.add_host("stranger"), 1)
            (record,) = await until_run(cloud, unknown)
            assert code(record) == 255
            assert "known_hosts" in output(record, "STDERR")


@pytest.mark.integration
async def test_a_remote_command_is_sent_and_sent_again_when_it_has_changed(tmp_path: Path) -> None:
    folder, local = tmp_path / "on-host", tmp_path / "one/var/remotes/hooks/vm/say.sh"
    (tmp_path / "sshd").mkdir()
    local.parent.mkdir(parents=True)
    with running_sshd(tmp_path / "sshd") as sshd:
        settings = f'[hooks]\nremote_folder = "{folder}"\nssh_config = "{sshd.ssh_config}"\n'
        async with running_cloud(tmp_path / "one", settings=settings) as cloud:
            text = "TYPE=state\nRESOURCE=HOST\nSTATE=DISABLED\nCOMMAND=vm/say.sh\nREMOTE=YES\n"
            hook_id = await add_hook(cloud, text)
            host_id = await cloud.add_host("host1")
            for times, word in enumerate(("first", "second", "third"), 1):
                local.write_text(f"#!/bin/sh\necho {word} $0\n")
                local.chmod(0o755)
                if word == "third":
                    (folder / "vm/say.sh").unlink()  # the host has lost it
                await cloud.call("one.host.status", host_id, 1)
                record = (await until_run(cloud, hook_id, times))[-1]
                assert output(record) == f"{word} {folder}/vm/say.sh\n", output(record, "STDERR")
                await cloud.call("one.host.status", host_id, 0)
            (folder / "vm/say.sh").unlink()
            for expected, times in ((127, 4), (0, 5)):
                await cloud.call("one.host.status", host_id, 1)
                assert code((await until_run(cloud, hook_id, times))[-1]) == expected
                await cloud.call("one.host.status", host_id, 0)
            assert (folder / "vm/say.sh").stat().st_mode & 0o777 == 0o700


def test_nothing_is_lost_or_done_twice_when_the_daemon_is_killed(tmp_path: Path, script: Script) -> None:
    """One command is under way and one waits: the first is given up by name, the second runs."""
    script("wait.sh", "echo x >> $OUT/begun\nwhile [ ! -e $OUT/go ]; do sleep 0.05; done")
    with running_daemon(tmp_path, ONE_AT_A_TIME) as (_, client):
        hook_id = client.integer("one.hook.allocate", f"NAME=h\n{ON_HOLD}COMMAND=wait.sh\n")
        client.call("one.vm.allocate", "CPU=1\nMEMORY=64\n", True)
        wait_until((tmp_path / "begun").exists, "the first command")
        client.call("one.vm.allocate", "CPU=1\nMEMORY=64\n", True)
    (tmp_path / "go").touch()
    with running_daemon(tmp_path, ONE_AT_A_TIME) as (_, client):

        def log() -> list[Element]:
            return client.element("one.hook.info", hook_id).findall("HOOKLOG/HOOK_EXECUTION_RECORD")

        wait_until(lambda: len(log()) == 2, "both have ended", 30)
        first, second = log()
        assert (code(first), output(first, "STDERR")) == (255, INTERRUPTED)
        assert (code(second), second.findtext("EXECUTION_ID")) == (0, "1")
        assert (tmp_path / "begun").read_text() == "x\nx\n"


def test_pyone_reads_the_documents(tmp_path: Path, script: Script) -> None:
    script("echo.sh", "echo $1")
    with (
        running_daemon(tmp_path, ONE_AT_A_TIME) as (_, client),
        pyone.OneServer(client.endpoint, session="oneadmin:secret") as one,
    ):
        template = {"NAME": "h", "TYPE": "state", "RESOURCE": "VM", "STATE": "HOLD", "COMMAND": "echo.sh"}
        hook_id = one.hook.allocate(template | {"ARGUMENTS": "$TEMPLATE"})
        one.vm.allocate({"CPU": 1, "MEMORY": 64}, True)
        wait_until(lambda: one.hook.info(hook_id).HOOKLOG.HOOK_EXECUTION_RECORD, "the command has run")
        hook = one.hook.info(hook_id)
        (record,) = hook.HOOKLOG.HOOK_EXECUTION_RECORD
        assert (hook.NAME, hook.TYPE, hook.TEMPLATE["LCM_STATE"]) == ("h", "state", "LCM_INIT")
        assert (record.EXECUTION_ID, record.EXECUTION_RESULT.CODE) == (0, "0")
        assert [item.NAME for item in one.hookpool.info(-2, -1, -1).HOOK] == ["h"]
        vm_id = one.vm.allocate(
            "CPU=1\nMEMORY=64\nSCHED_ACTION=[ACTION=hold,TIME=+500,REPEAT=3,DAYS=5]\n", True
        )
        vm = one.vm.info(vm_id)
        assert vm.SCHED_ACTIONS.ID == [0]
        assert vm.TEMPLATE["SCHED_ACTION"]["REPEAT"] == "3"
