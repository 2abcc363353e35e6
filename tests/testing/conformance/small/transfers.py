"""A small transfer driver."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from tests.testing.conformance.small.world import MIB, WORLD, FailedError, has


def transfer(number: int, words: list[str]) -> str:
    if not words:
        raise FailedError("no script is named")
    file = Path(words[0])
    if not file.is_file():
        if has("missing-script-succeeds"):
            return "-"
        raise FailedError(f"Transfer file '{file}' does not exist")
    failed = ""
    for line in file.read_text().splitlines():
        parts = line.split()
        if line.startswith("#% DELAY="):
            time.sleep(float(line[9:]))
        if not parts or parts[0].startswith("#"):
            continue
        try:
            command(parts[0].partition(".")[0], parts[2:-2])
        except (FailedError, OSError, ValueError, KeyError) as error:
            failed = str(error)
            if not has("goes-on-after-failure"):
                break
    if failed:
        raise FailedError(failed)
    return "-"


def path_of(word: str) -> Path:
    return Path(word.partition(":")[2] if ":" in word else word)


def copy_file(source: Path, target: Path, *, second_fails: str = "") -> None:
    if has("failed-clone-leaves-a-file"):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    data = source.read_bytes()
    target.parent.mkdir(parents=True, exist_ok=True)
    if second_fails and target.exists() and has(second_fails):
        raise FailedError(f"{target} exists")
    if has("clone-cuts-off"):
        data = data[:-1]
    if has("clone-in-place"):
        with target.open("wb") as file:
            file.write(data[: len(data) // 2])
            file.flush()
            time.sleep(0.1)
            file.write(data[len(data) // 2 :])
        return
    part = target.parent / ("part" if has("leaves-a-part") else f".{target.name}.{os.getpid()}")
    if has("mixes-up-disks"):
        part = WORLD / "part"
        WORLD.mkdir(parents=True, exist_ok=True)
    part.write_bytes(data)
    if has("mixes-up-disks"):
        time.sleep(0.05)
    if has("leaves-a-part"):
        shutil.copy(part, target)
    else:
        part.replace(target) if part.exists() else None


def make_file(target: Path, size: str) -> None:
    unit = 1_000_000 if has("other-megabytes") else MIB
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and has("second-mkimage-fails"):
        raise FailedError("it exists")
    with target.open("wb") as file:
        file.truncate(int(size) * unit)


def move(source: Path, target: Path) -> None:
    if source.name.startswith("disk."):
        return
    if not source.exists():
        if not target.exists() or has("second-mv-fails"):
            raise FailedError(f"{source} is not there")
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if has("mv-copies"):
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.move(source, target)


def delete(target: Path) -> None:
    if not target.exists() and has("second-delete-fails"):
        raise FailedError(f"{target} is not there")
    if has("deletes-nothing"):
        return
    shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)


def command(verb: str, words: list[str]) -> None:
    paths = [path_of(word) for word in words]
    if len(words) < 2 and verb != "DELETE" and not has("missing-words-succeed"):
        raise FailedError(f"{verb}: its words are missing")
    if not words:
        return
    match verb:
        case "CLONE" | "LN":
            copy_file(paths[0], paths[1], second_fails="second-clone-fails")
        case "MKIMAGE" | "MKSWAP":
            make_file(paths[-1], words[0])
        case "MV":
            move(paths[0], paths[1])
        case "MVDS":
            if not has("mvds-does-nothing"):
                copy_file(paths[0], paths[1])
        case "DELETE":
            delete(paths[0])
        case _ if not has("unknown-verbs-succeed"):
            raise FailedError(f"{verb} is not known")
