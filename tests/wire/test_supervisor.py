from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import pytest

from opennebula_core.config import Location
from opennebula_core.errors import DriverError, DriverGoneError, DriverTimeoutError, DriverUnusableError
from opennebula_core.wire.dialects import dialect_for
from opennebula_core.wire.events import DriverEvents
from opennebula_core.wire.limits import Limits
from opennebula_core.wire.process import Launch
from opennebula_core.wire.requests import Reply, VmmRequest
from opennebula_core.wire.supervisor import Supervisor

Until = Callable[[Callable[[], object]], Awaitable[None]]

FAST = Limits(init_s=5, finalize_s=0.5, request_s=30, first_pause_s=0.05, longest_pause_s=0.2)

ANSWERING = """
while read -r action id rest; do
  case $action in
    INIT) echo INIT SUCCESS - - ;;
    FINALIZE) exit 0 ;;
    *) %s ;;
  esac
done
"""
ECHO = ANSWERING % 'echo "$action SUCCESS $id $rest"'
SILENT = ANSWERING % ":"
DYING = ANSWERING % "exit 3"


@dataclass(slots=True)
class Told:
    """What the supervisor told the core."""

    logs: list[tuple[str, int, str]] = field(default_factory=list)
    progress: list[tuple[int, int, int]] = field(default_factory=list)
    ready: int = 0
    gone: list[str] = field(default_factory=list)

    def is_ready(self) -> None:
        self.ready += 1


class Supervise(Protocol):
    def __call__(self, script: str, limits: Limits = FAST, release: str = "2.0") -> Supervisor: ...


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def supervise(
    program: Callable[[str], Path], location: Location, told: Told
) -> AsyncIterator[Supervise]:
    """Make a supervisor of a driver program that speaks the words of 2.0."""
    made: list[Supervisor] = []

    def make(script: str, limits: Limits = FAST, release: str = "2.0") -> Supervisor:
        file = program(script)
        launch = Launch((str(file),), location.var, location.log_file("vmm_test"), dict(os.environ))
        events = DriverEvents(
            on_log=lambda severity, id_, text: told.logs.append((severity, id_, text)),
            on_progress=lambda id_, done, total: told.progress.append((id_, done, total)),
            on_ready=told.is_ready,
            on_gone=told.gone.append,
        )
        made.append(Supervisor("vmm", "test", lambda: launch, dialect_for("vmm", release), events, limits))
        return made[-1]

    yield make
    for supervisor in made:
        await supervisor.stop()


def poll(vm_id: int = 7) -> VmmRequest:
    return VmmRequest("POLL", vm_id, "host01", "<VM/>", deploy_id=f"one-{vm_id}")


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_bash_script_can_be_a_driver(supervise: Supervise) -> None:
    supervisor = supervise(ECHO)

    assert await supervisor.request(poll()) == Reply(True, "host01 one-7 -")


async def test_the_process_starts_when_it_is_first_needed(supervise: Supervise, told: Told) -> None:
    supervisor = supervise(ECHO)
    assert supervisor.status().pid == 0

    await asyncio.gather(*(supervisor.request(poll(vm_id)) for vm_id in range(5)))

    assert supervisor.status().starts == 1
    assert is_alive(supervisor.status().pid)
    assert told.ready == 1


async def test_a_failure_is_a_reply(supervise: Supervise) -> None:
    supervisor = supervise(ANSWERING % 'echo "$action FAILURE $id no domain one-$id"')

    assert await supervisor.request(poll()) == Reply(False, "no domain one-7")


async def test_a_thousand_requests_in_flight_are_answered_in_any_order(supervise: Supervise) -> None:
    supervisor = supervise("""#!/usr/bin/env -S python3 -I -S
import random, sys
held = []
for line in sys.stdin:
    words = line.split()
    if words[0] == "INIT":
        print("INIT SUCCESS - -", flush=True)
    elif words[0] == "FINALIZE":
        break
    else:
        held.append(f"{words[0]} SUCCESS {words[1]} STATE=a VM={words[1]}\\n")
        if len(held) == 1000:
            random.shuffle(held)
            sys.stdout.write("".join(held))
            sys.stdout.flush()
""")

    replies = await asyncio.gather(*(supervisor.request(poll(vm_id)) for vm_id in range(1000)))

    assert [reply.info for reply in replies] == [f"STATE=a VM={vm_id}" for vm_id in range(1000)]
    assert supervisor.status().in_flight == 0


