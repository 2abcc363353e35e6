"""A small driver of any kind that keeps the protocol, unless it is told which fault to have.

``python -m tests.testing.conformance.small.driver KIND [FAULT...]``. It imports nothing of what tests it:
somebody else wrote it. The faults are listed in ``faults.py``.
"""

from __future__ import annotations

import os
import subprocess
import threading
import zlib
from collections.abc import Callable

from tests.testing.conformance.small.guests import (
    cancel_guest,
    deploy,
    migrate,
    on_running,
    plug,
    poll,
    restart,
    restore,
    save,
    shutdown,
    snapshot,
    unplug,
)
from tests.testing.conformance.small.images import copy_image, make_empty, remove_image, room, stat_image
from tests.testing.conformance.small.lines import Lines
from tests.testing.conformance.small.logins import authenticate
from tests.testing.conformance.small.transfers import transfer
from tests.testing.conformance.small.watches import start_monitor, stop_monitor
from tests.testing.conformance.small.world import KIND, LOCK, FailedError, has

LEAKED: list[object] = []


def read_lines() -> None:
    tail = b""
    while data := os.read(0, 1 << 16):
        if has("long-lines-lost") and len(tail) > 1 << 16:
            tail = b""
        *lines, tail = (tail + data).split(b"\n")
        if has("loses-lines-together"):
            lines = lines[:1]
        if has("reads-whole-lines-only") and tail:
            tail = b""
        for line in lines:
            take(line)


def take(line: bytes) -> None:
    text = line.decode() if has("dies-of-binary") else line.decode("utf-8", "replace")
    if has("wants-two-blanks") and "  " not in text and len(text.split()) > 1:
        return
    words = text.split(" ") if has("wants-one-blank") else text.split()
    if has("dies-of-empty-lines") and not text.strip():
        raise SystemExit(1)
    if not words or not words[0]:
        return
    action = words[0].upper()
    if action == "INIT":
        begin()
    elif action == "FINALIZE":
        end()
    else:
        rest = words[2:] if words[1:2] == ["-"] else words[1:]
        if not rest or not rest[0].isdecimal():
            if has("dies-without-number"):
                raise SystemExit(1)
            return
        take_request(action, int(rest[0]), rest[1:])


def begin() -> None:
    if has("no-answer-to-init"):
        return
    Lines.write("INIT FAILURE - no luck" if has("fails-init") else "INIT SUCCESS - -", "\n")
    if has("greets"):
        Lines.write("LOG I -1 ready")


def end() -> None:
    if has("ignores-finalize"):
        threading.Event().wait()
    if has("waits-for-work"):
        for task in threading.enumerate():
            if task is not threading.current_thread():
                task.join()
    leave(3 if has("ends-with-status-3") else 0)


def leave(status: int) -> None:
    """End, whatever threads do."""
    if has("leaves-a-process"):
        subprocess.Popen(["sleep", "60"], stdin=-3, stdout=-3, stderr=-3, start_new_session=True)
    if has("leaves-output-open"):
        subprocess.Popen(["sleep", "60"], stdin=-3, start_new_session=True)
    os._exit(status)


class Running:
    """Work under way, by object."""

    given_up: dict[int, int] = {}  # noqa: RUF012 - there is one
    spoilt: set[int] = set()  # noqa: RUF012 - there is one
    count = 0
    held: list[tuple[str, int, list[str]]] = []  # noqa: RUF012 - there is one


def take_request(action: str, number: int, words: list[str]) -> None:
    Running.count += 1
    if action == "DRIVER_CANCEL":
        cancel(number)
        return
    if has("loses-some") and Running.count % 20 == 0:
        return
    if has("leaks-descriptors"):
        LEAKED.append(os.open("/dev/null", os.O_RDONLY))
    if has("leaks-children"):
        LEAKED.append(subprocess.Popen(["true"], stdin=-3, stdout=-3))
    if has("starts-processes") and Running.count == 5:
        LEAKED.append(subprocess.Popen(["sleep", "60"], stdin=-3, stdout=-3, start_new_session=True))
    if number in Running.spoilt:
        return
    if has("mixes-up-ids"):
        mix_up(action, number, words)
        return
    epoch = Running.given_up.get(number, 0)
    if has("one-after-the-other"):
        carry_out(action, number, words, epoch)
    else:
        threading.Thread(target=carry_out, args=(action, number, words, epoch), daemon=True).start()


def mix_up(action: str, number: int, words: list[str]) -> None:
    """Give two requests that come together each other's id; one that comes alone has its own."""
    with LOCK:
        other, Running.held = Running.held, []
        if not other:
            Running.held = [(action, number, words)]
            threading.Timer(0.05, release).start()
            return
    carry_out(action, other[0][1], words, 0)
    carry_out(action, number, other[0][2], 0)


def release() -> None:
    with LOCK:
        alone, Running.held = Running.held, []
    for action, number, words in alone:
        carry_out(action, number, words, 0)


def cancel(number: int) -> None:
    if has("dies-of-cancel"):
        leave(1)
    if has("cancel-spoils"):
        Running.spoilt.add(number)
    if has("answers-cancel"):
        Lines.answer("DRIVER_CANCEL", True, number, "-")
    if not has("answers-what-was-cancelled"):
        Running.given_up[number] = Running.given_up.get(number, 0) + 1
    Lines.write(f"LOG I {number} Driver command for {number} cancelled")


def carry_out(action: str, number: int, words: list[str], epoch: int) -> None:
    if has("needs-stderr"):
        os.write(2, b"at work\n")
    try:
        method = ACTIONS[KIND].get(action)
        if method is None:
            if has("dies-of-unknown"):
                os._exit(1)
            if has("unknown-succeeds"):
                Lines.answer(action, True, number, "-")
                return
            raise FailedError(f"{action} is not known")
        if has("serial-work"):
            with LOCK:
                info = method(number, words)
        else:
            info = method(number, words)
        success = True
    except (FailedError, OSError, ValueError, zlib.error, IndexError) as error:
        success, info = False, " ".join(str(error).split()) or "failed"
    if Running.given_up.get(number, 0) == epoch:
        Lines.answer(action, success, number, info)


Method = Callable[[int, list[str]], str]
ACTIONS: dict[str, dict[str, Method]] = {
    "vmm": {
        "DEPLOY": deploy,
        "POLL": poll,
        "CANCEL": cancel_guest,
        "CLEANUP": cancel_guest,
        "SHUTDOWN": shutdown,
        "SAVE": save,
        "RESTORE": restore,
        "MIGRATE": migrate,
        "REBOOT": restart,
        "RESET": restart,
        "ATTACHNIC": plug,
        "DETACHNIC": unplug,
        "RESIZE": on_running,
        "SNAPSHOTCREATE": snapshot,
    },
    "tm": {"TRANSFER": transfer},
    "datastore": {
        "STAT": stat_image,
        "CP": copy_image,
        "CLONE": copy_image,
        "MKFS": make_empty,
        "RM": remove_image,
        "MONITOR": room,
    },
    "im": {"START_MONITOR": start_monitor, "STOP_MONITOR": stop_monitor},
    "auth": {"AUTHENTICATE": authenticate},
}

if __name__ == "__main__":
    if has("talks-first"):
        Lines.write("LOG I -1 starting")
    read_lines()
    if has("ignores-end-of-input"):
        threading.Event().wait()
    leave(0)
