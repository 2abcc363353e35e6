"""A small virtualisation driver: a guest is a file."""

from __future__ import annotations

import time
from pathlib import Path

from tests.testing.conformance.small.world import WORLD, FailedError, element, has, payload, wait_as_told

MEMORY: dict[str, str] = {}
"""Where a forgetful driver keeps its guests."""


class Vm:
    """A guest: a file in its host's folder."""

    def __init__(self, number: int, words: list[str]) -> None:
        self.text = payload(words)
        if "<VM>" not in self.text or not element(self.text, "HOST"):
            if has("damage-succeeds"):
                return
            raise FailedError("the request has no VM, or names no host")
        self.number = number
        self.host = element(self.text, "HOST")
        self.deploy_id = "the-guest" if has("same-id-for-all") else f"one-{number}"

    def file(self, host: str = "") -> Path:
        folder = WORLD / (host or self.host)
        folder.mkdir(parents=True, exist_ok=True)
        return folder / self.deploy_id

    def runs(self, host: str = "") -> bool:
        if has("forgets-at-its-end"):
            return str(self.file(host)) in MEMORY
        return self.file(host).exists()

    def begin(self, host: str = "") -> None:
        MEMORY[str(self.file(host))] = ""
        self.file(host).touch()

    def end(self, host: str = "") -> None:
        MEMORY.pop(str(self.file(host)), None)
        self.file(host).unlink(missing_ok=True)

    def must_run(self) -> None:
        if not self.runs():
            raise FailedError(f"there is no guest {self.deploy_id} on {self.host}")

    @property
    def checkpoint(self) -> Path:
        return WORLD / f"checkpoint-{self.number}"


def deploy(number: int, words: list[str]) -> str:
    vm = Vm(number, words)
    if has("damage-succeeds") and not hasattr(vm, "host"):
        return "one-1"
    wait_as_told(vm.text)
    if has("failed-deploy-runs"):
        vm.begin()
    if has("lock-survives"):
        lock = WORLD / f"lock-{number}"
        if lock.exists():
            raise FailedError("it is being deployed already")
        WORLD.mkdir(parents=True, exist_ok=True)
        lock.touch()
        time.sleep(0.5)
        lock.unlink()
    if not Path(element(vm.text, "LOCAL_DEPLOYMENT_FILE")).is_file():
        raise FailedError("there is no deployment file")
    if vm.runs() and has("second-deploy-fails"):
        raise FailedError("the guest exists already")
    again = vm.runs()
    vm.begin()
    if has("deploys-nothing"):
        vm.end()
    if again and has("second-deploy-renames"):
        return f"{vm.deploy_id}-2"
    if has("two-words-for-an-id"):
        return f"domain {vm.deploy_id}"
    return "-" if has("no-deploy-id") else vm.deploy_id


def poll(number: int, words: list[str]) -> str:
    vm = Vm(number, words)
    if not vm.runs():
        if has("poll-of-nothing-fails"):
            raise FailedError("no such guest")
        return "STATE=d"
    return "STATE=RUNNING" if has("poll-says-a-word") else "STATE=a CPU=1 MEMORY=2"


def cancel_guest(number: int, words: list[str]) -> str:
    vm = Vm(number, words)
    if not vm.runs() and has("second-cancel-fails"):
        raise FailedError("no such guest")
    if has("cancel-ends-all"):
        for file in vm.file().parent.iterdir():
            file.unlink()
    if not has("cancel-does-nothing"):
        vm.end()
    return "-"


def shutdown(number: int, words: list[str]) -> str:
    vm = Vm(number, words)
    if not vm.runs() and has("second-shutdown-fails"):
        raise FailedError("no such guest")
    vm.end()
    return "-"


def save(number: int, words: list[str]) -> str:
    vm = Vm(number, words)
    if not vm.runs() and (has("second-save-fails") or not vm.checkpoint.exists()):
        raise FailedError("no such guest")
    vm.checkpoint.touch()
    if not has("save-leaves-it-running"):
        vm.end()
    return "-"


def restore(number: int, words: list[str]) -> str:
    vm = Vm(number, words)
    if vm.runs():
        if has("second-restore-fails"):
            raise FailedError("it runs already")
        return vm.deploy_id
    if not vm.checkpoint.exists() and not has("restores-from-nothing"):
        raise FailedError("there is no checkpoint")
    vm.checkpoint.unlink(missing_ok=True)
    vm.begin()
    return vm.deploy_id


def migrate(number: int, words: list[str]) -> str:
    vm = Vm(number, words)
    other = element(vm.text, "MIGR_HOST")
    if not vm.runs() and (has("second-migrate-fails") or not vm.runs(other)):
        if has("migrates-nothing"):
            vm.begin(other)
        else:
            raise FailedError("no such guest")
    vm.begin(other)
    if not has("migrate-leaves-it-here"):
        vm.end()
    return "-"


def restart(number: int, words: list[str]) -> str:
    vm = Vm(number, words)
    if not has("restarts-nothing"):
        vm.must_run()
    if has("restart-ends-it"):
        vm.end()
    return "-"


def plug(number: int, words: list[str]) -> str:
    vm = Vm(number, words)
    if not has("plugs-into-nothing"):
        vm.must_run()
    file = WORLD / f"nic-{number}"
    if file.exists() and has("second-attach-fails"):
        raise FailedError("it is plugged in already")
    WORLD.mkdir(parents=True, exist_ok=True)
    file.touch()
    return "-"


def unplug(number: int, words: list[str]) -> str:
    vm = Vm(number, words)
    vm.must_run()
    file = WORLD / f"nic-{number}"
    if not file.exists() and has("second-detach-fails"):
        raise FailedError("it is not plugged in")
    file.unlink(missing_ok=True)
    return "-"


def snapshot(number: int, words: list[str]) -> str:
    Vm(number, words).must_run()
    return "-" if has("snapshot-without-a-name") else "snap-0"


def on_running(number: int, words: list[str]) -> str:
    Vm(number, words).must_run()
    return "-"
