"""Mounting, inside a mount namespace of the lab's own."""

from __future__ import annotations

from pathlib import Path

from opennebula_core.testing.kvmlab.command import run


def mount(kind: str, at: Path, options: str = "") -> None:
    """Mount a new file system of that kind."""
    run(["mount", "-t", kind, *(["-o", options] if options else []), kind, str(at)])


def bind(source: Path, at: Path) -> None:
    """Let ``at`` show what is at ``source``."""
    run(["mount", "--bind", str(source), str(at)])


def bind_folder(source: Path, at: Path, mode: int = 0o755) -> None:
    """Let the folder ``at`` show the folder ``source``; both are made when they are not there."""
    for folder in (source, at):
        folder.mkdir(parents=True, exist_ok=True)
    source.chmod(mode)
    bind(source, at)


def make_read_only(at: Path) -> None:
    """Let nobody write through a bind mount."""
    run(["mount", "-o", "remount,bind,ro", str(at)])