async def test_the_same_request_again_while_it_is_under_way_is_refused(
    supervise: Supervise, until: Until
) -> None:
    supervisor = supervise(SILENT)
    first = asyncio.create_task(supervisor.request(poll()))
    await until(lambda: supervisor.status().in_flight)

    with pytest.raises(DriverError, match="driver vmm/test is busy with just that"):
        await supervisor.request(poll())

    first.cancel()
    await asyncio.wait([first])
    assert supervisor.status().in_flight == 0


async def test_a_driver_that_does_not_answer_is_given_up_in_time(supervise: Supervise) -> None:
    supervisor = supervise(SILENT)

    with pytest.raises(DriverTimeoutError, match=r"POLL 7: driver vmm/test did not answer in 0.2 s"):
        await supervisor.request(poll(), timeout=timedelta(seconds=0.2))

    assert supervisor.status().in_flight == 0


async def test_an_answer_that_comes_too_late_disturbs_nobody(supervise: Supervise) -> None:
    supervisor = supervise("""
n=0
while read -r action id rest; do
  case $action in
    INIT) echo INIT SUCCESS - - ;;
    FINALIZE) exit 0 ;;
    POLL) if [ $id = 7 ]; then sleep 0.4; fi; echo "POLL SUCCESS $id late" ;;
  esac
done
""")
    with pytest.raises(DriverTimeoutError):
        await supervisor.request(poll(7), timeout=timedelta(seconds=0.1))

    assert await supervisor.request(poll(8)) == Reply(True, "late")


async def test_progress_keeps_a_slow_request_alive(supervise: Supervise, told: Told) -> None:
    supervisor = supervise(
        ANSWERING
        % """for step in 1 2 3 4 5; do sleep 0.15; echo "LOG I $id PROGRESS $step 5"; done
        echo "$action SUCCESS $id -" """
    )

    reply = await supervisor.request(poll(), timeout=timedelta(seconds=0.4))

    assert reply.success
    assert told.progress == [(7, step, 5) for step in range(1, 6)]
    assert told.logs == []


async def test_log_lines_go_to_the_object_s_log(supervise: Supervise, told: Told) -> None:
    supervisor = supervise(
        ANSWERING
        % """echo "LOG - $id STDERR follows."
        echo "LOG E $id no domain"; echo "LOG I -1 general"; echo "LOG I - text"
        echo "$action SUCCESS $id -" """
    )

    await supervisor.request(poll())

    assert told.logs == [
        ("I", 7, "STDERR follows."),
        ("E", 7, "no domain"),
        ("I", -1, "general"),
        ("I", -1, "text"),
    ]


async def test_rubbish_unknown_ids_and_second_answers_are_passed_over(
    supervise: Supervise, caplog: pytest.LogCaptureFixture
) -> None:
    supervisor = supervise(
        ANSWERING
        % """printf '\\n\\xff\\xfe\\nrubbish\\nTraceback (most recent call last):\\n'
        echo "$action SUCCESS 99 unknown"; echo "SAVE SUCCESS $id unknown"
        echo "MONITOR  0 "
        echo "$action SUCCESS $id first"; echo "$action FAILURE $id second" """
    )

    assert await supervisor.request(poll()) == Reply(True, "first")
    assert await supervisor.request(poll(8)) == Reply(True, "first")
    assert "wrote what nobody asked for: 'POLL FAILURE 7 second'" in caplog.text


async def test_endless_rubbish_does_not_fill_the_log(
    supervise: Supervise, caplog: pytest.LogCaptureFixture
) -> None:
    supervisor = supervise(
        ANSWERING % 'for i in $(seq 5000); do echo rubbish $i; done; echo "$action SUCCESS $id -"'
    )

    assert (await supervisor.request(poll())).success

    assert sum("nobody asked for" in record.message for record in caplog.records) == 20


async def test_an_odd_result_word_is_a_failure(supervise: Supervise) -> None:
    supervisor = supervise(ANSWERING % 'echo "$action 0 $id "')

    assert await supervisor.request(poll()) == Reply(False, "")


async def test_requests_in_flight_fail_when_the_driver_dies(
    supervise: Supervise, told: Told, until: Until
) -> None:
    supervisor = supervise(SILENT)
    requests = [asyncio.create_task(supervisor.request(poll(vm_id))) for vm_id in (1, 2, 3)]
    await until(lambda: supervisor.status().in_flight == 3)

    os.kill(supervisor.status().pid, signal.SIGKILL)

    for request in requests:
        with pytest.raises(DriverGoneError, match=r"is gone: it was ended by SIGKILL; whether it was done"):
            await request
    assert told.gone == ["it was ended by SIGKILL"]


async def test_a_driver_that_died_is_started_again(supervise: Supervise) -> None:
    supervisor = supervise(ECHO)
    await supervisor.request(poll())
    first = supervisor.status().pid
    os.kill(first, signal.SIGKILL)

    async def answered() -> Reply:
        while True:
            try:
                return await supervisor.request(poll())
            except DriverGoneError:
                continue

    reply = await asyncio.wait_for(answered(), 10)

    assert reply.success
    assert supervisor.status().pid != first
    assert supervisor.status().starts == 2


async def test_the_exit_status_of_a_driver_is_told(supervise: Supervise) -> None:
    supervisor = supervise(DYING)

    with pytest.raises(DriverGoneError, match="it ended with status 3"):
        await supervisor.request(poll())

    assert supervisor.status().last_failure == "it ended with status 3"


async def test_answers_that_a_driver_wrote_before_its_end_count(supervise: Supervise) -> None:
    supervisor = supervise(ANSWERING % 'echo "$action SUCCESS $id last words"; exit 0')

    assert await supervisor.request(poll()) == Reply(True, "last words")


async def test_a_driver_that_closes_its_output_is_ended(supervise: Supervise, until: Until) -> None:
    supervisor = supervise(ANSWERING % "exec 1>&-; sleep 60")
    request = asyncio.create_task(supervisor.request(poll()))
    await until(lambda: supervisor.status().in_flight)
    pid = supervisor.status().pid

    with pytest.raises(DriverGoneError, match="it closed its output"):
        await request

    await until(lambda: not is_alive(pid))


async def test_a_driver_that_closes_its_input_is_ended(supervise: Supervise, until: Until) -> None:
    supervisor = supervise("read line; echo INIT SUCCESS - -; exec 0<&-; sleep 60")
    await supervisor.start()
    pid = supervisor.status().pid
    request = asyncio.create_task(supervisor.request(poll()))

    with pytest.raises(DriverGoneError, match="it closed its input"):
        await request

    await until(lambda: not is_alive(pid))


async def test_requests_that_wait_to_be_written_are_not_lost_with_the_driver(
    supervise: Supervise, until: Until
) -> None:
    supervisor = supervise("read line; echo INIT SUCCESS - -; sleep 60", release="6.10")
    big = "<VM>" + "x" * 2_000_000 + "</VM>"
    requests = [
        asyncio.create_task(supervisor.request(VmmRequest("CANCEL", vm_id, "host01", big)))
        for vm_id in range(3)
    ]
    await until(lambda: supervisor.status().in_flight)
    await asyncio.sleep(0.1)

    os.kill(supervisor.status().pid, signal.SIGKILL)
    await until(lambda: sum(request.done() for request in requests) >= 1)
    await supervisor.stop()

    for request in requests:
        with pytest.raises(DriverGoneError):
            await request


async def test_a_core_that_fails_to_take_a_line_gets_the_next(
    supervise: Supervise, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    class Refusing(list[tuple[str, int, str]]):
        def append(self, item: tuple[str, int, str]) -> None:
            raise KeyError(item)

    told.logs = Refusing()
    supervisor = supervise(ANSWERING % 'printf "LOG I $id text\\n$action SUCCESS $id -\\n"')

    assert (await supervisor.request(poll())).success
    assert "a line could not be handled" in caplog.text


async def test_lines_are_traced_but_not_those_about_credentials(
    supervise: Supervise, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "opennebula_core.wire.supervisor")
    supervisor = supervise(ECHO)
    await supervisor.request(poll())
    assert "driver vmm/test: > 'POLL 7 host01 one-7 -'" in caplog.text
    assert "driver vmm/test: < 'POLL SUCCESS 7 host01 one-7 -'" in caplog.text

    supervisor.kind = "auth"
    await supervisor.request(poll(8))
    assert "one-8" not in caplog.text


async def test_pauses_between_restarts_grow(supervise: Supervise) -> None:
    supervisor = supervise(DYING, Limits(first_pause_s=0.1, longest_pause_s=10))

    started = time.monotonic()
    for _ in range(4):
        with pytest.raises(DriverGoneError):
            await supervisor.request(poll())

    assert 0.7 <= time.monotonic() - started < 5  # 0.1 + 0.2 + 0.4
    assert supervisor.status().starts == 4


async def test_requests_fail_clearly_when_the_restart_is_far_away(supervise: Supervise) -> None:
    supervisor = supervise(DYING, Limits(first_pause_s=30, patience_s=1))
    with pytest.raises(DriverGoneError):
        await supervisor.request(poll())

    with pytest.raises(DriverGoneError, match=r"it ended with status 3; it is started again in (30|29) s"):
        await supervisor.request(poll())


async def test_a_request_waits_for_a_restart_that_is_near(supervise: Supervise, tmp_path: Path) -> None:
    mark = tmp_path / "was here"
    supervisor = supervise(
        ANSWERING % f'if [ -e "{mark}" ]; then echo "$action SUCCESS $id -"; else touch "{mark}"; exit 1; fi',
        Limits(first_pause_s=0.3),
    )
    with pytest.raises(DriverGoneError):
        await supervisor.request(poll())

    assert (await supervisor.request(poll())).success


async def test_a_request_s_limit_holds_while_it_waits_for_the_start(supervise: Supervise) -> None:
    supervisor = supervise("sleep 60", Limits(init_s=30))

    with pytest.raises(DriverTimeoutError, match=r"did not answer in 0.2 s"):
        await supervisor.request(poll(), timeout=timedelta(seconds=0.2))


async def test_a_driver_that_never_answers_init_is_given_up(supervise: Supervise, until: Until) -> None:
    supervisor = supervise("echo $$ > pid; exec sleep 60", Limits(init_s=0.5))

    with pytest.raises(DriverGoneError, match=r"it did not answer INIT in 0.5 s; see var/log/vmm_test.log"):
        await supervisor.request(poll())


@pytest.mark.parametrize(
    ("script", "reason", "is_usable"),
    [
        (
            "read line; echo INIT FAILURE no libvirt; sleep 1",
            "cannot be started: it refused: no libvirt;",
            False,
        ),
        ("exit 5", "it ended with status 5", True),
        ("#!/no/such/interpreter\n", "No such file or directory", False),
    ],
)
async def test_why_a_driver_could_not_be_started_is_told(
    script: str, reason: str, is_usable: bool, supervise: Supervise
) -> None:
    supervisor = supervise(script)

    with pytest.raises(DriverGoneError, match="cannot be started") as raised:
        await supervisor.request(poll())

    assert reason in str(raised.value)
    assert isinstance(raised.value, DriverUnusableError) is not is_usable


async def test_a_driver_that_refused_is_unusable_until_it_is_tried_again(supervise: Supervise) -> None:
    supervisor = supervise(
        "read line; echo INIT FAILURE no libvirt; sleep 1", Limits(first_pause_s=30, patience_s=1)
    )
    with pytest.raises(DriverUnusableError):
        await supervisor.request(poll())

    with pytest.raises(DriverUnusableError, match=r"no libvirt; it is started again in (30|29) s"):
        await supervisor.request(poll())


async def test_init_may_carry_more_words_and_come_after_log_lines(supervise: Supervise) -> None:
    supervisor = supervise(
        ECHO.replace("INIT SUCCESS - -", "LOG I -1 starting; echo warming up; echo INIT SUCCESS - 179 -")
    )

    assert (await supervisor.request(poll())).success


async def test_standard_error_goes_to_the_driver_s_log(supervise: Supervise, location: Location) -> None:
    supervisor = supervise(ANSWERING % 'echo "a warning" >&2; echo "$action SUCCESS $id -"')

    await supervisor.request(poll())
    await supervisor.stop()

    assert location.log_file("vmm_test").read_text() == "a warning\n"


async def test_a_driver_that_does_not_read_holds_nobody_up(supervise: Supervise) -> None:
    supervisor = supervise("read line; echo INIT SUCCESS - -; sleep 60", release="6.10")
    big = "<VM>" + "x" * 400_000 + "</VM>"
    requests = [
        asyncio.create_task(
            supervisor.request(VmmRequest("CANCEL", vm_id, "host01", big), timeout=timedelta(seconds=1))
        )
        for vm_id in range(20)
    ]

    longest = 0.0
    while not all(request.done() for request in requests):
        before = time.monotonic()
        await asyncio.sleep(0.01)
        longest = max(longest, time.monotonic() - before)

    assert all(isinstance(request.exception(), DriverTimeoutError) for request in requests)
    assert longest < 0.5


async def test_large_requests_arrive_whole(supervise: Supervise) -> None:
    supervisor = supervise(ANSWERING % 'echo "$action SUCCESS $id ${#rest}"', release="6.10")
    big = "<VM>" + "x" * 1_000_000 + "</VM>"

    reply = await supervisor.request(VmmRequest("CANCEL", 7, "host01", big))

    assert int(reply.info) > 1_300_000


async def test_cancel_ends_the_requests_of_an_object(supervise: Supervise, until: Until) -> None:
    supervisor = supervise(ANSWERING % 'if [ $action = DRIVER_CANCEL ]; then echo "LOG - $id dropped"; fi')
    requests = [asyncio.create_task(supervisor.request(poll(vm_id))) for vm_id in (7, 8)]
    await until(lambda: supervisor.status().in_flight == 2)

    await supervisor.cancel(7)

    assert await requests[0] == Reply(False, "driver command for 7 cancelled")
    assert not requests[1].done()
    requests[1].cancel()


async def test_stop_finalizes_the_driver(supervise: Supervise, tmp_path: Path) -> None:
    mark = tmp_path / "finalized"
    supervisor = supervise(ECHO.replace("exit 0", f'touch "{mark}"; exit 0'))
    await supervisor.request(poll())
    pid = supervisor.status().pid

    await supervisor.stop()

    assert mark.exists()
    assert not is_alive(pid)
    with pytest.raises(DriverGoneError, match="the core ends"):
        await supervisor.request(poll())


async def test_stop_kills_a_driver_that_hangs_and_what_it_started(
    supervise: Supervise, tmp_path: Path, until: Until
) -> None:
    file = tmp_path / "pids"
    supervisor = supervise(
        f"""trap '' TERM
        sleep 300 & echo $! $$ > "{file}"
        read line; echo INIT SUCCESS - -
        while true; do sleep 1; done"""
    )
    request = asyncio.create_task(supervisor.request(poll()))
    await until(lambda: supervisor.status().in_flight)
    pids = [int(pid) for pid in file.read_text().split()]
    assert all(is_alive(pid) for pid in pids)

    started = time.monotonic()
    await supervisor.stop()

    assert time.monotonic() - started < 2
    await until(lambda: not any(is_alive(pid) for pid in pids))
    with pytest.raises(DriverGoneError, match="is gone: the core ends"):
        await request


async def test_stop_while_the_driver_starts_leaves_no_process(
    supervise: Supervise, tmp_path: Path, until: Until
) -> None:
    file = tmp_path / "pid"
    supervisor = supervise(f'echo $$ > "{file}.new"; mv "{file}.new" "{file}"; sleep 60')
    request = asyncio.create_task(supervisor.request(poll()))
    await until(file.exists)

    await supervisor.stop()

    assert not is_alive(int(file.read_text()))
    with pytest.raises((DriverGoneError, asyncio.CancelledError)):
        await request


async def test_what_a_dead_driver_left_in_its_group_is_ended(
    supervise: Supervise, tmp_path: Path, until: Until
) -> None:
    file = tmp_path / "pid"
    supervisor = supervise(ANSWERING % f'sleep 300 & echo $! > "{file}"; exit 1')

    with pytest.raises(DriverGoneError):
        await supervisor.request(poll())

    await until(lambda: not is_alive(int(file.read_text())))
